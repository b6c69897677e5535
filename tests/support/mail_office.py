"""Mail servers that behave, in a thread: they take one account, and take down what they hear.

For tests from outside, which are plain functions: no event loop to share.
"""

import asyncio
import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Any

from tests.support import certificates
from tests.support.servers import Script, Server, Wire, serve

HOST = "127.0.0.1"
USER = "sales@dealer.example"
PASSWORD = "Zq7-canary-p4ss"
TOKEN = "ya29.canary-token-9f3a"


class MailOffice:
    """Opens servers on loopback from any thread; all are closed at the end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stack: AsyncExitStack) -> None:
        self._loop = loop
        self._stack = stack
        self._tls = certificates.good("localhost", HOST)

    def open(
        self, script: Script, *, tls: ssl.SSLContext | None = None, host: str = HOST
    ) -> Server:
        entering = self._stack.enter_async_context(serve(script, tls=tls, host=host))
        return asyncio.run_coroutine_threadsafe(entering, self._loop).result(20)

    def smtp(self, mode: str, mechanisms: str = "PLAIN LOGIN", *, host: str = HOST) -> Server:
        """Open one; `mode` is tls, starttls or clear."""
        script = partial(smtp, tls=self._tls if mode == "starttls" else None, offers=mechanisms)
        return self.open(script, tls=self._tls if mode == "tls" else None, host=host)

    def imap(self, mode: str, mechanisms: str = "PLAIN", *, host: str = HOST) -> Server:
        """Open one; `mode` is tls, starttls or clear."""
        script = partial(imap, tls=self._tls if mode == "starttls" else None, offers=mechanisms)
        return self.open(script, tls=self._tls if mode == "tls" else None, host=host)


@contextmanager
def mail_office() -> Iterator[MailOffice]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = AsyncExitStack()
    try:
        yield MailOffice(loop, stack)
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def admits(mechanism: str, response: bytes) -> bool:
    """Tell whether an initial response is the account's."""
    if mechanism == "PLAIN":
        return response == f"\0{USER}\0{PASSWORD}".encode()
    return f"auth=Bearer {TOKEN}\x01".encode() in response


async def smtp(wire: Wire, tls: ssl.SSLContext | None, offers: str) -> None:
    await wire.line("220 mail.dealer.example ESMTP")
    while True:
        verb, _, rest = (await wire.read_line()).decode("latin-1").partition(" ")
        if verb == "EHLO":
            offer = "STARTTLS" if tls else f"AUTH {offers}" if offers else "SIZE 1000"
            await wire.line("250-mail.dealer.example", f"250 {offer}")
        elif verb == "STARTTLS" and tls:
            await wire.line("220 go ahead")
            await wire.start_tls(tls)
            tls = None
        elif verb == "AUTH":
            await _auth(wire, *rest.partition(" ")[::2])
        elif verb == "QUIT":
            await wire.line("221 bye")
            return
        else:
            await wire.line("250 2.0.0 ok")


async def _auth(wire: Wire, mechanism: str, given: str) -> None:
    response = base64.b64decode(given)
    if admits(mechanism, response):
        await wire.line("235 2.7.0 welcome")
    elif mechanism == "PLAIN":
        await wire.line("535 5.7.8 Error: authentication failed")
    else:
        await wire.line("334 " + base64.b64encode(b'{"status":"401"}').decode())
        await wire.read_line()
        await wire.line("535 5.7.8 Error: authentication failed")


async def imap(wire: Wire, tls: ssl.SSLContext | None, offers: str) -> None:
    def capabilities() -> str:
        methods = " ".join(f"AUTH={name}" for name in offers.split())
        return "IMAP4rev1 SASL-IR " + ("STARTTLS LOGINDISABLED" if tls else methods)

    await wire.line(f"* OK [CAPABILITY {capabilities()}] ready")
    while True:
        line = (await wire.read_line()).decode("latin-1")
        tag, verb, *words = line.split(" ")
        if verb == "CAPABILITY":
            await wire.line(f"* CAPABILITY {capabilities()}", f"{tag} OK done")
        elif verb == "STARTTLS" and tls:
            await wire.line(f"{tag} OK go ahead")
            await wire.start_tls(tls)
            tls = None
        elif verb == "AUTHENTICATE":
            await _authenticate(wire, tag, *words)
        elif verb == "LOGOUT":
            await wire.line("* BYE", f"{tag} OK bye")
            return
        else:
            await wire.line("* 3 EXISTS", f"{tag} OK [READ-ONLY] done")


async def _authenticate(wire: Wire, tag: str, mechanism: str, given: str) -> None:
    if admits(mechanism, base64.b64decode(given)):
        await wire.line(f"{tag} OK welcome")
    else:
        if mechanism != "PLAIN":
            await wire.line("+ " + base64.b64encode(b'{"status":"401"}').decode())
            await wire.read_line()
        await wire.line(f"{tag} NO [AUTHENTICATIONFAILED] authentication failed")


def account(smtp: Server | None, imap: Server | None, **changes: Any) -> dict[str, Any]:
    """Make a request item for these servers, both with TLS from the start; `changes` win."""
    given: dict[str, Any] = {"dealerEmail": USER, "password": PASSWORD}
    if smtp:
        given |= {"smtpHost": smtp.host, "smtpPort": smtp.port, "smtpUseSSLOrTLS": "true"}
    if imap:
        given |= {"imapHost": imap.host, "imapPort": imap.port, "imapUseSSLOrTLS": "true"}
    return given | changes
