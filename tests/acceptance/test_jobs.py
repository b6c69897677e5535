"""docs/CONTRACT.md sections 1 to 3 and 5: ids, keys, lifetimes, envelopes, the report."""

import json
import threading
from uuid import UUID

import pytest

from tests.support.mail_office import PASSWORD, USER, account
from tests.support.outsider import codes
from tests.support.queueing import wait_for

GOLDEN_KEYS = ["emailCredentialsResponses", "errors", "warnings"]
INTEGRATION_KEYS = ["success", "statusCode", "message", "data", "errors"]


@pytest.fixture(scope="module")
def servers(office):
    return office.smtp("tls"), office.imap("tls")


def envelope(*items, **changes):
    body = {"emailCredentialsRequests": list(items)}
    given = {"version": 1, "kind": "credential-test", "dealerUUID": "d-1", "body": body}
    return given | changes


def test_the_result_takes_the_place_of_the_request(outside, servers):
    job = outside.enqueue(envelope(account(*servers)))
    outside.result(job)
    assert not outside.redis.exists(outside.key("request", job))
    for name in ("result", "report"):
        assert outside.redis.type(outside.key(name, job)) == b"string"
        assert 86_390 < outside.redis.ttl(outside.key(name, job)) <= 86_400


def test_the_done_message_is_the_job_id_once_and_finds_the_result(outside, servers):
    job = "done-1"
    with outside.redis.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(outside.key("done", job))
        listener.get_message(timeout=5)
        outside.enqueue(envelope(account(*servers)), job=job)
        message = None
        while message is None:
            message = listener.get_message(timeout=10)
        assert outside.redis.exists(outside.key("result", job), outside.key("report", job)) == 2
        assert message["data"] == job.encode()
        assert listener.get_message(timeout=0.3) is None


@pytest.mark.parametrize("job", ["a", "A.b_c:d-9", "x" * 128])
def test_a_job_id_may_be_anything_of_the_alphabet(outside, servers, job):
    outside.enqueue(envelope(account(servers[0], None)), job=job)
    assert codes(outside.result(job)["errors"]) == []
    assert outside.report(job)["jobId"] == job


def test_the_same_id_again_runs_nothing_and_leaves_no_request_behind(outside, servers):
    job = outside.enqueue(envelope(account(*servers)))
    first = outside.result(job)
    before = servers[0].connections
    with outside.redis.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(outside.key("done", job))
        listener.get_message(timeout=5)
        outside.enqueue(envelope(account(*servers)), job=job)
        wait_until(lambda: not outside.redis.hlen(outside.key("credential-tests.msgs")))
    assert outside.result(job) == first
    assert servers[0].connections == before
    wait_until(lambda: not outside.redis.exists(outside.key("request", job)))


def test_the_same_id_twenty_times_at_once_is_one_login(outside, office):
    server = office.smtp("tls")
    threads = [
        threading.Thread(
            target=outside.enqueue, args=(envelope(account(server, None)),), kwargs={"job": "many"}
        )
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outside.result("many")
    wait_until(lambda: not outside.redis.hlen(outside.key("credential-tests.msgs")))
    assert server.connections == 1


def wait_until(seen, seconds=15):
    ticker = threading.Event()
    for _ in range(seconds * 50):
        if seen():
            return
        ticker.wait(0.02)
    raise AssertionError("it did not come to pass")


BROKEN = [
    ("{not json", "REQUEST_UNREADABLE"),
    ("", "REQUEST_UNREADABLE"),
    ("[]", "REQUEST_UNREADABLE"),
    ('"text"', "REQUEST_UNREADABLE"),
    ("null", "REQUEST_UNREADABLE"),
    ("NaN", "REQUEST_UNREADABLE"),
    (b"\xff\xfe\x00", "REQUEST_UNREADABLE"),
    (b"\x00" * 100, "REQUEST_UNREADABLE"),
    ("[" * 100_000, "REQUEST_UNREADABLE"),
    ("9" * 10_000, "REQUEST_UNREADABLE"),
    ('{"version": 1e999}', "INVALID_REQUEST_DATA"),
    ("{}", "INVALID_REQUEST_DATA"),
    ('{"version": 2, "kind": "KIND", "body": {}}', "INVALID_REQUEST_DATA"),
    ('{"version": "1", "kind": "KIND", "body": {}}', "INVALID_REQUEST_DATA"),
    ('{"version": true, "kind": "KIND", "body": {}}', "INVALID_REQUEST_DATA"),
    ('{"version": null, "kind": "KIND", "body": {}}', "INVALID_REQUEST_DATA"),
    ('{"version": 1, "kind": "weather", "body": {}}', "INVALID_REQUEST_DATA"),
    ('{"version": 1, "kind": 7, "body": {}}', "INVALID_REQUEST_DATA"),
    ('{"version": 1, "kind": ["KIND"], "body": {}}', "INVALID_REQUEST_DATA"),
    ('{"version": 1, "kind": "OTHER", "body": {}}', "INVALID_REQUEST_DATA"),
    ("eyJhbGciOiJub25lIn0.a.b.c.d", "REQUEST_UNREADABLE"),
    ("a.b.c.d.e", "REQUEST_UNREADABLE"),
    (None, "REQUEST_EXPIRED"),
]


@pytest.mark.parametrize(
    ("queue", "kind", "other"),
    [
        ("credential-tests", "credential-test", "integration-update"),
        ("integration-updates", "integration-update", "credential-test"),
    ],
)
def test_a_request_that_cannot_be_taken_ends_in_the_shape_of_its_queue(outside, queue, kind, other):
    sent = [(outside.enqueue(swap(text, kind, other), queue), code, text) for text, code in BROKEN]
    for job, code, text in sent:
        result = outside.result(job)
        if queue == "credential-tests":
            assert list(result) == GOLDEN_KEYS
            assert result["emailCredentialsResponses"] == []
            (error,) = result["errors"]
            assert error["errorCode"] == code, text
            UUID(error["errorUID"])
        else:
            assert list(result) == INTEGRATION_KEYS
            assert (result["success"], result["statusCode"], result["data"]) == (False, 400, None)
            (error,) = result["errors"]
            assert list(error) == ["code", "message", "correlationId"]
            assert error["code"] == code, text
        assert outside.report(job)["items"] == []


def swap(text, kind, other):
    return text.replace("KIND", kind).replace("OTHER", other) if isinstance(text, str) else text


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        7,
        "text",
        {},
        {"emailCredentialsRequests": None},
        {"emailCredentialsRequests": {}},
        {"emailCredentialsRequests": "text"},
        {"emailCredentialsRequests": []},
        {"emailCredentialsRequests": [{}] * 51},
    ],
)
def test_a_body_without_one_to_fifty_items_is_invalid_request_data(outside, body):
    result = outside.result(outside.enqueue(envelope() | {"body": body}))
    assert codes(result["errors"]) == ["INVALID_REQUEST_DATA"]
    assert result["emailCredentialsResponses"] == []


def test_a_missing_dealer_and_unknown_fields_do_no_harm(outside, servers):
    given = envelope({**account(*servers), "surprise": {"a": [1]}}, more=1)
    del given["dealerUUID"]
    result = outside.result(outside.enqueue(given))
    assert result["emailCredentialsResponses"][0]["outcome"] == "SUCCESS"


def test_the_report_has_its_documented_form(outside, servers):
    job = outside.enqueue(envelope(account(*servers), account(servers[0], None)))
    outside.result(job)
    report = outside.report(job)
    assert set(report) == {
        *("version", "jobId", "kind", "attempts", "queueWaitMs"),
        *("durationMs", "workerVersion", "items"),
    }
    assert (report["version"], report["kind"], report["attempts"]) == (1, "credential-test", 1)
    both, smtp_only = report["items"]
    assert smtp_only["imap"] is None
    for probe in both.values():
        assert list(probe) == [
            *("code", "retryable", "field", "phase", "phases", "remoteAddress", "tls"),
            *("mechanism", "serverReply", "evidence", "helpUrl", "hint", "suggestion"),
        ]
        assert (probe["code"], probe["retryable"], probe["field"]) == ("OK", False, None)
        assert all(set(one) == {"name", "state", "milliseconds"} for one in probe["phases"])
        assert probe["remoteAddress"].startswith("127.0.0.1")
        assert probe["tls"]["verified"] is True
        assert set(probe["tls"]) == {
            *("version", "cipher", "subjectNames", "issuer", "daysLeft", "verified", "reason"),
        }


def test_no_secret_leaves_the_request(world, outside, servers):
    wrong = "W7-wrong-" + PASSWORD
    found, _ = outside.test(account(*servers), account(*servers, password=wrong))
    told = found[1]["errors"][0]["errorUID"]
    wait_for(lambda: told in world.log)
    text = json.dumps(found) + world.log
    for key in outside.redis.scan_iter("*"):
        text += key.decode("latin-1") + (outside.redis.dump(key) or b"").decode("latin-1")
    assert PASSWORD not in text
    assert USER in text


@pytest.mark.parametrize(
    ("changed", "where"),
    [({"kwargs": {"x": PASSWORD}}, "kwargs"), ({"args": ["bad-2", PASSWORD]}, "args")],
)
def test_a_malformed_message_ends_with_a_result_that_names_the_field(outside, changed, where):
    queue, job, rid = outside.key("credential-tests"), f"malformed-{where}", f"rid-{where}"
    message = {
        "queue_name": "credential-tests",
        "actor_name": "test_credentials",
        "args": [job],
        "kwargs": {},
        "options": {"redis_message_id": rid},
        "message_id": job,
        **changed,
    }
    message["args"][0] = job
    outside.redis.hset(f"{queue}.msgs", rid, json.dumps(message))
    outside.redis.rpush(queue, rid)
    (error,) = outside.result(job)["errors"]
    assert error["errorCode"] == "REQUEST_UNREADABLE"
    assert error["errorDescription"].endswith(f": {where}.")
    assert PASSWORD not in error["errorDescription"]
