"""The operations, one function a group of paths."""

from typing import Final, NamedTuple

from producer.contract.media_types import JSON
from producer.openapi.everywhere import with_common_headers, with_head
from producer.openapi.parts import (
    ANYONE,
    BASIC,
    BRAND,
    BRAND_PARAMETERS,
    SUBMIT_PARAMETERS,
    Json,
    basic_challenge,
    body,
    content,
    described,
    error_answers,
    headers,
    path_parameter,
    ref_to,
    submit_errors,
    submitted,
)

TEST_PATH: Final = "/communications/dealers/{dealerUUID}/email-credentials/test"
SHORT_TEST_PATH: Final = TEST_PATH.removeprefix("/communications")
FAMILY_PATH: Final = "/api/v1/app-integrations/smtp"
UPDATE_PATH: Final = f"{FAMILY_PATH}/{{id}}"


def paths() -> Json:
    own = {**_tests(), **_integrations(), **_jobs(), **_pages(), **_service()}
    return with_head(with_common_headers(own))


def _tests() -> Json:
    words = {"summary": "Test email credentials for a dealer", "tags": ["credentials"]}
    errors = submit_errors("TestResponse", (400, 401, 403, 405, 408, 409, 413, 415, 429, 500, 503))
    paths = {TEST_PATH: "testEmailCredentials", SHORT_TEST_PATH: "testEmailCredentialsShort"}
    dealer = path_parameter("dealerUUID", "The dealer.")
    return {
        path: {
            "post": {
                "operationId": name,
                **words,
                "security": BASIC,
                "parameters": [dealer, *SUBMIT_PARAMETERS],
                "requestBody": body("CredentialTestRequest"),
                "responses": {**submitted("TestResponse"), **basic_challenge(errors)},
            }
        }
        for path, name in paths.items()
    }


def _integrations() -> Json:
    return {
        FAMILY_PATH: {
            "get": _integration("listSmtpIntegrations", "List the integrations", 200, _LISTED),
            "post": _integration_job("createSmtpIntegration", "Make one", "IntegrationBody", 201),
        },
        f"{FAMILY_PATH}/test": {
            "post": _integration_job("testSmtpIntegration", "Try settings", "TrialBody", 200)
        },
        UPDATE_PATH: {
            "parameters": [path_parameter("id", "The id of the app integration SMTP.")],
            "get": _integration("getSmtpIntegration", "Show one", 200, "IntegrationResult"),
            "put": _integration_job(
                "updateSmtpIntegration", "Update an app integration SMTP", "IntegrationBody", 200
            ),
            "delete": _integration_job("deleteSmtpIntegration", "Delete one", None, 200),
        },
    }


_LISTED: Final = "IntegrationListResult"


def _integration(name: str, summary: str, status: int, schema: str) -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["integrations"],
        "security": BRAND,
        "parameters": BRAND_PARAMETERS,
        "responses": {
            str(status): {"description": "The request was successful.", **content(schema)},
            **error_answers("IntegrationResult", (400, 401, 404, 405, 500, 503)),
        },
    }


def _integration_job(name: str, summary: str, given: str | None, status: int) -> Json:
    statuses = (400, 401, 404, 405, 408, 409, 413, 415, 429, 500, 503)
    operation = {
        **_integration(name, summary, status, "IntegrationResult"),
        "parameters": [*BRAND_PARAMETERS, *SUBMIT_PARAMETERS],
        "responses": {
            **submitted("IntegrationResult", status),
            **submit_errors("IntegrationResult", statuses),
        },
    }
    return operation if given is None else {**operation, "requestBody": body(given)}


class _JobPath(NamedTuple):
    """What `GET` of a path of jobs answers: at the end, and while the job waits or runs."""

    name: str
    summary: str
    answer: Json
    while_it_runs: Json
    headers: tuple[str, ...] = ()


def _jobs() -> Json:
    results = [ref_to("TestResponse"), ref_to("IntegrationResult")]
    shapes = {JSON: {"schema": {"anyOf": results}}, "text/html": {"schema": {"type": "string"}}}
    done: Json = {"description": "The result", "content": shapes}
    events = {"text/event-stream": {"schema": {"type": "string"}}}
    paths = {
        "/jobs/{id}": _JobPath("getJob", "The result of a job", done, shapes),
        "/jobs/{id}/report": _JobPath(
            "getJobReport",
            "The diagnosis beside the result",
            {"description": "The report", **content("Report")},
            {JSON: shapes[JSON]},
        ),
        "/jobs/{id}/events": _JobPath(
            "getJobEvents",
            "Progress and end of a job, as server-sent events",
            {"description": "`progress` and finally `done`", "content": events},
            {},
            ("X-Accel-Buffering",),
        ),
    }
    parameters = [{**path_parameter("id", "The job."), "schema": ref_to("JobId")}]
    return {
        path: {"parameters": parameters, "get": _job_operation(one)} for path, one in paths.items()
    }


def _job_operation(path: _JobPath) -> Json:
    waiting = {
        "description": "It waits or runs",
        "headers": headers(["Location", "Content-Location", "Retry-After"]),
        "content": path.while_it_runs,
    }
    return {
        "operationId": path.name,
        "summary": path.summary,
        "tags": ["jobs"],
        "security": [*BASIC, *BRAND],
        "responses": {
            "200": {**path.answer, "headers": headers(["Content-Location", *path.headers])},
            **({"202": waiting} if path.while_it_runs else {}),
            **basic_challenge(error_answers("Problem", (400, 401, 404, 405, 500, 503))),
        },
    }


def _pages() -> Json:
    page = {"text/html": {"schema": {"type": "string"}}}
    form = {"application/x-www-form-urlencoded": {"schema": ref_to("TestForm")}}
    seen = basic_challenge(error_answers("Problem", (400, 401, 405, 500, 503)))
    errors = {**seen, **error_answers("Problem", (403, 408, 413, 415, 429))}
    common: Json = {"tags": ["page"], "security": BASIC}
    return {
        "/": {
            "get": {
                **common,
                "operationId": "getPage",
                "summary": "The page on which a person tests an account",
                "responses": {"200": {"description": "The page", "content": page}, **seen},
            },
            "post": {
                **common,
                "operationId": "postPage",
                "summary": "Send its form",
                "requestBody": {"required": True, "content": form},
                "responses": {
                    "303": {
                        "description": "To the job",
                        "headers": headers(["Location", "Content-Location"]),
                    },
                    **errors,
                    "400": {**errors["400"], "description": "The form again, or no such request"},
                },
            },
        },
    }


def _service() -> Json:
    text = {"schema": {"type": "string"}}
    health, ready = content("Health"), content("Readiness")
    answers: dict[str, tuple[str, str, Json]] = {
        "/healthz": ("getHealth", "The process lives", health),
        "/readyz": ("getReadiness", "Redis can be used and a worker is there", ready),
        "/metrics": ("getMetrics", "Prometheus metrics", {"content": {"text/plain": text}}),
        "/openapi.json": (
            "getOpenapi",
            "This document",
            {"content": {JSON: {"schema": {"type": "object"}}}},
        ),
        "/docs": ("getDocs", "This document for people", {"content": {"text/html": text}}),
    }
    paths = {path: {"get": _service_operation(*told)} for path, told in answers.items()}
    paths["/healthz"]["get"]["responses"]["503"] = {"description": "A part has ended", **health}
    paths["/readyz"]["get"]["responses"]["503"] = {**described(503, "Not now"), **ready}
    return paths


def _service_operation(name: str, summary: str, answer: Json) -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["service"],
        "security": ANYONE,
        "responses": {
            "200": {"description": summary, **answer},
            **error_answers("Problem", (400, 405, 500)),
        },
    }
