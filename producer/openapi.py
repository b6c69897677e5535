"""OpenAPI 3.1 of the HTTP gateway (docs/CONTRACT.md section 10), from the contract's models."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from producer.contract.names import MAX_BATCH
from producer.schema import TITLE, VERSION, definitions

Json = dict[str, Any]

TEST_PATH: Final = "/communications/dealers/{dealerUUID}/email-credentials/test"
SHORT_TEST_PATH: Final = TEST_PATH.removeprefix("/communications")
FAMILY_PATH: Final = "/api/v1/app-integrations/smtp"
UPDATE_PATH: Final = f"{FAMILY_PATH}/{{id}}"

_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"
_BASIC: Final[list[Json]] = [{"basicAuth": []}]
_BRAND: Final[list[Json]] = [{"brandUrl": [], "authKey": []}]
_ANYONE: Final[list[Json]] = []

_ERRORS: Final = {
    400: "The request cannot be read, or the result has an error of the request as a whole",
    401: "The credential is missing or wrong",
    403: "Not this subscriber's dealer, or a form of another origin",
    404: "There is nothing of that name for this caller",
    405: "The address does not take this method",
    408: "The request did not arrive in time",
    409: "The Idempotency-Key was used for another request",
    413: "The body is too large",
    415: "The body is not application/json in UTF-8",
    429: "Too many submits in a minute",
    500: "The gateway or the worker failed",
    503: "Redis is away, or no worker runs and the request would wait",
}
_HEADERS_OF: Final[dict[int, tuple[str, ...]]] = {
    202: ("Location", "Content-Location", "Retry-After", "Preference-Applied"),
    405: ("Allow",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
_HEADER_WORDS: Final = {
    "Location": "Where the job, or what was made, is.",
    "Content-Location": "Where the job is.",
    "Retry-After": "Seconds until it is worth while to ask again.",
    "Preference-Applied": "Which preferences of `Prefer` were honoured.",
    "Allow": "The methods that the address takes.",
    "WWW-Authenticate": "Basic.",
}


def openapi() -> Json:
    """Every endpoint of the gateway; the two of the vendors are exactly theirs."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "summary": "Tells whether mail credentials work, and why not.",
            "license": {"name": "See the distribution", "identifier": "LicenseRef-mailvouch"},
        },
        "servers": [{"url": "/", "description": "The gateway that serves this document"}],
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": {**_tests(), **_integrations(), **_jobs(), **_pages(), **_service()},
        "components": {
            "schemas": {**definitions("#/components/schemas/{model}"), **_OWN_SCHEMAS},
            "securitySchemes": {
                "basicAuth": {"type": "http", "scheme": "basic"},
                "brandUrl": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Brand-URL",
                    "description": "The brand.",
                },
                "authKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Auth-Key",
                    "description": "The brand's key.",
                },
            },
        },
    }


_TAGS: Final = {
    "credentials": "Test email credentials for a dealer.",
    "integrations": "The SMTP integrations of a brand.",
    "jobs": "What was submitted: its result, its diagnosis, its progress.",
    "page": "The page for people.",
    "service": "For operators and tools.",
}

_OWN_SCHEMAS: Final[Json] = {
    "Problem": {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer", "format": "int32"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "errorUID": {"type": "string", "format": "uuid"},
        },
        "required": ["type", "title", "status", "detail", "code", "errorUID"],
    },
    "Readiness": {
        "type": "object",
        "properties": {
            "redis": {"type": "boolean"},
            "workers": {"type": "integer", "format": "int32"},
        },
        "required": ["redis", "workers"],
    },
    "Health": {
        "type": "object",
        "properties": {"status": {"const": "ok"}},
        "required": ["status"],
    },
    "TestForm": {
        "type": "object",
        "description": (
            "The documented request names, `smtpSecurity` and `imapSecurity` in place of the "
            f"flags; or `batch`: a request body or CSV of at most {MAX_BATCH} accounts."
        ),
        "properties": {
            "dealerUUID": {"type": "string"},
            "smtpSecurity": {"enum": ["auto", "implicit_tls", "starttls", "cleartext"]},
            "imapSecurity": {"enum": ["auto", "implicit_tls", "starttls", "cleartext"]},
            "batch": {"type": "string"},
        },
        "additionalProperties": {"type": "string"},
    },
}


def _tests() -> Json:
    words = {"summary": "Test email credentials for a dealer", "tags": ["credentials"]}
    errors = _errors("TestResponse", (400, 401, 403, 405, 408, 409, 413, 415, 429, 500, 503))
    paths = {TEST_PATH: "testEmailCredentials", SHORT_TEST_PATH: "testEmailCredentialsShort"}
    dealer = _path_parameter("dealerUUID", "The dealer.", longest=128)
    return {
        path: {
            "post": {
                "operationId": name,
                **words,
                "security": _BASIC,
                "parameters": [dealer, *_SUBMIT_PARAMETERS],
                "requestBody": _body("CredentialTestRequest"),
                "responses": {**_submitted("TestResponse"), **_basic_challenge(errors)},
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
            "parameters": [
                _path_parameter("id", "The id of the app integration SMTP.", longest=128)
            ],
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
        "security": _BRAND,
        "parameters": _BRAND_PARAMETERS,
        "responses": {
            str(status): {"description": "The request was successful.", **_content(schema)},
            **_errors("IntegrationResult", (401, 404, 405, 500, 503)),
        },
    }


def _integration_job(name: str, summary: str, body: str | None, status: int) -> Json:
    errors = (400, 401, 404, 405, 408, 409, 413, 415, 429, 500, 503)
    operation = {
        **_integration(name, summary, status, "IntegrationResult"),
        "parameters": [*_BRAND_PARAMETERS, *_SUBMIT_PARAMETERS],
        "responses": {
            **_submitted("IntegrationResult", status),
            **_errors("IntegrationResult", errors),
        },
    }
    return operation if body is None else {**operation, "requestBody": _body(body)}


def _jobs() -> Json:
    parameters = [{**_path_parameter("id", "The job.", longest=128), "schema": _ref("JobId")}]
    results = [_ref("TestResponse"), _ref("IntegrationResult")]
    shapes = {_JSON: {"schema": {"anyOf": results}}, "text/html": {"schema": {"type": "string"}}}
    done: Json = {"description": "The result", "content": shapes}
    events = {"text/event-stream": {"schema": {"type": "string"}}}
    paths = {
        "/jobs/{id}": ("getJob", "The result of a job", done),
        "/jobs/{id}/report": (
            "getJobReport",
            "The diagnosis beside the result",
            {"description": "The report", **_content("Report")},
        ),
        "/jobs/{id}/events": (
            "getJobEvents",
            "Progress and end of a job, as server-sent events",
            {"description": "`progress` and finally `done`", "content": events},
        ),
    }
    waiting = {**_described(202, "It waits or runs"), "content": shapes}
    return {
        path: {
            "parameters": parameters,
            "get": {
                "operationId": name,
                "summary": summary,
                "tags": ["jobs"],
                "security": [*_BASIC, *_BRAND],
                "responses": {
                    "200": {**answer, "headers": _headers(["Content-Location"])},
                    **({} if path.endswith("events") else {"202": waiting}),
                    **_basic_challenge(_errors("Problem", (401, 404, 405, 500, 503))),
                },
            },
        }
        for path, (name, summary, answer) in paths.items()
    }


def _pages() -> Json:
    page = {"text/html": {"schema": {"type": "string"}}}
    form = {"application/x-www-form-urlencoded": {"schema": _ref("TestForm")}}
    errors = _basic_challenge(_errors("Problem", (401, 403, 405, 408, 413, 415, 429, 500, 503)))
    common: Json = {"tags": ["page"], "security": _BASIC}
    return {
        "/": {
            "get": {
                **common,
                "operationId": "getPage",
                "summary": "The page on which a person tests an account",
                "responses": {"200": {"description": "The page", "content": page}, **errors},
            },
            "post": {
                **common,
                "operationId": "postPage",
                "summary": "Send its form",
                "requestBody": {"required": True, "content": form},
                "responses": {
                    "303": {"description": "To the job", "headers": _headers(["Location"])},
                    "400": {"description": "The form again", "content": page},
                    **errors,
                },
            },
        }
    }


def _service() -> Json:
    text = {"schema": {"type": "string"}}
    ready = _content("Readiness")
    answers: dict[str, tuple[str, str, Json]] = {
        "/healthz": ("getHealth", "The process lives", _content("Health")),
        "/readyz": ("getReadiness", "Redis can be used and a worker is there", ready),
        "/metrics": ("getMetrics", "Prometheus metrics", {"content": {"text/plain": text}}),
        "/openapi.json": (
            "getOpenapi",
            "This document",
            {"content": {_JSON: {"schema": {"type": "object"}}}},
        ),
        "/docs": ("getDocs", "This document for people", {"content": {"text/html": text}}),
    }
    paths: Json = {
        path: {
            "get": {
                "operationId": name,
                "summary": summary,
                "tags": ["service"],
                "security": _ANYONE,
                "responses": {
                    "200": {"description": summary, **answer},
                    **_errors("Problem", (405,)),
                },
            }
        }
        for path, (name, summary, answer) in answers.items()
    }
    paths["/readyz"]["get"]["responses"]["503"] = {**_described(503, "Not now"), **ready}
    return paths


_KEY: Final = "[A-Za-z0-9._:-]{1,128}"
_SUBMIT_PARAMETERS: Final[list[Json]] = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": (
            "Becomes the job id. The same key, caller, path and body give the same job and its "
            "first result."
        ),
        "schema": {"type": "string", "pattern": f'^({_KEY}|"{_KEY}")$'},
    },
    {
        "name": "Prefer",
        "in": "header",
        "description": "`respond-async`, `wait=N` in seconds, or both (RFC 7240).",
        "schema": {"type": "string"},
    },
]


# As the vendor documents them; the security schemes say the same to tools.
_BRAND_PARAMETERS: Final[list[Json]] = [
    {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }
    for name, description in (
        ("Brand-URL", "The brand URL of the request. This is used to identify the brand."),
        ("Auth-Key", "This is used to authenticate the request."),
    )
]


def _submitted(schema: str, status: int = 200) -> Json:
    names = ["Content-Location", "Preference-Applied"] + (["Location"] if status == 201 else [])
    done = {"description": "The request was successful.", "headers": _headers(names)}
    waiting = _described(202, "The job goes on")
    return {
        str(status): {**done, **_content(schema)},
        "202": {**waiting, **_content(schema)},
    }


def _errors(schema: str, statuses: Iterable[int]) -> Json:
    media_type = _PROBLEM if schema == "Problem" else _JSON
    return {
        str(status): {
            **_described(status, _ERRORS[status]),
            "content": {media_type: {"schema": _ref(schema)}},
        }
        for status in statuses
    }


def _basic_challenge(responses: Json) -> Json:
    asked = {**responses["401"], "headers": _headers(["WWW-Authenticate"])}
    return {**responses, "401": asked}


def _described(status: int, description: str) -> Json:
    names = _HEADERS_OF.get(status, ())
    return {"description": description, **({"headers": _headers(names)} if names else {})}


def _headers(names: Iterable[str]) -> Mapping[str, Json]:
    return {
        name: {"description": _HEADER_WORDS[name], "schema": {"type": "string"}} for name in names
    }


def _body(schema: str) -> Json:
    return {"required": True, **_content(schema)}


def _content(schema: str) -> Json:
    return {"content": {_JSON: {"schema": _ref(schema)}}}


def _ref(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}


def _path_parameter(name: str, description: str, *, longest: int) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1, "maxLength": longest},
    }
