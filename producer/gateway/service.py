"""Health, metrics and the machine-readable contract: for anyone."""

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response

from producer.gateway.answers import JSON
from producer.gateway.observe import Metrics
from producer.gateway.pages import PAGE_HEADERS
from producer.gateway.refusals import RETRY_SECONDS, Reason, Refusal
from producer.gateway.routing import parameter
from producer.gateway.store import Store
from producer.gateway.workers import Workers
from producer.openapi.document import openapi
from producer.redis_clients import RedisUnavailableError

STATIC_FILES: Final = Path(__file__).with_name("static")
STATIC_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Service:
    """The endpoints that need no login."""

    store: Store
    workers: Workers
    metrics: Metrics

    async def healthz(self, _request: Request) -> Response:
        """The process lives."""
        return JSONResponse({"status": "ok"})

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
        return HTMLResponse(_docs_page(), headers=PAGE_HEADERS)


async def static_file(request: Request) -> Response:
    """A style sheet, a script or a picture of the pages. Raises Refusal."""
    name = parameter(request, "name")
    path = STATIC_FILES / name
    if name not in {file.name for file in STATIC_FILES.iterdir()}:
        raise Refusal(Reason.NOT_FOUND)
    headers = {"Cache-Control": f"public, max-age={STATIC_SECONDS}"}
    return FileResponse(path, headers=headers)


def _readiness(*, redis: bool, workers: int) -> Response:
    ready = redis and workers > 0
    headers = {} if ready else {"Retry-After": str(RETRY_SECONDS)}
    return JSONResponse({"redis": redis, "workers": workers}, 200 if ready else 503, headers)


@cache
def _openapi_bytes() -> bytes:
    return json.dumps(openapi()).encode()


@cache
def _docs_page() -> str:
    document = openapi()
    sections = "".join(_sections(document))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>Mailvouch: the HTTP API</title></head><body><main>"
        f"<h1>{html.escape(document['info']['title'])}: the HTTP API</h1>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>'
        f"{sections}</main></body></html>"
    )


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            rows = "".join(
                f"<tr><td>{html.escape(status)}</td>"
                f"<td>{html.escape(answer.get('description', ''))}</td></tr>"
                for status, answer in operation["responses"].items()
            )
            yield (
                f"<section><h2>{html.escape(method.upper())} {html.escape(path)}</h2>"
                f"<p>{html.escape(operation['summary'])}</p>"
                f"<table><thead><tr><th>status</th><th>when</th></tr></thead>"
                f"<tbody>{rows}</tbody></table></section>"
            )
