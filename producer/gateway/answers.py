"""Answers in the shape of each family: credential test, integrations, problem (RFC 9457)."""

import json
from collections.abc import Mapping
from enum import Enum
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from producer.contract.codes import OUR_FAULT
from producer.contract.credentials import ErrorEntry, TestResponse
from producer.contract.integrations import (
    ACCEPTED_MESSAGE,
    MESSAGES,
    IntegrationError,
    IntegrationResult,
)
from producer.contract.media_types import JSON, PROBLEM
from producer.contract.names import Kind
from producer.gateway.refusals import HttpError
from producer.openapi.paths import FAMILY_PATH
from producer.verdicts.reading import mapping, objects

RETRY_AFTER_SECONDS: Final = 1
"""What `Retry-After` of a 202 says: most jobs end within a second or two."""
_FINAL: Final = range(200, 600)


class Family(Enum):
    """Whose shape an answer has."""

    TEST = "test"
    INTEGRATIONS = "integrations"
    OTHER = "other"


def family_of(kind: Kind) -> Family:
    """Return the family whose shape a job's result has."""
    return Family.TEST if kind is Kind.CREDENTIAL_TEST else Family.INTEGRATIONS


def refused(error: HttpError, family: Family) -> Response:
    make = {
        Family.TEST: _refused_test,
        Family.INTEGRATIONS: _refused_integration,
        Family.OTHER: _problem,
    }[family]
    body = make(error)
    media_type = PROBLEM if family is Family.OTHER else JSON
    return Response(body, error.reason.status, error.headers, media_type)


def _refused_test(error: HttpError) -> bytes:
    entry = ErrorEntry(
        errorCode=error.reason.code,
        errorDescription=error.text,
        errorUID=error.uid,
    )
    return TestResponse(errors=(entry,)).model_dump_json().encode()


def _refused_integration(error: HttpError) -> bytes:
    status = error.reason.status
    entry = IntegrationError(
        code=error.reason.envelope_code,
        message=error.text,
        correlation_id=error.uid,
    )
    return IntegrationResult(
        success=False,
        status_code=status,
        message=MESSAGES.get(status, error.text),
        data=None,
        errors=(entry,),
    ).to_bytes()


def _problem(error: HttpError) -> bytes:
    status = error.reason.status
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.text,
        "code": error.reason.code,
        "errorUID": error.uid,
    }
    return json.dumps(problem).encode()


def job_headers(job_id: str) -> dict[str, str]:
    """Every answer of a job says where the job is."""
    return {"Content-Location": f"/jobs/{job_id}"}


def accepted(job_id: str, family: Family, headers: Mapping[str, str] | None = None) -> Response:
    """Answer that the job goes on: 202, in the family's shape, without a result yet."""
    if family is Family.TEST:
        body = TestResponse().model_dump_json().encode()
    else:
        body = IntegrationResult(
            success=True, status_code=202, message=ACCEPTED_MESSAGE, data=None
        ).to_bytes()
    where = {"Location": f"/jobs/{job_id}", "Retry-After": str(RETRY_AFTER_SECONDS)}
    return Response(body, 202, {**job_headers(job_id), **where, **(headers or {})}, JSON)


def finished(
    job_id: str, result: bytes, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a job's result, as the worker wrote it."""
    return Response(result, status, {**job_headers(job_id), **(headers or {})}, JSON)


def location_of(result: Mapping[str, Any]) -> dict[str, str]:
    """Say where a new integration is."""
    made = mapping(result.get("data")).get("id")
    return {"Location": f"{FAMILY_PATH}/{quote(made, safe='')}"} if isinstance(made, str) else {}


def status_of(result: Mapping[str, Any]) -> int:
    """Return the HTTP status of a result that a submit answers with."""
    if "statusCode" in result:
        status = result["statusCode"]
        return status if isinstance(status, int) and status in _FINAL else 500
    codes = {str(error.get("errorCode")) for error in objects(result.get("errors"))}
    if codes & OUR_FAULT:
        return 500
    return 400 if codes else 200
