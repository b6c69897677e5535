"""`GET /` and `POST /`: the form for people. It works without scripts."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from producer.contract.credentials import REQUEST_LIST
from producer.contract.envelope import CredentialTestEnvelope
from producer.contract.names import Kind, is_job_id
from producer.gateway.answers import job_headers
from producer.gateway.callers import SubscriberCaller, require_subscriber
from producer.gateway.form_problems import FormProblems
from producer.gateway.form_request import DEALER, read_form
from producer.gateway.intake import FORM_TYPE, BodyLimits, read_body, require_type
from producer.gateway.jobs import Jobs, SubmitRequest
from producer.gateway.negotiation import opened_in_a_browser
from producer.gateway.pages import Pages
from producer.gateway.prefill import values_of
from producer.gateway.refusals import HttpError, Reason
from producer.records.subscribers import Subscriber

MAX_FIELDS: Final = 100


@dataclass(frozen=True, slots=True)
class Form:
    """The endpoints of the page."""

    jobs: Jobs
    pages: Pages
    limits: BodyLimits

    async def get(self, request: Request) -> Response:
        """The form: empty, or with an account of a job that this caller submitted."""
        caller = await require_subscriber(request, self.jobs.store)
        return self.pages.form(caller.subscriber, await self._values(request, caller))

    async def _values(self, request: Request, caller: SubscriberCaller) -> dict[str, str]:
        """Take over from `?job=…&item=…&take=smtp`: a job's id tells nobody else anything.

        Fields in the address itself would let any link choose where a password is sent to.
        """
        query = request.query_params
        job_id, number = query.get("job", ""), query.get("item", "")
        if not (is_job_id(job_id) and number.isascii() and number.isdigit() and len(number) < 5):
            return {}
        try:
            job = await self.jobs.look(job_id, caller, request)
        except HttpError:
            return {}
        if job.result is None or job.kind is not Kind.CREDENTIAL_TEST:
            return {}
        report = await self.jobs.store.report(job_id)
        values = values_of(
            self.jobs.store.document(job_id, job.result),
            report,
            int(number),
            query.get("take", ""),
        )
        return values | {DEALER: job.dealer} if values and job.dealer else values

    async def post(self, request: Request) -> Response:
        """Submit what was typed in and go to the job's page; 400 and the form where it is wrong."""
        caller = await require_subscriber(request, self.jobs.store)
        _require_own_origin(request)
        require_type(request, FORM_TYPE)
        body = await read_body(request, self.limits)
        values: dict[str, str] = {}
        try:
            values = await self.pages.beside_the_loop(_fields, body)
            wanted = await self.pages.beside_the_loop(read_form, values)
            dealer = _dealer(wanted.dealer_uuid, caller.subscriber)
        except FormProblems as problems:
            return self.pages.form(caller.subscriber, values, problems.sentences, 400)
        except HttpError as error:  # another's dealer; on a page of its own all would be typed anew
            if not opened_in_a_browser(request):
                raise
            sentence = f"{DEALER}: {error.text}"
            return self.pages.form(caller.subscriber, values, [sentence], error.reason.status)
        envelope = CredentialTestEnvelope(dealerUUID=dealer, body=wanted.body)
        asked = SubmitRequest(envelope, caller, body, len(wanted.body[REQUEST_LIST]))
        job = await self.jobs.submit(asked, request, needs_worker=False)
        return RedirectResponse(f"/jobs/{job.job_id}", 303, job_headers(job.job_id))


def _dealer(named: str, subscriber: Subscriber) -> str:
    """Return the dealer; where none is named, the only one that the subscriber has.

    Raises FormProblems where it has several, HttpError for a dealer that is not among them.
    """
    if subscriber.may_test(named):
        return named
    if named:
        raise HttpError(Reason.FORBIDDEN)
    if subscriber.dealers is None or len(subscriber.dealers) != 1:
        raise FormProblems(["dealerUUID must name one of your dealers."])
    return subscriber.dealers[0]


def _fields(body: bytes) -> dict[str, str]:
    """Read a urlencoded form; the last of equal names counts. Raises FormProblems."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise FormProblems(["The form is not urlencoded UTF-8."]) from None
    return dict(pairs)


def _require_own_origin(request: Request) -> None:
    """Raise HttpError for a form that a page of another site sends with our user's credential.

    Browsers send `Sec-Fetch-Site` over https and to loopback only; elsewhere `Origin` tells. What
    is no browser sends neither, and carries nobody's credential but its own.
    """
    sites = request.headers.getlist("sec-fetch-site")
    origins = request.headers.getlist("origin")
    if sites:
        own = all(site.strip().lower() in ("same-origin", "none") for site in sites)
    else:
        own = all(_same_origin(origin, request) for origin in origins)
    if not own:
        raise HttpError(Reason.CROSS_ORIGIN)


def _same_origin(origin: str, request: Request) -> bool:
    try:
        theirs = _origin(urlsplit(origin))
        ours = _origin(urlsplit(f"{request.scope['scheme']}://{request.headers.get('host', '')}"))
    except ValueError:
        return False
    return theirs == ours


def _origin(url: SplitResult) -> tuple[str, str | None, int]:
    return url.scheme, url.hostname, url.port or (443 if url.scheme == "https" else 80)
