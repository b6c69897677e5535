"""What the operations have in common: parameters, answers, headers."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from producer.contract.media_types import JSON, PROBLEM

Json = dict[str, Any]

BASIC: Final[list[Json]] = [{"basicAuth": []}]
BRAND: Final[list[Json]] = [{"brandUrl": [], "authKey": []}]
ANYONE: Final[list[Json]] = []

ERRORS: Final = {
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
JOB_ERRORS: Final = frozenset({400, 401, 404, 409, 500})
"""What the result of a job may say, too."""

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
    "X-Accel-Buffering": "`no`: a proxy hands each event on at once.",
    "X-Content-Type-Options": "`nosniff`.",
    "Referrer-Policy": "`same-origin`.",
    "Cache-Control": "`no-store`.",
    "Strict-Transport-Security": "Over https.",
    "Content-Security-Policy": "Of pages: nothing unsafe, nothing from elsewhere.",
    "Vary": "Of a job's page and of errors on a page: `Accept`, `Sec-Fetch-Dest`.",
}


_KEY: Final = "[A-Za-z0-9._:-]{1,128}"
SUBMIT_PARAMETERS: Final[list[Json]] = [
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
BRAND_PARAMETERS: Final[list[Json]] = [
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


def submitted(schema: str, status: int = 200) -> Json:
    names = ["Content-Location", "Preference-Applied"] + (["Location"] if status == 201 else [])
    done = {"description": "The request was successful.", "headers": headers(names)}
    waiting = described(202, "The job goes on")
    return {
        str(status): {**done, **content(schema)},
        "202": {**waiting, **content(schema)},
    }


def error_answers(schema: str, statuses: Iterable[int]) -> Json:
    media_type = PROBLEM if schema == "Problem" else JSON
    shapes: Json = {media_type: {"schema": ref_to(schema)}}
    if schema == "Problem":  # people are told on a page
        shapes["text/html"] = {"schema": {"type": "string"}}
    return {
        str(status): {**described(status, ERRORS[status]), "content": shapes} for status in statuses
    }


def submit_errors(schema: str, statuses: Iterable[int]) -> Json:
    """Do as `error_answers` does; an error that is a job's result says where the job is."""
    job = headers(["Content-Location", "Preference-Applied"])
    return {
        status: {**answer, "headers": {**answer.get("headers", {}), **job}}
        if int(status) in JOB_ERRORS
        else answer
        for status, answer in error_answers(schema, statuses).items()
    }


def basic_challenge(responses: Json) -> Json:
    known = responses["401"].get("headers", {})
    asked = {**responses["401"], "headers": {**known, **headers(["WWW-Authenticate"])}}
    return {**responses, "401": asked}


def described(status: int, description: str) -> Json:
    names = _HEADERS_OF.get(status, ())
    return {"description": description, **({"headers": headers(names)} if names else {})}


def headers(names: Iterable[str]) -> Mapping[str, Json]:
    return {
        name: {"description": _HEADER_WORDS[name], "schema": {"type": "string"}} for name in names
    }


def body(schema: str) -> Json:
    return {"required": True, **content(schema)}


def content(schema: str) -> Json:
    return {"content": {JSON: {"schema": ref_to(schema)}}}


def ref_to(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}


def path_parameter(name: str, description: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    }
