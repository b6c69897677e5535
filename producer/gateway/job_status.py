"""`GET /jobs/{id}`, its report and its events: for the caller that submitted the job."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from producer.contract.media_types import JSON
from producer.contract.names import is_job_id
from producer.contract.progress import Progress
from producer.gateway.answers import accepted, family_of, finished, job_headers
from producer.gateway.callers import Caller, require_caller
from producer.gateway.claims import JobFacts
from producer.gateway.events import Listener, events_of
from producer.gateway.jobs import Jobs
from producer.gateway.negotiation import VARY, prefers_html
from producer.gateway.pages import JobView, Pages
from producer.gateway.refusals import HttpError, Reason
from producer.gateway.routing import parameter


@dataclass(frozen=True, slots=True)
class JobStatus:
    """The endpoints of one job."""

    jobs: Jobs
    pages: Pages
    comment_seconds: float

    async def get(self, request: Request) -> Response:
        """The result as soon as there is one; 202 until then. A page for people."""
        job_id, job = await self._own(request, await require_caller(request, self.jobs.store))
        if prefers_html(request):
            return await self._page(job_id, job)
        if job.result is None:
            return accepted(job_id, family_of(job.kind))
        return finished(job_id, job.result, 200)

    async def report(self, request: Request) -> Response:
        """The diagnosis beside the result; 202 until there is one."""
        job_id, job = await self._own(request, await require_caller(request, self.jobs.store))
        if job.result is None:
            return accepted(job_id, family_of(job.kind))
        report = await self.jobs.store.report_text(job_id)
        if report is None:
            raise HttpError(Reason.NO_SUCH_JOB)
        return Response(report, 200, job_headers(job_id), JSON)

    async def events(self, request: Request) -> Response:
        """Progress and end of the job, as server-sent events."""
        caller = await require_caller(request, self.jobs.store)
        job_id, job = await self._own(request, caller)
        listener = Listener(caller, request)
        stream = events_of(job_id, job, self.jobs, listener, self.comment_seconds)
        sent = () if request.method == "HEAD" else stream
        headers = {**job_headers(job_id), "X-Accel-Buffering": "no"}
        return StreamingResponse(sent, headers=headers, media_type="text/event-stream")

    async def _own(self, request: Request, caller: Caller) -> tuple[str, JobFacts]:
        """Return the caller's job. Raises HttpError."""
        job_id = parameter(request, "id")
        if not is_job_id(job_id):
            raise HttpError(Reason.NO_SUCH_JOB)
        return job_id, await self.jobs.look(job_id, caller, request)

    async def _page(self, job_id: str, job: JobFacts) -> Response:
        progress = self.jobs.arrivals.progress(job_id) or Progress(0, job.total)
        store, result = self.jobs.store, job.result
        view = JobView(
            job_id=job_id,
            kind=job.kind,
            done=progress.done,
            total=progress.total,
            result=None if result is None else store.document(job_id, result),
            report=None if result is None else await store.report(job_id),
            waits_for_worker=result is None and not await self.jobs.workers.present(),
        )
        response = await self.pages.beside_the_loop(self.pages.job, view)
        response.headers.update(job_headers(job_id) | VARY)
        return response
