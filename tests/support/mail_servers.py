"""Mail servers written by others: aiosmtpd for SMTP, pymap for IMAP, in a process of their own.

    python -m tests.support.mail_servers FOLDER

writes the certificate authority to FOLDER/ca.pem, prints one line of JSON with the ports, and
serves until its standard input is closed (so it never outlives who started it).
"""

import asyncio
import json
import logging
import ssl
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer

from tests.support import certificates

HOST = "127.0.0.1"
USER = "sales@dealer.example"
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class MailServers:
    """Where they listen, and the file with the authority that signed their certificates."""

    ca_file: str
    smtp_starttls: int
    smtp_tls: int
    smtp_expired: int
    imap_tls: int
    imap_starttls: int


@contextmanager
def mail_servers(folder: Path) -> Iterator[MailServers]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.mail_servers", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the mail servers did not start")
        yield MailServers(**json.loads(line))
        process.stdin.close()
        process.wait(100)


async def _serve(folder: Path) -> None:
    good = certificates.good()
    ports = {
        "smtp_starttls": await _listen(_smtp(starttls=good)),
        "smtp_tls": await _listen(_smtp(), good),
        "smtp_expired": await _listen(_smtp(starttls=certificates.expired(HOST))),
        "imap_tls": await _listen_imap(good, implicit=True),
        "imap_starttls": await _listen_imap(good, implicit=False),
    }
    servers = MailServers(str(certificates.ca_file(folder)), **ports)
    sys.stdout.write(json.dumps(asdict(servers)) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


def _smtp(starttls: ssl.SSLContext | None = None) -> Callable[[], SMTP]:
    return lambda: SMTP(
        Sink(),
        hostname="mail.dealer.example",
        authenticator=_authenticate,
        auth_required=True,
        tls_context=starttls,
        require_starttls=starttls is not None,
        # An implicit TLS connection is none in aiosmtpd's eyes.
        auth_require_tls=starttls is not None,
    )


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any):
    good = (
        isinstance(data, LoginPassword)
        and data.login == USER.encode()
        and data.password == PASSWORD.encode()
    )
    return AuthResult(success=good, handled=False)


async def _listen(protocol: Callable[[], Any], tls: ssl.SSLContext | None = None) -> int:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, HOST, 0, ssl=tls)
    return server.sockets[0].getsockname()[1]


async def _listen_imap(tls: ssl.SSLContext, *, implicit: bool) -> int:
    options = Namespace(
        host=HOST,
        port=0,
        debug=False,
        cert=None,
        key=None,
        tls=not implicit,
        passlib_cfg=None,
        proxy_protocol=None,
        demo_data=False,
        demo_user=USER,
        demo_password=PASSWORD,
    )
    backend, config = await DictBackend.init(options, ssl_context=tls)
    config.apply_context()
    answer = ProxyProtocolReader(config.proxy_protocol).get_callback(
        IMAPServer(backend.login, config)
    )
    server = await asyncio.start_server(answer, HOST, 0, ssl=tls if implicit else None)
    return server.sockets[0].getsockname()[1]


if __name__ == "__main__":
    logging.disable()
    asyncio.run(_serve(Path(sys.argv[1])))
