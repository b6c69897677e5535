"""aiosmtpd, an SMTP server in Python, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.support import certificates
from tests.support.peers import ACCOUNTS


@dataclass(slots=True)
class AiosmtpdPeer:
    """`logins` are the user names that logged in or tried to, with the outcome."""

    port: int = 0
    logins: list[tuple[str, bool]] = field(default_factory=list)


class _Handler:
    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the library's name
        return "554 no mail is expected here"


@asynccontextmanager
async def aiosmtpd(*, implicit_tls=False, require_tls=True, exclude=()) -> AsyncIterator:
    peer = AiosmtpdPeer()

    def check(server, session, envelope, mechanism, login):
        assert isinstance(login, LoginPassword)
        user = login.login.decode()
        right = ACCOUNTS.get(user) == login.password.decode()
        peer.logins.append((user, right))
        return AuthResult(success=right, handled=False)

    def make():
        return SMTP(
            _Handler(),
            hostname=certificates.NAME,
            authenticator=check,
            auth_require_tls=require_tls and not implicit_tls,
            auth_exclude_mechanism=exclude,
            tls_context=None if implicit_tls else certificates.good(),
            loop=asyncio.get_running_loop(),
        )

    context = certificates.good() if implicit_tls else None
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=context)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        await server.wait_closed()
