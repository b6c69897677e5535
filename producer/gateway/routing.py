"""One resource a path: the methods it takes, the family its errors are shaped in.

Paths are matched as they were sent, still percent-encoded: a dealer's id may hold a slash.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from producer.gateway.answers import Family
from producer.gateway.errors import Refuse
from producer.gateway.facts import facts_of
from producer.gateway.intake import require_clear_framing
from producer.gateway.redis_calls import log_unavailable
from producer.gateway.refusals import HttpError, Reason
from producer.redis_failures import RedisUnavailableError

Handler = Callable[[Request], Awaitable[Response]]

_PREFIXES: Final = (
    ("/communications/dealers/", Family.TEST),
    ("/dealers/", Family.TEST),
    ("/api/v1/app-integrations/", Family.INTEGRATIONS),
)
_log = structlog.get_logger("gateway")


@dataclass(frozen=True, slots=True)
class Resource:
    """What one path template takes, and in which family's shape its errors are."""

    template: str
    family: Family
    handlers: Mapping[str, Handler]

    def route(self, refuse: Refuse) -> Route:
        return Route(self.template, _Endpoint(self, refuse))


class _Endpoint:
    """The ASGI application of one resource."""

    def __init__(self, resource: Resource, refuse: Refuse) -> None:
        self._template = resource.template
        self._family = resource.family
        self._refuse = refuse
        self._handlers = dict(resource.handlers)
        if "GET" in resource.handlers:
            self._handlers["HEAD"] = resource.handlers["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, also where answering fails."""
        request = Request(scope, receive)
        facts_of(request).route = self._template
        try:
            response = await self._answer(request)
        except HttpError as error:
            response = self._refuse(request, error, self._family)
        except RedisUnavailableError as error:
            log_unavailable(error)
            response = self._refuse(request, HttpError(Reason.NO_REDIS), self._family)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:  # a gateway that ends can wait no longer
            response = self._refuse(request, HttpError(Reason.STOPPING), self._family)
        except Exception as error:  # noqa: BLE001 - whatever it is, it costs this request alone
            response = self._refuse(request, _internal(error), self._family)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        require_clear_framing(request)
        handler = self._handlers.get(request.method)
        if handler is None:
            allow = ", ".join(sorted(self._handlers))
            raise HttpError(Reason.WRONG_METHOD, headers={"Allow": allow})
        return await handler(request)


def _internal(error: Exception) -> HttpError:
    """Log where it happened; not what was said, which may quote a request."""
    answered = HttpError(Reason.INTERNAL)
    frames = traceback.extract_tb(error.__traceback__)
    _log.error(
        "request_failed",
        error_id=answered.uid,
        type=type(error).__name__,
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
    return answered


def nothing_here(refuse: Refuse) -> ASGIApp:
    """Answer for a path that no resource has, in the shape of the family it looks like."""

    async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        found = (family for prefix, family in _PREFIXES if scope["path"].startswith(prefix))
        response = refuse(request, HttpError(Reason.NOT_FOUND), next(found, Family.OTHER))
        await response(scope, receive, send)

    return not_found


def parameter(request: Request, name: str) -> str:
    """Return a part of the path, decoded. Raises HttpError where it is no UTF-8."""
    try:
        return unquote(request.path_params[name], errors="strict")
    except UnicodeDecodeError:
        raise HttpError(Reason.INVALID, "The path is no percent-encoded UTF-8.") from None


def undecoded_paths(app: ASGIApp) -> ASGIApp:
    """Hand on paths as they were sent; of an absolute target (RFC 9112, section 3.2.2) the path."""

    async def with_raw_path(scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope["raw_path"]
        if not raw.startswith(b"/") and b"://" in raw:
            raw = b"/" + raw.partition(b"://")[2].partition(b"/")[2]
        await app({**scope, "path": raw.decode("ascii"), "raw_path": raw}, receive, send)

    return with_raw_path
