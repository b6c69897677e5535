"""One log line and one observation a request, at the edge. Neither holds what was sent."""

from dataclasses import dataclass
from time import monotonic
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producer.gateway.facts import RequestFacts, facts_in

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
OTHER_METHOD: Final = "other"
# From an answer out of hand to a wait of an hour, which is the longest.
SECONDS_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600)

_log = structlog.get_logger("gateway")


class Metrics:
    """The gateway's metrics. Labels are from closed sets only."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "mailvouch_gateway_requests",
            "HTTP requests answered, by route template, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "mailvouch_gateway_request_seconds",
            "Time from a request's header to the end of its answer.",
            ("route",),
            registry=self.registry,
            buckets=SECONDS_BUCKETS,
        )
        self.waiting = Gauge(
            "mailvouch_gateway_waiting",
            "Requests that wait for the result of their job.",
            registry=self.registry,
        )


@dataclass(slots=True)
class _Exchange:
    """What is seen of one answer. `seconds` stays None where the client left before its end."""

    began: float
    status: int = 0
    seconds: float | None = None

    def see(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif not message.get("more_body", False):
            self.seconds = monotonic() - self.began


def observed(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """Log and count what `app` answers."""

    async def with_observation(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(monotonic())
        facts = facts_in(scope)

        async def seen(message: Message) -> None:
            exchange.see(message)
            await send(message)

        try:
            await app(scope, receive, seen)
        finally:
            _observe(scope, facts, exchange, metrics)

    return with_observation


def _observe(scope: Scope, facts: RequestFacts, exchange: _Exchange, metrics: Metrics) -> None:
    seconds = monotonic() - exchange.began if exchange.seconds is None else exchange.seconds
    method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
    metrics.requests.labels(facts.route, method, exchange.status).inc()
    metrics.seconds.labels(facts.route).observe(seconds)
    caller = {"subscriber": facts.subscriber, "brand": facts.brand, "job_id": facts.job_id}
    _log.info(
        "request",
        method=method,
        route=facts.route,
        status=exchange.status,
        duration_ms=round(seconds * 1000, 1),
        client=(scope.get("client") or ("", 0))[0],
        **{name: value for name, value in caller.items() if value is not None},
        **({"errors": facts.errors} if facts.errors else {}),
    )
