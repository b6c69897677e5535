import json

import pytest
from dramatiq import Message
from hypothesis import given
from hypothesis import strategies as st

from producer.contract.codes import Code
from producer.contract.envelope import (
    CredentialTestEnvelope,
    EnvelopeError,
    IntegrationEnvelope,
    dump_envelope,
    parse_envelope,
    queue_message,
)
from producer.contract.names import MAX_REQUEST_BYTES, Kind, Queue

TEST = {"version": 1, "kind": "credential-test", "dealerUUID": "d-1", "body": {"a": 1}}
UPDATE = {
    "version": 1,
    "kind": "integration-update",
    "id": "i-1",
    "brandUrl": "https://b.example",
    "authKey": "the-key",
    "body": {"host": "h"},
}


@pytest.mark.parametrize("document", [TEST, UPDATE])
def test_what_is_read_is_written_the_same(document):
    assert json.loads(dump_envelope(parse_envelope(json.dumps(document)))) == document


def test_a_body_of_octets_is_written_as_it_is():
    body = b' {"a": 1.50, "b": "\xc3\xa9"}'
    written = dump_envelope(CredentialTestEnvelope(dealerUUID="d-1", body=body))
    assert body in written
    assert parse_envelope(written).body == {"a": 1.5, "b": "\u00e9"}


def test_a_test_carries_dealer_and_body():
    envelope = parse_envelope(json.dumps(TEST))
    assert isinstance(envelope, CredentialTestEnvelope)
    assert (envelope.dealer_uuid, envelope.body) == ("d-1", {"a": 1})


@pytest.mark.parametrize("kind", ["integration-update", "integration-create", "integration-delete"])
def test_an_integration_carries_its_key_as_a_secret(kind):
    envelope = parse_envelope(json.dumps({**UPDATE, "kind": kind}))
    assert isinstance(envelope, IntegrationEnvelope)
    assert envelope.kind == Kind(kind)
    assert envelope.auth_key.get_secret_value() == "the-key"
    assert "the-key" not in repr(envelope)


@pytest.mark.parametrize("body", [None, [], "text", 7, {"emailCredentialsRequests": None}])
def test_a_body_of_any_shape_is_for_the_worker_to_judge(body):
    assert parse_envelope(json.dumps({**TEST, "body": body})).body == body


def test_unknown_fields_are_ignored():
    assert parse_envelope(json.dumps({**TEST, "more": {"x": 1}})).body == {"a": 1}


@pytest.mark.parametrize("given_", [7, "", "nonsense", "x" * 5000, ["a"], None])
def test_a_wrong_traceparent_is_ignored(given_):
    assert parse_envelope(json.dumps({**TEST, "traceparent": given_})).traceparent is None


def test_a_traceparent_is_carried():
    value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    envelope = parse_envelope(json.dumps({**TEST, "traceparent": value}))
    assert envelope.traceparent == value
    assert json.loads(dump_envelope(envelope))["traceparent"] == value


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"s3cret",
        b"[]",
        b'"s3cret"',
        b"\xff\xfes3cret",
        b"[" * 100_000,
        b"1" * 5_000,
        b'{"version":1,"kind":"credential-test","body":{}',
        b" " * (MAX_REQUEST_BYTES + 1),
    ],
)
def test_what_is_no_json_object_is_unreadable(request_):
    with pytest.raises(EnvelopeError) as caught:
        parse_envelope(request_)
    assert caught.value.code is Code.REQUEST_UNREADABLE
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"version": 2}, "version"),
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"version": None}, "version"),
        ({"kind": "s3cret"}, "kind"),
        ({"kind": ["s3cret"]}, "kind"),
        ({"kind": None}, "kind"),
        ({"dealerUUID": 7}, "dealerUUID"),
        ({"dealerUUID": "s3cret" * 100}, "dealerUUID"),
        ({"kind": "integration-update", "authKey": ["s3cret"]}, "authKey"),
        ({"kind": "integration-update", "brandUrl": {"s3cret": 1}}, "brandUrl"),
    ],
)
def test_a_wrong_field_is_named_and_never_quoted(changes, told):
    with pytest.raises(EnvelopeError) as caught:
        parse_envelope(json.dumps({**TEST, **changes}))
    assert caught.value.code is Code.INVALID_REQUEST_DATA
    assert told in caught.value.message
    assert "s3cret" not in str(caught.value)


def test_a_missing_body_is_named_with_its_kind():
    with pytest.raises(EnvelopeError, match="body") as caught:
        parse_envelope('{"version":1,"kind":"credential-test"}')
    assert caught.value.kind is Kind.CREDENTIAL_TEST


def test_a_wrong_version_still_tells_its_kind():
    with pytest.raises(EnvelopeError) as caught:
        parse_envelope('{"version":9,"kind":"integration-update"}')
    assert caught.value.kind is Kind.INTEGRATION_UPDATE


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_request_is_read_or_refused_with_a_request_code(request_):
    with pytest.raises(EnvelopeError) as caught:
        parse_envelope(request_)
    assert caught.value.code in (Code.REQUEST_UNREADABLE, Code.INVALID_REQUEST_DATA)


@pytest.mark.parametrize(
    ("queue", "actor"),
    [
        (Queue.CREDENTIAL_TESTS, "test_credentials"),
        (Queue.INTEGRATION_UPDATES, "update_integration"),
    ],
)
def test_a_message_is_what_dramatiq_reads(queue, actor):
    message = Message.decode(queue_message(queue, "job:1", "rid-1", 1_700_000_000_123))
    assert (message.queue_name, message.actor_name) == (queue.value, actor)
    assert (tuple(message.args), message.kwargs) == (("job:1",), {})
    assert message.options == {"redis_message_id": "rid-1"}
    assert (message.message_id, message.message_timestamp) == ("job:1", 1_700_000_000_123)
