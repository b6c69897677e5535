"""Whom the server has to prove to be, and with what its TLS handshake is done."""

import ssl
from dataclasses import dataclass

from worker.probing.wire.channel import RunInThread
from worker.probing.wire.resumption import Resumption


@dataclass(frozen=True, slots=True)
class Trust:
    """The name that the server's certificate must bear, never an address it resolved to.

    `host` is an A-label name or an IP literal as the tenant gave it.
    """

    host: str
    port: int
    context: ssl.SSLContext
    resumption: Resumption
    run_in_thread: RunInThread
