import pytest

from producer.contract.names import ACTOR_OF, QUEUE_OF, Keys, Kind, Queue, is_job_id


@pytest.mark.parametrize("job_id", ["a", "A-Z_0.9:x", "x" * 128, "4f1e", "-", ":"])
def test_a_job_id_is_1_to_128_of_the_named_characters(job_id):
    assert is_job_id(job_id)


@pytest.mark.parametrize(
    "job_id", ["", "x" * 129, "a b", "a\n", "é", "a/b", "a*", "a\0", "٣", None, 7, b"a", ["a"]]
)
def test_nothing_else_is_a_job_id(job_id):
    assert not is_job_id(job_id)


def test_the_keys_are_those_of_the_contract():
    keys = Keys()
    assert keys.request("j") == "mailvouch:request:j"
    assert keys.result("j") == "mailvouch:result:j"
    assert keys.report("j") == "mailvouch:report:j"
    assert keys.done("j") == "mailvouch:done:j"
    assert keys.queue("credential-tests") == "mailvouch:credential-tests"
    assert keys.messages("credential-tests") == "mailvouch:credential-tests.msgs"
    assert keys.dead("credential-tests") == "mailvouch:credential-tests.XQ"


def test_a_namespace_separates_installations():
    assert Keys("other").request("j") == "other:request:j"


def test_every_kind_has_a_queue_and_every_queue_an_actor():
    assert set(QUEUE_OF) == set(Kind)
    assert set(QUEUE_OF.values()) == set(ACTOR_OF) == set(Queue)
    assert ACTOR_OF[QUEUE_OF[Kind.CREDENTIAL_TEST]] == "test_credentials"
    assert ACTOR_OF[QUEUE_OF[Kind.INTEGRATION_DELETE]] == "update_integration"
