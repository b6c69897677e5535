"""What the gateway refuses, and how (docs/CONTRACT.md section 10)."""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple
from uuid import uuid4

from producer.contract.codes import ENVELOPE_SPELLING, GatewayCode
from producer.contract.integrations import ErrorCode

RETRY_SECONDS: Final = 5
"""What `Retry-After` says where nobody knows better."""


class _Answer(NamedTuple):
    status: int
    code: GatewayCode
    sentence: str
    envelope_code: str = ""


class Reason(Enum):
    """Why a request is refused: HTTP status, code, a default sentence."""

    INVALID = _Answer(400, GatewayCode.INVALID_REQUEST_DATA, "The request cannot be read.")
    NO_CREDENTIAL = _Answer(
        401, GatewayCode.NULL_CREDENTIALS, "The request holds no user name and password."
    )
    WRONG_CREDENTIAL = _Answer(
        401, GatewayCode.WRONG_CREDENTIAL, "The user name or the password is wrong."
    )
    UNAUTHORIZED = _Answer(
        401,
        GatewayCode.WRONG_CREDENTIAL,
        "The user is not authorized to access the requested resource.",
    )
    FORBIDDEN = _Answer(
        403, GatewayCode.REQUEST_NOT_AUTHORIZED, "This user may not send requests for this dealer."
    )
    NO_OPERATOR = _Answer(
        403,
        GatewayCode.REQUEST_NOT_AUTHORIZED,
        "This page is for operators: MAILVOUCH_GATEWAY_OPERATORS names them.",
    )
    CROSS_ORIGIN = _Answer(
        403, GatewayCode.REQUEST_NOT_AUTHORIZED, "A form of another site cannot be sent here."
    )
    NOT_FOUND = _Answer(404, GatewayCode.NOT_FOUND, "There is nothing at this address.")
    NO_SUCH_JOB = _Answer(404, GatewayCode.NOT_FOUND, "There is no such job, or it has expired.")
    NO_SUCH_INTEGRATION = _Answer(
        404,
        GatewayCode.NOT_FOUND,
        "The app integration SMTP was not found.",
        ErrorCode.INTEGRATION_NOT_FOUND,
    )
    WRONG_METHOD = _Answer(
        405, GatewayCode.METHOD_NOT_ALLOWED, "This address does not take this method."
    )
    TOO_SLOW = _Answer(408, GatewayCode.REQUEST_TIMED_OUT, "The request did not arrive in time.")
    KEY_REUSED = _Answer(
        409,
        GatewayCode.IDEMPOTENCY_KEY_REUSED,
        "The Idempotency-Key was used for another request: choose a new one.",
    )
    TOO_LARGE = _Answer(413, GatewayCode.REQUEST_TOO_LARGE, "The request is too large.")
    WRONG_TYPE = _Answer(
        415,
        GatewayCode.UNSUPPORTED_MEDIA_TYPE,
        "The body must be application/json in UTF-8, without a Content-Encoding.",
    )
    WRONG_FORM_TYPE = _Answer(
        415,
        GatewayCode.UNSUPPORTED_MEDIA_TYPE,
        "The body must be application/x-www-form-urlencoded in UTF-8.",
    )
    TOO_MANY = _Answer(
        429,
        GatewayCode.TOO_MANY_REQUESTS,
        "More requests in a minute than are allowed: send the rest later.",
    )
    INTERNAL = _Answer(
        500, GatewayCode.INTERNAL_SERVER_ERROR, "An internal error ended this request."
    )
    NO_REDIS = _Answer(
        503,
        GatewayCode.SERVICE_UNAVAILABLE,
        "The service cannot reach its queue now: try again in a moment.",
    )
    STOPPING = _Answer(
        503,
        GatewayCode.SERVICE_UNAVAILABLE,
        "The service stops: send the request again, best under the same Idempotency-Key.",
    )
    NO_WORKER = _Answer(
        503,
        GatewayCode.SERVICE_UNAVAILABLE,
        "No worker runs now: try again later, or send 'Prefer: respond-async'.",
    )

    @property
    def code(self) -> GatewayCode:
        """Its name, as the credential-test endpoint spells it."""
        return self.value.code

    @property
    def envelope_code(self) -> str:
        """Its name, as the integrations' endpoints spell it."""
        # What is refused to subscribers alone has no spelling of theirs.
        return self.value.envelope_code or ENVELOPE_SPELLING.get(self.code, self.code.value)

    @property
    def status(self) -> int:
        return self.value.status


class HttpError(Exception):
    """A request that is answered with an error. No text quotes the request.

    `uid` is the answer's errorUID or correlationId and stands in the log.
    """

    def __init__(
        self, reason: Reason, sentence: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(reason.name)
        self.reason = reason
        self.text = sentence or reason.value.sentence
        self.uid = str(uuid4())
        retry = {"Retry-After": str(RETRY_SECONDS)} if reason.status == 503 else {}
        self.headers = {**retry, **(headers or {})}
