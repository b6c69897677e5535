"""Who the server has to prove to be, and how that is checked."""

import ssl
from dataclasses import dataclass

from worker.probing.wire.channel import Elsewhere
from worker.probing.wire.resumption import Resumption


@dataclass(frozen=True, slots=True)
class Trust:
    """The name that the server's certificate must bear, never an address it resolved to.

    `host` is an A-label name or an IP literal as the tenant gave it. `elsewhere`: where the proof
    is computed.
    """

    host: str
    port: int
    context: ssl.SSLContext
    resumption: Resumption
    elsewhere: Elsewhere
