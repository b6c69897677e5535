"""What one request is remembered by: filled on its way, read by the log line and the metrics."""

from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.types import Scope

_KEY: Final = "mailvouch.facts"
OTHER_ROUTE: Final = "other"


@dataclass(slots=True)
class RequestFacts:
    """`route` is a template of a closed set. Nothing here comes from path, query or body."""

    route: str = OTHER_ROUTE
    subscriber: str | None = None
    brand: str | None = None
    job_id: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)


def facts_of(request: Request) -> RequestFacts:
    return facts_in(request.scope)


def facts_in(scope: Scope) -> RequestFacts:
    """Return the facts of a request, new ones where there are none yet."""
    facts: RequestFacts = scope.setdefault(_KEY, RequestFacts())
    return facts
