"""Who is answered with a page: a person in a browser. Everybody else gets JSON."""

from typing import Final

from starlette.requests import Request

from producer.contract.media_types import JSON

HTML: Final = "text/html"
VARY: Final = {"Vary": "Accept, Sec-Fetch-Dest"}


def prefers_html(request: Request) -> bool:
    """Tell whether a page is asked for: `Accept` names text/html, and not JSON before it."""
    accept = ", ".join(request.headers.getlist("accept"))
    return best_type(accept, (JSON, HTML)) == HTML


def opened_in_a_browser(request: Request) -> bool:
    """Tell whether a person opens the address, or sends a form to it.

    `Accept` alone changes no error (docs/CONTRACT.md section 10). `Sec-Fetch-Dest` is what
    browsers send, and no script in a page can set.
    """
    destination = request.headers.get("sec-fetch-dest", "").strip().lower()
    return destination == "document" and prefers_html(request)


def best_type(accept: str, offered: tuple[str, ...]) -> str:
    """Return what `Accept` likes best of what is offered (RFC 9110, section 12.5.1).

    The first in a tie.
    """
    ranges = [_media_range(part) for part in accept.split(",") if part.strip()]
    weights = {kind: _weight(kind, ranges) for kind in offered}
    return max(offered, key=lambda kind: weights[kind]) if ranges else offered[0]


def _media_range(part: str) -> tuple[str, float]:
    name, *parameters = (word.strip().lower() for word in part.split(";"))
    weight = 1.0
    for parameter_text in parameters:
        key, _, value = parameter_text.partition("=")
        if key.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
    return name, weight


def _weight(kind: str, ranges: list[tuple[str, float]]) -> float:
    group = kind.partition("/")[0] + "/*"
    for name in (kind, group, "*/*"):
        for found, weight in ranges:
            if found == name:
                return weight
    return 0.0
