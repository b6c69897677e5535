"""What every answer has in common: headers, who is behind a proxy, uploads that nobody reads."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producer.settings import IpNetwork

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with it Chromium sends `Origin: null` from our own form.
    "Referrer-Policy": "same-origin",
}
NO_STORE: Final = "no-store"
STRICT_TRANSPORT: Final = "max-age=31536000"

PORTION_BYTES: Final = 256 * 1024
"""Of an answer so much is handed to the connection at once, the rest as the client takes it."""

LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 16 * 1024 * 1024

Address = IPv4Address | IPv6Address


def with_security_headers(app: ASGIApp) -> ASGIApp:
    """Add the headers that every answer has."""

    async def secured(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers.setdefault("Cache-Control", NO_STORE)
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = STRICT_TRANSPORT
            await send(message)

        await app(scope, receive, sending)

    return secured


def with_portions(app: ASGIApp) -> ASGIApp:
    """Send a large body in portions, each once the client has taken enough of those before.

    What was handed to TLS at one go is no longer counted as unsent by asyncio, nor by uvloop: a
    client that takes nothing of it could not be told from one that has all.
    """

    async def portioned(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            body, sent = message.get("body", b""), 0
            while len(body) - sent > PORTION_BYTES:
                portion = body[sent : sent + PORTION_BYTES]
                await send({**message, "body": portion, "more_body": True})
                sent += PORTION_BYTES
            await send({**message, "body": body[sent:]} if sent else message)

        await app(scope, receive, sending)

    return portioned


def behind_proxies(app: ASGIApp, trusted: Sequence[IpNetwork]) -> ASGIApp:
    """Believe `X-Forwarded-For` and `-Proto` of trusted proxies, of nobody else."""
    if not trusted:
        return app

    async def forwarded(scope: Scope, receive: Receive, send: Send) -> None:
        peer = _address((scope.get("client") or ("",))[0])
        if peer is not None and _is_trusted(peer, trusted):
            headers = Headers(scope=scope)
            scope["client"] = (str(_client(headers, peer, trusted)), 0)
            if headers.get("x-forwarded-proto", "").strip().lower() == "https":
                scope["scheme"] = "https"
        await app(scope, receive, send)

    return forwarded


def _client(headers: Headers, peer: Address, trusted: Sequence[IpNetwork]) -> Address:
    """Go from us towards the client, as far as proxies are trusted."""
    hops = [hop for line in headers.getlist("x-forwarded-for") for hop in line.split(",")]
    client = peer
    for hop in reversed(hops):
        address = _address(hop.strip())
        if address is None:
            return client
        client = address
        if not _is_trusted(address, trusted):
            return client
    return client


def _address(text: str) -> Address | None:
    with suppress(ValueError):
        return ip_address(text)
    return None


def _is_trusted(address: Address, trusted: Sequence[IpNetwork]) -> bool:
    return any(address in network for network in trusted)


def with_refused_uploads(app: ASGIApp) -> ASGIApp:
    """Close the connection after an answer to a request whose body was not read to its end.

    Else a client could go on to send gigabytes. Not at once either: a connection that is closed
    while data comes in is reset, and the answer may be lost on the way. So the answer is sent
    whole, and its end held back for a moment in which what comes in is thrown away.
    """

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        unread = _has_body(scope)

        async def receiving() -> Message:
            nonlocal unread
            message = await receive()
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                unread = False
            return message

        async def sending(message: Message) -> None:
            if unread and message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            elif unread and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await _throw_away(receive)
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await app(scope, receiving, sending)

    return refusing


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


async def _throw_away(receive: Receive) -> None:
    left = LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                left -= len(message["body"])
