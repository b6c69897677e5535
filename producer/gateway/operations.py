"""`GET /operations`: the page for operators. It reads, and changes nothing."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from producer.gateway.arrivals import Arrivals
from producer.gateway.callers import require_subscriber
from producer.gateway.overview import read_overview
from producer.gateway.pages import Pages
from producer.gateway.refusals import HttpError, Reason
from producer.gateway.store import GatewayStore


@dataclass(frozen=True, slots=True)
class Operations:
    """The endpoint, for subscribers that the settings name."""

    store: GatewayStore
    arrivals: Arrivals
    pages: Pages
    operators: frozenset[str]

    async def get(self, request: Request) -> Response:
        """The page as of now."""
        caller = await require_subscriber(request, self.store)
        if caller.subscriber.name not in self.operators:
            raise HttpError(Reason.NO_OPERATOR)
        overview = await read_overview(self.store, [*self.arrivals.ended])
        return self.pages.operations(overview)
