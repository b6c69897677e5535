"""A job belongs to who submitted it: its id answers nobody else with its data."""

import hashlib

import pytest

from producer.async_client import AsyncClient
from producer.client import credential_test, integration
from producer.contract.names import Keys, Kind
from producer.contract.ownership import owner_of
from producer.submit_errors import JobIdTakenError
from tests.producer.conftest import save

pytestmark = pytest.mark.redis_server

KEYS = Keys()
SECRET = {"emailCredentialsResponses": [{"dealerEmail": "jo@one.example"}], "errors": []}


def credential_test_of(dealer: str, **body):
    return credential_test(body, dealer_uuid=dealer)


def update_of(brand: str, kind: Kind = Kind.INTEGRATION_UPDATE):
    return integration(kind, brand_url=brand, auth_key="k", integration_id="i", body={})


MINE = credential_test_of("d-1")
OTHERS = [
    credential_test_of("d-2"),
    credential_test_of(""),
    update_of("shop.example"),
    update_of("d-1"),
]


def end(store, job_id, envelope, result=SECRET):
    """What a worker does at the end of a job, the owner included."""
    save(store, job_id, result)
    store.set(KEYS.owner(job_id), owner_of(envelope), ex=60)


@pytest.mark.parametrize("other", OTHERS)
def test_an_id_whose_job_waits_is_refused_to_others(client, store, other):
    client.submit(MINE, job_id="x")
    request = store.get(KEYS.request("x"))

    with pytest.raises(JobIdTakenError):
        client.submit(other, job_id="x")
    assert store.get(KEYS.request("x")) == request


@pytest.mark.parametrize("other", OTHERS)
def test_an_id_whose_job_has_ended_is_refused_to_others(client, store, other):
    end(store, "x", MINE)
    with pytest.raises(JobIdTakenError):
        client.submit(other, job_id="x")


def test_the_submitter_may_submit_again_with_whatever_body(client, store):
    client.submit(MINE, job_id="x")
    client.submit(credential_test_of("d-1", another="body"), job_id="x")
    end(store, "x", MINE)
    client.submit(MINE, job_id="x")
    assert client.wait("x", 1, owner=owner_of(MINE)) == SECRET


def test_a_brand_is_the_same_however_its_url_is_spelled(client):
    client.submit(update_of("https://Shop.example/"), job_id="x")
    client.submit(update_of("shop.example", Kind.INTEGRATION_DELETE), job_id="x")


def test_an_id_is_free_again_once_request_and_result_have_expired(client, store):
    end(store, "x", MINE)
    store.delete(KEYS.result("x"))
    client.submit(OTHERS[0], job_id="x")
    assert b'"d-2"' in store.get(KEYS.request("x"))


def test_one_taken_id_is_told_of_also_among_jobs_of_one_transaction(client, store):
    end(store, "x", MINE)
    client.submit(credential_test_of("d-2"), job_id="y")
    with pytest.raises(JobIdTakenError):
        client.submit(credential_test_of("d-2"), job_id="x")


def test_a_job_that_came_without_our_client_answers_its_own_submitter_only(client, store):
    """Raw producers write no owner: the worker does, with the result."""
    store.set(KEYS.request("x"), "{}", ex=60)
    client.submit(credential_test_of("d-2"), job_id="x")
    end(store, "x", MINE)

    assert client.fetch("x", owner=owner_of(MINE)) == SECRET
    with pytest.raises(JobIdTakenError):
        client.wait("x", 1, owner=owner_of(credential_test_of("d-2")))
    assert client.fetch("x") == SECRET, "operators look by the id alone"


def test_a_result_that_speaks_of_nobody_answers_whoever_asks(client, store):
    save(store, "x", {"errors": ["it could not be read"]})
    assert client.fetch("x", owner=owner_of(MINE)) is not None


async def test_the_client_for_asyncio_does_the_same(store, redis_url):
    async with AsyncClient(redis_url) as client:
        await client.submit(MINE, job_id="x")
        with pytest.raises(JobIdTakenError):
            await client.submit(OTHERS[0], job_id="x")
        end(store, "x", MINE)
        assert await client.wait("x", 1, owner=owner_of(MINE)) == SECRET
        with pytest.raises(JobIdTakenError):
            await client.wait("x", 1, owner=owner_of(OTHERS[0]))


def test_a_fresh_id_costs_no_claim(client, store):
    job_id = client.submit(MINE)
    assert not store.exists(KEYS.owner(job_id))


def test_other_languages_can_make_the_owner_by_the_documented_rule():
    assert (
        owner_of(credential_test_of("d-1")) == hashlib.sha256(b"credential-test\nd-1").hexdigest()
    )
    brand = hashlib.sha256(b"integration\nshop.example").hexdigest()
    assert owner_of(update_of("https://shop.example/")) == brand
    assert len({owner_of(envelope) for envelope in [MINE, *OTHERS]}) == 5
