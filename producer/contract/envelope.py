"""The request envelope and the queue message (docs/CONTRACT.md sections 2 and 3)."""

import json
import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)

from producer.contract.codes import Code
from producer.contract.names import ACTOR_OF, MAX_REQUEST_BYTES, Kind, Queue

ENVELOPE_VERSION: Final = 1

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")

_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))


class EnvelopeError(Exception):
    """An envelope that cannot be taken. Its text never quotes the envelope.

    `code` is a request-level code; `kind` what could still be told of the request, or None.
    """

    def __init__(self, code: Code, message: str, kind: Kind | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.kind = kind


def _traceparent(value: object) -> str | None:
    """Take a W3C trace context; ignore what is none, as that standard asks."""
    return value if isinstance(value, str) and _TRACEPARENT.match(value) else None


def _given(value: object) -> object:
    """Null means "not given", as everywhere on input."""
    return "" if value is None else value


Given = Annotated[str, BeforeValidator(_given)]


class _Envelope(BaseModel):
    # Unknown fields are ignored, as everywhere on input; errors never show what was given.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    version: Literal[1] = 1
    traceparent: Annotated[str | None, BeforeValidator(_traceparent)] = None


class CredentialTestEnvelope(_Envelope):
    """`body` is the body of `POST /communications/dealers/{dealerUUID}/email-credentials/test`."""

    kind: Literal[Kind.CREDENTIAL_TEST] = Kind.CREDENTIAL_TEST
    dealer_uuid: Given = Field(default="", alias="dealerUUID", max_length=128)
    # Any JSON: a body that is no object still ends with a result that says so. Octets are JSON in
    # UTF-8 that was read before, and go into the envelope as they are.
    body: Any = Field(repr=False)


class IntegrationEnvelope(_Envelope):
    """Headers, path and body of the `/api/v1/app-integrations/smtp` family.

    `id` is unused by a create and a test; `body` by a delete. `auth_key` is a secret from birth.
    """

    kind: Literal[
        Kind.INTEGRATION_UPDATE,
        Kind.INTEGRATION_CREATE,
        Kind.INTEGRATION_DELETE,
        Kind.INTEGRATION_TEST,
    ]
    id: Given = Field(default="", max_length=128)
    # No limit of their own: an over-long brand or key is an unknown one, and is told so by a 401.
    brand_url: Given = Field(default="", alias="brandUrl")
    auth_key: Annotated[SecretStr, BeforeValidator(_given)] = Field(
        default=SecretStr(""), alias="authKey"
    )
    body: Any = Field(default=None, repr=False)


Envelope = CredentialTestEnvelope | IntegrationEnvelope

_ENVELOPE: TypeAdapter[Envelope] = TypeAdapter(Annotated[Envelope, Field(discriminator="kind")])


def parse_envelope(plain: bytes | str) -> Envelope:
    """Read a plain (unsealed) envelope.

    Raises EnvelopeError: REQUEST_UNREADABLE where it is no JSON object, INVALID_REQUEST_DATA where
    it is one, and its version, its kind or another field is wrong.
    """
    document = _read_object(plain)
    kind = _kind_of(document)
    version = document.get("version")
    if version != ENVELOPE_VERSION or isinstance(version, bool):
        raise _invalid("The request envelope's version must be 1.", kind)
    if kind is None:
        raise _invalid(f"The request envelope's kind must be one of: {', '.join(Kind)}.")
    try:
        return _ENVELOPE.validate_python(document)
    except ValidationError as error:
        fields = _wrong_fields(error)
    raise _invalid(f"The request envelope has a missing or wrong field: {fields}.", kind)


def _read_object(plain: bytes | str) -> dict[str, Any]:
    if len(plain) > MAX_REQUEST_BYTES:
        raise EnvelopeError(Code.REQUEST_UNREADABLE, "The request envelope is too large.")
    try:
        document = json.loads(plain)
    except (ValueError, RecursionError):
        message = "The request envelope is not valid JSON."
        raise EnvelopeError(Code.REQUEST_UNREADABLE, message) from None
    if not isinstance(document, dict):
        raise EnvelopeError(Code.REQUEST_UNREADABLE, "The request envelope is not a JSON object.")
    return document


def _invalid(message: str, kind: Kind | None = None) -> EnvelopeError:
    return EnvelopeError(Code.INVALID_REQUEST_DATA, message, kind)


def _wrong_fields(error: ValidationError) -> str:
    wrong = error.errors(include_input=False, include_url=False, include_context=False)
    return ", ".join(sorted({str(part["loc"][-1]) for part in wrong if part["loc"]})) or "unknown"


def dump_envelope(envelope: Envelope) -> bytes:
    """Write an envelope as UTF-8 JSON, its secrets in clear: seal it or hand it to Redis only."""
    # By hand: a model_dump would walk the whole body, which is plain JSON already. The body comes
    # last: it may be octets.
    document: dict[str, Any] = {"version": envelope.version, "kind": envelope.kind.value}
    if envelope.traceparent is not None:
        document["traceparent"] = envelope.traceparent
    if isinstance(envelope, CredentialTestEnvelope):
        document["dealerUUID"] = envelope.dealer_uuid
    else:
        document["id"] = envelope.id
        document["brandUrl"] = envelope.brand_url
        document["authKey"] = envelope.auth_key.get_secret_value()
    body = envelope.body if isinstance(envelope.body, bytes) else _dump(envelope.body)
    return b'%b,"body":%b}' % (_dump(document)[:-1], body)


def _dump(document: Any) -> bytes:
    return _COMPACT.encode(document).encode("ascii")


def _kind_of(document: dict[str, Any]) -> Kind | None:
    kind = document.get("kind")
    return Kind(kind) if isinstance(kind, str) and kind in set(Kind) else None


def queue_message(queue: Queue, job_id: str, redis_message_id: str, timestamp_ms: int) -> bytes:
    """Build the message that Dramatiq reads: it carries the job id and nothing else.

    Both ids are taken as they are: they hold nothing that JSON would escape.
    """
    # Formatted, not dumped: every submit waits for this, and only three values differ.
    return (
        f'{{"queue_name":"{queue.value}","actor_name":"{ACTOR_OF[queue].value}",'
        f'"args":["{job_id}"],"kwargs":{{}},'
        f'"options":{{"redis_message_id":"{redis_message_id}"}},'
        f'"message_id":"{job_id}","message_timestamp":{timestamp_ms}}}'
    ).encode("ascii")
