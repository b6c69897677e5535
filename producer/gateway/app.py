"""The composition of the gateway: what is made of the settings, and which route leads where."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.routing import Router
from starlette.types import ASGIApp

from producer.gateway.admissions import Admissions
from producer.gateway.answers import Family
from producer.gateway.arrivals import Arrivals
from producer.gateway.claims import SubmitLimits
from producer.gateway.credential_tests import CredentialTests
from producer.gateway.edge import (
    behind_proxies,
    with_portions,
    with_refused_uploads,
    with_security_headers,
)
from producer.gateway.errors import JOB_ROUTE, refuser
from producer.gateway.form import Form
from producer.gateway.intake import BodyLimits
from producer.gateway.integrations import TEST_ID, Integrations
from producer.gateway.job_status import JobStatus
from producer.gateway.jobs import Jobs
from producer.gateway.observe import Metrics, observed
from producer.gateway.operations import Operations
from producer.gateway.pace import PACE, Pace
from producer.gateway.pages import Pages
from producer.gateway.routing import Resource, nothing_here, undecoded_paths
from producer.gateway.service import Service, static_file
from producer.gateway.settings import GatewaySettings
from producer.gateway.store import GatewayStore
from producer.gateway.workers import Workers
from producer.openapi.paths import FAMILY_PATH, SHORT_TEST_PATH, TEST_PATH
from producer.sealing.requests import Sealer, load_jwk

MOST_SECONDS_FOR_TASKS: Final = 1.0
"""So long the background tasks may take to end; one that talks to Redis may not heed at once."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: its ASGI application, and what ends its waits."""

    app: ASGIApp
    store: GatewayStore
    arrivals: Arrivals


@asynccontextmanager
async def open_gateway(settings: GatewaySettings, pace: Pace = PACE) -> AsyncIterator[Gateway]:
    """Make a gateway; its background tasks end with the context.

    Raises NoRedisError, SealingError. Redis need not be there yet.
    """
    limits = SubmitLimits(
        settings.request_ttl_seconds,
        settings.result_ttl_seconds,
        settings.gateway_requests_per_minute,
    )
    store = GatewayStore(settings.redis(), settings.keyspace, limits)
    arrivals, workers, metrics = Arrivals(store), Workers(store), Metrics()
    admissions = Admissions(store, pace.revocations)
    sealer = Sealer(load_jwk(settings.public_key)) if settings.public_key else None
    jobs = Jobs(store, arrivals, admissions, workers, sealer, metrics.waiting)
    tasks = [asyncio.create_task(task.run()) for task in (arrivals, workers, admissions)]

    def alive() -> bool:
        return not any(task.done() for task in tasks)

    app = application(settings, jobs, metrics, alive, pace.comments)
    await arrivals.await_subscription(pace.subscription)
    try:
        yield Gateway(app, store, arrivals)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=MOST_SECONDS_FOR_TASKS)
        await store.close()


def application(
    settings: GatewaySettings,
    jobs: Jobs,
    metrics: Metrics,
    alive: Callable[[], bool],
    comment_seconds: float,
) -> ASGIApp:
    """Put routes and layers together, the outermost layer last."""
    limits = BodyLimits(settings.gateway_max_body_bytes, settings.gateway_read_seconds)
    pages = Pages()
    resources = [
        *_test_resources(CredentialTests(jobs, limits, settings.gateway_wait_seconds)),
        *_integration_resources(Integrations(jobs, limits, settings.gateway_wait_seconds)),
        *_job_resources(JobStatus(jobs, pages, comment_seconds)),
        *_page_resources(Form(jobs, pages, limits)),
        *_service_resources(Service(jobs.store, jobs.workers, metrics, pages, alive)),
    ]
    if settings.gateway_operators:
        operators = frozenset(settings.gateway_operators)
        operations = Operations(jobs.store, jobs.arrivals, pages, operators)
        resources.append(Resource("/operations", Family.OTHER, {"GET": operations.get}))
    resources.append(Resource("/static/{name}", Family.OTHER, {"GET": static_file}))
    refuse = refuser(pages)
    routes = [resource.route(refuse) for resource in resources]
    app: ASGIApp = Router(routes, redirect_slashes=False, default=nothing_here(refuse))
    app = with_refused_uploads(with_security_headers(observed(undecoded_paths(app), metrics)))
    app = with_portions(app)
    return behind_proxies(app, settings.gateway_trusted_proxies)


def _test_resources(tests: CredentialTests) -> Sequence[Resource]:
    return [
        Resource(path, Family.TEST, {"POST": tests.post}) for path in (TEST_PATH, SHORT_TEST_PATH)
    ]


def _integration_resources(integrations: Integrations) -> Sequence[Resource]:
    one = {"GET": integrations.show, "PUT": integrations.update, "DELETE": integrations.delete}
    paths = {
        FAMILY_PATH: {"GET": integrations.list, "POST": integrations.create},
        f"{FAMILY_PATH}/{TEST_ID}": {**one, "POST": integrations.test},
        f"{FAMILY_PATH}/{{id}}": one,
    }
    return [Resource(path, Family.INTEGRATIONS, methods) for path, methods in paths.items()]


def _job_resources(status: JobStatus) -> Sequence[Resource]:
    return [
        Resource(JOB_ROUTE, Family.OTHER, {"GET": status.get}),
        Resource("/jobs/{id}/report", Family.OTHER, {"GET": status.report}),
        Resource("/jobs/{id}/events", Family.OTHER, {"GET": status.events}),
    ]


def _page_resources(form: Form) -> Sequence[Resource]:
    return [Resource("/", Family.OTHER, {"GET": form.get, "POST": form.post})]


def _service_resources(service: Service) -> Sequence[Resource]:
    paths = {
        "/healthz": service.healthz,
        "/readyz": service.readyz,
        "/metrics": service.scrape,
        "/openapi.json": service.openapi,
        "/docs": service.docs,
    }
    return [Resource(path, Family.OTHER, {"GET": handler}) for path, handler in paths.items()]
