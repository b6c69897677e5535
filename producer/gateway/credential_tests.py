"""`POST /communications/dealers/{dealerUUID}/email-credentials/test`."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from producer.contract.credentials import REQUEST_LIST
from producer.contract.envelope import CredentialTestEnvelope
from producer.gateway.callers import SubscriberCaller, require_subscriber
from producer.gateway.intake import (
    BodyLimits,
    idempotency_key,
    read_body,
    read_object,
    require_type,
    wait_preference,
    without_mark,
)
from producer.gateway.jobs import Jobs, SubmitRequest
from producer.gateway.refusals import HttpError, Reason
from producer.gateway.routing import parameter
from producer.records.subscribers import MAX_DEALER_CHARACTERS


@dataclass(frozen=True, slots=True)
class CredentialTests:
    """The endpoint. Wrong accounts are results: 200, also when every probe failed."""

    jobs: Jobs
    limits: BodyLimits
    wait_seconds: float

    async def post(self, request: Request) -> Response:
        """Test credentials, and wait for the result as the caller wishes."""
        wishes = wait_preference(request, self.wait_seconds)
        return await self.jobs.run(await self._read(request), wishes, request)

    async def _read(self, request: Request) -> SubmitRequest:
        caller = await require_subscriber(request, self.jobs.store)
        dealer = require_dealer(parameter(request, "dealerUUID"), caller)
        require_type(request)
        key = idempotency_key(request)
        body = await read_body(request, self.limits)
        content = read_object(body)
        envelope = CredentialTestEnvelope(
            dealerUUID=dealer,
            body=without_mark(body),
            traceparent=request.headers.get("traceparent"),
        )
        return SubmitRequest(envelope, caller, body, _count(content), key)


def require_dealer(dealer_uuid: str, caller: SubscriberCaller) -> str:
    """Raise HttpError where the dealer is not the caller's to test for."""
    if not 1 <= len(dealer_uuid) <= MAX_DEALER_CHARACTERS:
        sentence = f"dealerUUID must have 1 to {MAX_DEALER_CHARACTERS} characters."
        raise HttpError(Reason.INVALID, sentence)
    if not caller.subscriber.may_test(dealer_uuid):
        raise HttpError(Reason.FORBIDDEN)
    return dealer_uuid


def _count(document: dict[str, Any]) -> int:
    """Return the number of accounts. Raises HttpError where there is no list of any."""
    items = document.get(REQUEST_LIST)
    if not isinstance(items, list) or not items:
        sentence = f"The body needs a list named {REQUEST_LIST} with at least one account."
        raise HttpError(Reason.INVALID, sentence)
    return len(items)
