import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from producer.client import Client, JobState, credential_test, integration
from producer.contract.names import MAX_REQUEST_BYTES, Keys, Kind
from producer.contract.progress import Progress
from producer.job_reads import RECHECK_SECONDS
from producer.redis_failures import RedisUnavailableError
from producer.sealing.requests import Unsealer, make_request_keys
from producer.submit_errors import InvalidJobIdError, RequestTooLargeError, SubmitInterruptedError
from tests.support.queueing import wait_for
from tests.support.redis_server import data_folder, embedded_redis

pytestmark = pytest.mark.redis_server

KEYS = Keys()
BODY = {"emailCredentialsRequests": [{"dealerEmail": "jo@example.com", "password": "s3cret-é"}]}
ENVELOPE = credential_test(BODY, dealer_uuid="d-1")
RESULT = {"emailCredentialsResponses": [], "errors": [], "warnings": []}


def once_awaited(store, job_id, action, *arguments) -> threading.Thread:
    """Do something as soon as somebody has subscribed to a job's end."""

    def watch() -> None:
        wait_for(lambda: store.pubsub_numsub(KEYS.done(job_id))[0][1])
        action(*arguments)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_submit_writes_the_three_keys_of_the_contract(client, store):
    before_ms = time.time_ns() // 1_000_000
    assert client.submit(ENVELOPE, job_id="job-1") == "job-1"

    assert json.loads(store.get("mailvouch:request:job-1")) == {
        "version": 1,
        "kind": "credential-test",
        "dealerUUID": "d-1",
        "body": BODY,
    }
    assert 86_390 < store.ttl("mailvouch:request:job-1") <= 86_400
    (message_id,) = store.lrange("mailvouch:credential-tests", 0, -1)
    message = json.loads(store.hget("mailvouch:credential-tests.msgs", message_id))
    assert before_ms <= message.pop("message_timestamp") <= time.time_ns() // 1_000_000
    assert message == {
        "queue_name": "credential-tests",
        "actor_name": "test_credentials",
        "args": ["job-1"],
        "kwargs": {},
        "options": {"redis_message_id": message_id.decode()},
        "message_id": "job-1",
    }


def test_an_integration_goes_to_its_own_queue_with_its_key_in_the_request_only(client, store):
    client.submit(
        integration(
            Kind.INTEGRATION_UPDATE,
            brand_url="https://b.example",
            auth_key="the-key",
            integration_id="i-1",
            body={"host": "h"},
        ),
        job_id="u-1",
    )
    assert json.loads(store.get("mailvouch:request:u-1")) == {
        "version": 1,
        "kind": "integration-update",
        "id": "i-1",
        "brandUrl": "https://b.example",
        "authKey": "the-key",
        "body": {"host": "h"},
    }
    (message,) = store.hvals("mailvouch:integration-updates.msgs")
    assert json.loads(message)["actor_name"] == "update_integration"
    assert b"the-key" not in message


def test_the_same_id_again_keeps_the_first_request(client, store):
    client.submit(ENVELOPE, job_id="twice")
    client.submit(credential_test({}, dealer_uuid="d-1"), job_id="twice")
    assert json.loads(store.get("mailvouch:request:twice"))["body"] == BODY


def test_an_id_is_made_where_none_is_given(client, store):
    first, second = client.submit(ENVELOPE), client.submit(ENVELOPE)
    assert first != second
    assert store.exists(KEYS.request(first), KEYS.request(second)) == 2


@pytest.mark.parametrize("job_id", ["", "a" * 129, "with space", "né", "line\n", 'quo"te'])
def test_an_id_that_breaks_the_rule_is_refused_before_anything_is_written(client, store, job_id):
    with pytest.raises(InvalidJobIdError):
        client.submit(ENVELOPE, job_id=job_id)
    assert store.dbsize() == 0


def test_a_request_that_no_worker_would_read_is_not_written(client, store):
    with pytest.raises(RequestTooLargeError):
        client.submit(credential_test("x" * MAX_REQUEST_BYTES))
    assert store.dbsize() == 0


def test_many_are_written_in_order_and_to_their_queues(client, store):
    update = integration(Kind.INTEGRATION_DELETE, brand_url="b", auth_key="k", integration_id="i")
    job_ids = client.submit_many([ENVELOPE, update] * 300)

    assert len(set(job_ids)) == 600
    tests = store.lrange("mailvouch:credential-tests", 0, -1)
    messages = store.hmget("mailvouch:credential-tests.msgs", tests)
    assert [json.loads(message)["message_id"] for message in messages] == job_ids[::2]
    assert store.llen("mailvouch:integration-updates") == 300
    assert all(store.exists(KEYS.request(job_id)) for job_id in job_ids)


def test_many_may_be_none(client, store):
    assert client.submit_many([]) == []
    assert store.dbsize() == 0


def test_the_state_follows_the_keys(client, save_result):
    assert client.state("j") is JobState.UNKNOWN
    client.submit(ENVELOPE, job_id="j")
    assert client.state("j") is JobState.WAITING
    assert client.fetch("j") is None
    save_result("j", RESULT, {"version": 1})
    assert client.state("j") is JobState.DONE
    assert client.fetch("j") == RESULT
    assert client.report("j") == {"version": 1}


def test_waiting_ends_with_the_result(client, store, save_result):
    client.submit(ENVELOPE, job_id="w")
    worker = once_awaited(store, "w", save_result, "w", RESULT)
    assert client.wait("w", timeout_seconds=20) == RESULT
    worker.join()


def test_a_result_that_is_already_there_is_not_waited_for(client, save_result):
    save_result("w", RESULT)
    assert client.wait("w", timeout_seconds=0) == RESULT


def test_waiting_ends_at_its_time(client):
    with pytest.raises(TimeoutError):
        client.wait("never", timeout_seconds=0.2)


def test_a_lost_subscription_loses_no_result(client, store, save_result):
    def save_and_cut_the_line() -> None:
        save_result("w", RESULT, publish=False)  # published while nobody listened
        store.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    worker = once_awaited(store, "w", save_and_cut_the_line)
    before_the_slow_look = RECHECK_SECONDS - 1  # it is the new subscription that sees the result
    assert client.wait("w", before_the_slow_look) == RESULT
    worker.join()


def test_waiting_outlives_a_restart_of_redis():
    with (
        embedded_redis() as server,
        Client(server.url) as client,
        redis.Redis.from_url(server.url) as store,
    ):
        client.submit(ENVELOPE, job_id="w")

        def restart_and_save() -> None:
            server.stop()
            server.start()
            store.set(KEYS.result("w"), json.dumps(RESULT))
            store.publish(KEYS.done("w"), "w")

        worker = once_awaited(store, "w", restart_and_save)
        assert client.wait("w", timeout_seconds=60) == RESULT
        worker.join()


def test_a_submit_after_a_restart_of_redis_needs_no_second_try():
    with embedded_redis() as server, Client(server.url) as client:
        client.submit(ENVELOPE)
        server.stop()
        server.start()
        job_id = client.submit(ENVELOPE)
        assert client.state(job_id) is JobState.WAITING


def test_a_redis_that_is_away_is_named_with_the_remedy():
    with data_folder() as folder:
        socket = folder / "nobody.sock"
        client = Client(f"unix://{socket}")
        with pytest.raises(RedisUnavailableError) as caught:
            client.submit(ENVELOPE)
        assert str(socket) in str(caught.value)
        assert "check that it runs" in str(caught.value)
        assert "mailvouch-worker run" in str(caught.value)  # a killed worker leaves its socket
        with pytest.raises(RedisUnavailableError):
            client.wait("w", timeout_seconds=0.1)


def test_a_refused_password_is_never_quoted(store, redis_url):
    store.execute_command("ACL", "SETUSER", "someone", "on", ">right", "allcommands", "allkeys")
    client = Client(redis_url.replace("unix://", "unix://someone:wr0ng@"))
    with pytest.raises(RedisUnavailableError, match="refuses this user") as caught:
        client.submit(ENVELOPE)
    assert "wr0ng" not in str(caught.value)


def test_a_user_without_the_right_is_not_told_to_check_the_password(store, redis_url):
    store.execute_command("ACL", "SETUSER", "reader", "on", ">right", "+@read", "allkeys")
    client = Client(redis_url.replace("unix://", "unix://reader:right@"))
    with pytest.raises(RedisUnavailableError, match="needs a user who may") as caught:
        client.submit(ENVELOPE)
    assert "password" not in str(caught.value)


def test_a_user_who_may_not_read_results_does_not_wait_for_one(store, redis_url, save_result):
    save_result("there", {})
    store.execute_command("ACL", "SETUSER", "blind", "on", "nopass", "+@all", "-mget", "~*", "&*")
    client = Client(redis_url.replace("unix://", "unix://blind:x@"))
    with pytest.raises(RedisUnavailableError, match=r"not do this .*mget"):
        client.wait("there", timeout_seconds=5, on_progress=print)


def test_a_full_redis_is_told_from_one_that_is_away(client, store):
    store.config_set("maxmemory", "1")
    try:
        with pytest.raises(RedisUnavailableError, match="full"):
            client.submit(ENVELOPE)
    finally:
        store.config_set("maxmemory", "0")
    assert store.llen("mailvouch:credential-tests") == 0
    client.submit(ENVELOPE)  # the connection was not left with unread replies
    assert store.llen("mailvouch:credential-tests") == 1


def test_a_foreign_type_under_a_queue_key_is_an_error_not_a_success(client, store):
    store.set("mailvouch:credential-tests", "no list")
    with pytest.raises(RedisUnavailableError, match="WRONGTYPE"):
        client.submit(ENVELOPE)


def test_with_a_public_key_only_the_holder_of_the_private_one_can_read(store, redis_url):
    private, public = make_request_keys()
    with Client(redis_url, public_jwk=public) as client:
        client.submit(ENVELOPE, job_id="sealed")
    stored = store.get("mailvouch:request:sealed")
    assert b"s3cret" not in stored
    assert json.loads(Unsealer([private]).unseal(stored))["body"] == BODY


def test_no_secret_shows_in_the_repr_of_an_envelope():
    update = integration(Kind.INTEGRATION_UPDATE, brand_url="b", auth_key="the-key", body=BODY)
    assert "the-key" not in repr(update)
    assert "s3cret" not in repr(update)
    assert "s3cret" not in repr(ENVELOPE)


def bulk(count):
    return [f"bulk-{number}" for number in range(count)]


def envelopes_until(count, then):
    """An endless stream, as a generator over a file would be; `then` happens at `count`."""
    for number in range(10_000):
        if number == count:
            then()
        yield ENVELOPE


def test_many_take_ids_of_your_own_and_may_be_submitted_again(client, store):
    assert client.submit_many([ENVELOPE] * 300, job_ids=bulk(300)) == bulk(300)
    assert client.submit_many([ENVELOPE] * 300, job_ids=bulk(300)) == bulk(300)
    assert len(store.keys("mailvouch:request:*")) == 300


def test_envelopes_and_ids_of_different_number_are_an_error(client):
    with pytest.raises(ValueError, match="shorter"):
        client.submit_many([ENVELOPE] * 3, job_ids=bulk(2))


def test_an_interrupted_bulk_says_what_went_in_and_what_may_have(client, store):
    def fill_up():
        store.config_set("maxmemory", "1")

    try:
        with pytest.raises(SubmitInterruptedError, match="512 jobs are in, 256 may be") as caught:
            client.submit_many(envelopes_until(600, fill_up))
    finally:
        store.config_set("maxmemory", "0")
    error = caught.value
    assert (len(error.submitted), len(error.uncertain)) == (512, 256)
    assert isinstance(error, RedisUnavailableError)
    assert store.exists(*map(KEYS.request, error.submitted)) == 512
    rest = client.submit_many([ENVELOPE] * 256, job_ids=error.uncertain)
    assert store.llen("mailvouch:credential-tests") == 768
    assert tuple(rest) == error.uncertain


def test_a_bulk_with_a_bad_id_in_it_says_what_went_in_before(client):
    job_ids = bulk(600)
    job_ids[599] = "not an id"
    with pytest.raises(InvalidJobIdError) as caught:
        client.submit_many([ENVELOPE] * 600, job_ids=job_ids)
    assert caught.value.submitted == tuple(job_ids[:512])
    assert caught.value.uncertain == ()


def test_a_bulk_whose_source_fails_says_what_went_in_before(client):
    def fail():
        raise OSError("the file ended in the middle")

    with pytest.raises(OSError, match="the file ended") as caught:
        client.submit_many(envelopes_until(300, fail))
    assert caught.value.__notes__ == ["256 jobs were submitted before this"]


def test_a_waiter_hears_of_each_item_that_ends(client, store, save_result):
    heard = []

    def end_with_the_last(progress):
        heard.append(progress)
        if progress.done == progress.total:
            save_result("w", {"emailCredentialsResponses": []})

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.wait, "w", 20, on_progress=end_with_the_last)
        while not store.pubsub_numsub("mailvouch:progress:w")[0][1]:
            pass
        for message in ("no JSON", '{"done": 1}', '{"done": 1, "total": 2}'):
            store.publish("mailvouch:progress:w", message)
        store.publish("mailvouch:progress:other", '{"done": 7, "total": 9}')
        store.publish("mailvouch:progress:w", '{"done": 2, "total": 2}')
        assert waiting.result() == {"emailCredentialsResponses": []}
    assert heard == [Progress(1, 2), Progress(2, 2)]


def test_a_user_who_may_not_hear_of_progress_waits_without_it(store, redis_url, save_result):
    store.acl_setuser(
        "hears_not",
        enabled=True,
        nopass=True,
        keys="*",
        channels="mailvouch:done:*",
        commands=["+@all"],
    )
    save_result("w", {"errors": []})
    with Client(redis_url.replace("unix://", "unix://hears_not:x@")) as client:
        assert client.wait("w", 10, on_progress=print) == {"errors": []}


def test_the_workers_that_live_are_counted_by_the_clock_of_redis(client, store):
    assert client.workers() == 0
    now_ms = 1000 * store.time()[0]
    beats = {"a": now_ms, "b": now_ms - 10_000, "dead": now_ms - 20_000, "ahead": now_ms + 10_000}
    before_it_was_set_back = {"dead, too": now_ms + 60_000}
    store.zadd("mailvouch:__heartbeats__", beats | before_it_was_set_back)
    assert client.workers() == 3
