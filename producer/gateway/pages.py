"""The pages for people: the form, a job's progress and its result. Plain functions of data."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, Response

from producer.contract.names import MASK, Kind
from producer.gateway.api_guide import OperationGroup
from producer.gateway.error_words import heading_of, remedy_of
from producer.gateway.form_request import HOSTS, SECRET_FIELDS, SECURITIES, USER_FIELDS
from producer.gateway.refusals import HttpError
from producer.gateway.shard_overview import Overview
from producer.printable import plain
from producer.records.subscribers import Subscriber
from producer.verdicts.reading import advice_of, mapping, objects, read_integration_probe, read_test
from producer.verdicts.words import SECURITY_WORDS

PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}
SECURITY_CHOICES: Final = {"auto": "by the port"} | {
    name: SECURITY_WORDS[name] for name in SECURITIES if name != "auto"
}

MIN_HIDDEN_CHARACTERS: Final = 8
"""A shorter password is hidden only where a field equals it, as in a result."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JobView:
    """What is shown of a job. `result` and `report` are the documents, None while it runs.

    `waits_for_worker`: nobody is there to run it.
    """

    job_id: str
    kind: Kind
    done: int
    total: int
    result: Mapping[str, Any] | None
    report: Mapping[str, Any] | None
    waits_for_worker: bool = False


@cache
def _templates() -> Environment:
    """The templates, compiled once per process."""
    templates = Environment(
        loader=PackageLoader("producer.gateway"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"instant": _instant, "age": _age}
    return templates


class Pages:
    """Renders. Made once, when the gateway starts."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore()
        self._templates = _templates()

    async def beside_the_loop(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run what may take tenths of a second, for a page, in a thread; one at a time.

        More would not be faster, as threads share the interpreter, and could take all that the loop
        has for reading records and finding Redis.
        """
        async with self._turn:
            return await asyncio.to_thread(work, *arguments)

    def form(
        self,
        subscriber: Subscriber,
        values: Mapping[str, str] | None = None,
        problems: Sequence[str] = (),
        status: int = 200,
    ) -> Response:
        """The page with the form; `values` as they were sent, of which no password is shown."""
        harmless = _without_passwords(values or {})
        return self._page(
            "form.html",
            status,
            subscriber=subscriber,
            only_dealer=_only(subscriber.dealers),
            # A batch holds passwords too: it is not sent back.
            values={name: value for name, value in harmless.items() if name != "batch"},
            batch_sent="batch" in harmless and bool(harmless["batch"].strip()),
            problems=problems,
            securities=SECURITY_CHOICES,
        )

    def job(self, view: JobView) -> Response:
        """The page of a job: its progress, then what came of it."""
        if view.result is None:
            return self._page("progress.html", 200, job=view)
        if view.kind is Kind.CREDENTIAL_TEST:
            return self._page(
                "result.html", 200, job=view, verdict=read_test(view.result, view.report)
            )
        return self._page("integration.html", 200, job=view, **_integration(view))

    def docs(self, groups: Sequence[OperationGroup], version: str) -> Response:
        return self._page("docs.html", 200, groups=groups, version=version)

    def operations(self, overview: Overview) -> Response:
        return self._page("operations.html", 200, overview=overview)

    def error(self, error: HttpError) -> Response:
        """Say to a person what a program is told as a problem (RFC 9457)."""
        reason, status = error.reason, error.reason.status
        page = self._page(
            "error.html",
            status,
            heading=heading_of(error),
            cause=error.text,
            remedy=remedy_of(error),
            http_status=status,
            code=reason.code,
            uid=error.uid,
        )
        page.headers.update(error.headers)
        return page

    def _page(self, template: str, status: int, **context: Any) -> Response:
        text = self._templates.get_template(template).render(**context)
        # Half a surrogate pair, which JSON can hold, is no UTF-8.
        return HTMLResponse(text.encode("utf-8", "replace"), status, PAGE_HEADERS)


def _without_passwords(values: Mapping[str, str]) -> dict[str, str]:
    """Mask a user or host that is or holds a password, as a result does; the form takes no mask."""
    secrets = [value for name in SECRET_FIELDS if (value := values.get(name))]
    long = [secret for secret in secrets if len(secret) >= MIN_HIDDEN_CHARACTERS]
    shown = {name: value for name, value in values.items() if name not in SECRET_FIELDS}
    for name in shown.keys() & {*USER_FIELDS, *HOSTS}:
        if shown[name].strip() in secrets or any(secret in shown[name] for secret in long):
            shown[name] = MASK
    return shown


def _instant(unix_seconds: float) -> str:
    """Say when, as RFC 3339; of what is no time of this calendar its beginning."""
    try:
        moment = datetime.fromtimestamp(unix_seconds, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _age(seconds: float) -> str:
    """Say how long, in the largest unit of which there are two."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _only(dealers: Sequence[str] | None) -> str:
    return dealers[0] if dealers and len(dealers) == 1 else ""


_ENDINGS: Final = {
    Kind.INTEGRATION_CREATE: ("saved", "not saved"),
    Kind.INTEGRATION_UPDATE: ("saved", "not saved"),
    Kind.INTEGRATION_DELETE: ("deleted", "not deleted"),
    Kind.INTEGRATION_TEST: ("login works", "not proved"),
}
"""How a job of integrations ended: done or not."""


def _integration(view: JobView) -> dict[str, Any]:
    """What the page of an integration's job shows."""
    result = mapping(view.result)
    works = result.get("success") is True
    return {
        "works": works,
        "ending": _ENDINGS[view.kind][not works],
        "message": plain(result.get("message") or ""),
        "errors": [
            replace(
                advice_of({"errorDescription": error.get("message")}),
                code=plain(error.get("code") or ""),
            )
            for error in objects(result.get("errors"))
        ],
        "protocol": read_integration_probe(result, view.report),
    }
