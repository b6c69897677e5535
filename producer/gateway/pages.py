"""The pages for people: the form, a job's progress and its result. Plain functions of data."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.responses import HTMLResponse, Response

from producer.contract.names import Kind
from producer.records.subscribers import Subscriber

PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}


@dataclass(frozen=True, slots=True)
class JobView:
    """What is shown of a job. `result` and `report` are the documents, None while it runs."""

    job_id: str
    kind: Kind
    done: int
    total: int
    result: Mapping[str, Any] | None
    report: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class FormRequest:
    """What a form asks for: a dealer ("" where none was named) and the documented request body."""

    dealer_uuid: str
    body: dict[str, Any] = field(repr=False)


class FormProblems(Exception):
    """A form that cannot be read: one sentence for each mistake, none quotes a password."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__()
        self.sentences = tuple(sentences)


class Pages:
    """Renders. Made once, when the gateway starts."""

    def form(
        self,
        subscriber: Subscriber,
        values: Mapping[str, str] | None = None,
        problems: Sequence[str] = (),
        status: int = 200,
    ) -> Response:
        """The page with the form; `values` as they were sent, of which no password is shown."""
        del values
        said = "".join(f"<p>{html.escape(problem)}</p>" for problem in problems)
        content = (
            f"<h1>Test an e-mail account</h1>{said}"
            '<form method="post" action="/"><label>Dealer <input name="dealerUUID"></label>'
            '<label>SMTP host <input name="smtpHost"></label><button>Test</button></form>'
            f"<p>{html.escape(subscriber.name)}</p>"
        )
        return _page(content, status)

    def job(self, view: JobView) -> Response:
        """The page of a job."""
        state = "done" if view.result is not None else f"{view.done} of {view.total}"
        return _page(f"<h1>Job</h1><p aria-live='polite'>{state}</p>", 200)


def read_form(values: Mapping[str, str]) -> FormRequest:
    """Make the documented request of a form's fields. Raises FormProblems."""
    item = {name: value for name, value in values.items() if name.startswith(("smtp", "imap"))}
    dealer = values.get("dealerUUID", "")
    return FormRequest(dealer, {"emailCredentialsRequests": [item]})


def _page(content: str, status: int) -> Response:
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mailvouch</title>'
        f"</head><body><main>{content}</main></body></html>"
    )
    return HTMLResponse(document, status, PAGE_HEADERS)
