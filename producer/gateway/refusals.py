"""What the gateway refuses, and under which name in each of its two families (contract, 10)."""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple
from uuid import uuid4

RETRY_SECONDS: Final = 5
"""What `Retry-After` says where nobody knows better."""


class _Facts(NamedTuple):
    status: int
    test_code: str
    integration_code: str
    sentence: str


class Reason(Enum):
    """Why a request is refused: HTTP status, code of either family, a default sentence."""

    INVALID = _Facts(
        400, "INVALID_REQUEST_DATA", "INVALID_REQUEST_DATA", "The request cannot be read."
    )
    NO_CREDENTIAL = _Facts(
        401, "NULL_CREDENTIALS", "Unauthorized", "The request holds no user name and password."
    )
    WRONG_CREDENTIAL = _Facts(
        401, "WRONG_CREDENTIAL", "Unauthorized", "The user name or the password is wrong."
    )
    UNAUTHORIZED = _Facts(
        401,
        "WRONG_CREDENTIAL",
        "Unauthorized",
        "The user is not authorized to access the requested resource.",
    )
    FORBIDDEN = _Facts(
        403,
        "REQUEST_NOT_AUTHORIZED",
        "RequestNotAuthorized",
        "This user may not send requests for this dealer.",
    )
    NO_OPERATOR = _Facts(
        403,
        "REQUEST_NOT_AUTHORIZED",
        "RequestNotAuthorized",
        "This page is for operators: MAILVOUCH_GATEWAY_OPERATORS names them.",
    )
    CROSS_ORIGIN = _Facts(
        403,
        "REQUEST_NOT_AUTHORIZED",
        "RequestNotAuthorized",
        "A form of another site cannot be sent here.",
    )
    NOT_FOUND = _Facts(404, "NOT_FOUND", "NotFound", "There is nothing at this address.")
    NO_SUCH_JOB = _Facts(404, "NOT_FOUND", "NotFound", "There is no such job, or it has expired.")
    NO_SUCH_INTEGRATION = _Facts(
        404, "NOT_FOUND", "AppIntegrationSmtpNotFound", "The app integration SMTP was not found."
    )
    WRONG_METHOD = _Facts(
        405, "METHOD_NOT_ALLOWED", "MethodNotAllowed", "This address does not take this method."
    )
    TOO_SLOW = _Facts(
        408, "REQUEST_TIMED_OUT", "RequestTimedOut", "The request did not arrive in time."
    )
    KEY_REUSED = _Facts(
        409,
        "IDEMPOTENCY_KEY_REUSED",
        "IdempotencyKeyReused",
        "The Idempotency-Key was used for another request: choose a new one.",
    )
    TOO_LARGE = _Facts(413, "REQUEST_TOO_LARGE", "RequestTooLarge", "The request is too large.")
    WRONG_TYPE = _Facts(
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "UnsupportedMediaType",
        "The body must be application/json in UTF-8, without a Content-Encoding.",
    )
    WRONG_FORM_TYPE = _Facts(
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "UnsupportedMediaType",
        "The body must be application/x-www-form-urlencoded in UTF-8.",
    )
    TOO_MANY = _Facts(
        429,
        "TOO_MANY_REQUESTS",
        "TooManyRequests",
        "More requests in a minute than are allowed: send the rest later.",
    )
    INTERNAL = _Facts(
        500,
        "INTERNAL_SERVER_ERROR",
        "INTERNAL_SERVER_ERROR",
        "An internal error ended this request.",
    )
    NO_REDIS = _Facts(
        503,
        "SERVICE_UNAVAILABLE",
        "ServiceUnavailable",
        "The service cannot reach its queue now: try again in a moment.",
    )
    STOPPING = _Facts(
        503,
        "SERVICE_UNAVAILABLE",
        "ServiceUnavailable",
        "The service stops: send the request again, best under the same Idempotency-Key.",
    )
    NO_WORKER = _Facts(
        503,
        "SERVICE_UNAVAILABLE",
        "ServiceUnavailable",
        "No worker runs now: try again later, or send 'Prefer: respond-async'.",
    )

    @property
    def status(self) -> int:
        """The HTTP status."""
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
