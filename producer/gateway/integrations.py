"""The `/api/v1/app-integrations/smtp` family: writing is a job, reading is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from producer.contract.envelope import IntegrationEnvelope
from producer.contract.integrations import (
    MAX_ID_CHARACTERS,
    SUCCESS_MESSAGE,
    IntegrationData,
    IntegrationListResult,
    success,
)
from producer.contract.media_types import JSON
from producer.contract.names import Kind
from producer.gateway.callers import require_brand
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
from producer.records import NotKnownError
from producer.records import integrations as record_work

TEST_ID: Final = "test"
"""`…/smtp/test` takes POST as the endpoint, and all else as an integration of that id."""

_OF_ONE_RECORD: Final = frozenset({Kind.INTEGRATION_UPDATE, Kind.INTEGRATION_DELETE})


@dataclass(frozen=True, slots=True)
class Integrations:
    """The endpoints of one family."""

    jobs: Jobs
    limits: BodyLimits
    wait_seconds: float

    async def create(self, request: Request) -> Response:
        """`POST …/smtp`."""
        return await self._run(request, Kind.INTEGRATION_CREATE)

    async def update(self, request: Request) -> Response:
        """`PUT …/smtp/{id}`."""
        return await self._run(request, Kind.INTEGRATION_UPDATE)

    async def delete(self, request: Request) -> Response:
        """`DELETE …/smtp/{id}`."""
        return await self._run(request, Kind.INTEGRATION_DELETE)

    async def test(self, request: Request) -> Response:
        """`POST …/smtp/test`: settings are tried, nothing is stored."""
        return await self._run(request, Kind.INTEGRATION_TEST)

    async def list(self, request: Request) -> Response:
        """`GET …/smtp`."""
        caller = await require_brand(request, self.jobs.store)
        try:
            records = await self.jobs.store.read_records(
                lambda client, keys: record_work.list_integrations(client, keys, caller.brand)
            )
        except NotKnownError:  # removed between the two looks
            raise HttpError(Reason.UNAUTHORIZED) from None
        return _listed(records)

    async def show(self, request: Request) -> Response:
        """`GET …/smtp/{id}`."""
        caller = await require_brand(request, self.jobs.store)
        wanted = _integration_id(request)
        try:
            record = await self.jobs.store.read_records(
                lambda client, keys: record_work.show_integration(
                    client, keys, caller.brand, wanted
                )
            )
        except NotKnownError:
            raise HttpError(Reason.NO_SUCH_INTEGRATION) from None
        return Response(success(record).to_bytes(), media_type=JSON)

    async def _run(self, request: Request, kind: Kind) -> Response:
        wishes = wait_preference(request, self.wait_seconds)
        return await self.jobs.run(await self._read(request, kind), wishes, request)

    async def _read(self, request: Request, kind: Kind) -> SubmitRequest:
        caller = await require_brand(request, self.jobs.store)
        integration_id = _integration_id(request) if kind in _OF_ONE_RECORD else ""
        has_body = kind is not Kind.INTEGRATION_DELETE
        if has_body:
            require_type(request)
        key = idempotency_key(request)
        body = await read_body(request, self.limits) if has_body else b""
        if has_body:
            read_object(body)
        envelope = IntegrationEnvelope.model_validate(
            {
                "kind": kind,
                "traceparent": request.headers.get("traceparent"),
                "id": integration_id,
                "brandUrl": caller.brand_url,
                "authKey": caller.secret,
                "body": without_mark(body) if has_body else None,
            }
        )
        return SubmitRequest(envelope, caller, body, key=key)


def _integration_id(request: Request) -> str:
    """Return the id of the path. Raises HttpError where no integration can have it."""
    found = parameter(request, "id") if "id" in request.path_params else TEST_ID
    if len(found) > MAX_ID_CHARACTERS:
        raise HttpError(Reason.NO_SUCH_INTEGRATION)
    return found


def _listed(records: Sequence[IntegrationData]) -> Response:
    answer = IntegrationListResult(
        success=True, status_code=200, message=SUCCESS_MESSAGE, data=tuple(records)
    )
    return Response(answer.to_bytes(), media_type=JSON)
