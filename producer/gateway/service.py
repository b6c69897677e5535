"""Health, metrics and the machine-readable contract: for anyone."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from producer.contract.media_types import JSON
from producer.gateway.api_guide import described
from producer.gateway.observe import Metrics
from producer.gateway.pages import Pages
from producer.gateway.refusals import RETRY_SECONDS, HttpError, Reason
from producer.gateway.routing import parameter
from producer.gateway.store import GatewayStore
from producer.gateway.workers import Workers
from producer.openapi.document import openapi
from producer.redis_failures import RedisUnavailableError

STATIC_FILES: Final = Path(__file__).with_name("static")
STATIC_SECONDS: Final = 3600
MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Service:
    """The endpoints that need no login."""

    store: GatewayStore
    workers: Workers
    metrics: Metrics
    pages: Pages
    alive: Callable[[], bool]

    async def healthz(self, _request: Request) -> Response:
        """The process lives, and so do its background tasks."""
        alive = self.alive()
        return JSONResponse({"status": "ok" if alive else "failed"}, 200 if alive else 503)

    async def readyz(self, _request: Request) -> Response:
        """Redis can be used and a worker is there."""
        try:
            workers = await self.workers.count()
        except RedisUnavailableError:
            return _readiness(redis=False, workers=0)
        return _readiness(redis=True, workers=workers)

    async def scrape(self, _request: Request) -> Response:
        """The metrics, for Prometheus."""
        return Response(
            generate_latest(self.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def openapi(self, _request: Request) -> Response:
        """OpenAPI 3.1."""
        return Response(_openapi_bytes(), media_type=JSON)

    async def docs(self, _request: Request) -> Response:
        """The same for people; nothing is loaded from anywhere else."""
        return self.pages.docs(*described())


async def static_file(request: Request) -> Response:
    """A style sheet, a script or a picture of the pages. Raises HttpError."""
    content = _static_contents().get(parameter(request, "name"))
    if content is None:
        raise HttpError(Reason.NOT_FOUND)
    octets, media_type = content
    headers = {"Cache-Control": f"public, max-age={STATIC_SECONDS}"}
    return Response(octets, 200, headers, media_type)


@cache
def _static_contents() -> dict[str, tuple[bytes, str]]:
    """Read all of them: a few kB, and no request's name or range ever meets the file system."""
    return {
        file.name: (file.read_bytes(), MEDIA_TYPES[file.suffix]) for file in STATIC_FILES.iterdir()
    }


def _readiness(*, redis: bool, workers: int) -> Response:
    ready = redis and workers > 0
    headers = {} if ready else {"Retry-After": str(RETRY_SECONDS)}
    return JSONResponse({"redis": redis, "workers": workers}, 200 if ready else 503, headers)


@cache
def _openapi_bytes() -> bytes:
    return json.dumps(openapi()).encode()
