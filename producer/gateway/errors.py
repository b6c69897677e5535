"""How a request that fails is answered: in its family's shape, or with a page where a person is."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from producer.gateway.answers import Family, refused
from producer.gateway.facts import facts_of
from producer.gateway.negotiation import VARY, opened_in_a_browser, prefers_html
from producer.gateway.pages import Pages
from producer.gateway.refusals import HttpError

JOB_ROUTE: Final = "/jobs/{id}"

Refuse = Callable[[Request, HttpError, Family], Response]


def refuser(pages: Pages) -> Refuse:
    """Return what answers with an error, and remembers it for the log."""

    def refuse(request: Request, error: HttpError, family: Family) -> Response:
        code = error.reason.name.lower()
        facts_of(request).errors.append({"reason": code, "error_id": error.uid})
        if family is not Family.OTHER or not _wants_page(request):
            return refused(error, family)
        page = pages.error(error)
        page.headers.update(VARY)
        return page

    return refuse


def _wants_page(request: Request) -> bool:
    """`Accept` alone decides about a job's page, and about nothing else."""
    if facts_of(request).route == JOB_ROUTE:
        return prefers_html(request)
    return opened_in_a_browser(request)
