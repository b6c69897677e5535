"""TLS sessions of servers seen lately: with one, a handshake verifies no certificate again.

Resuming (RFC 8446, section 2.2; RFC 5077) takes a third off a handshake, more with long chains.
What it costs a tester: for as long as a session is kept, a server that exchanges its certificate
and still honours old tickets is seen with the certificate that it had. So a session is kept for
minutes only, counted from the handshake that verified the certificate, and is not kept beyond the
certificate's own end; only after a login that the server answered; and it is dropped at the first
thing that goes wrong.
"""

import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from producer.contract.report import Security
from worker.probing.target import Protocol
from worker.probing.wire.certificate import Leaf

LIFE_SECONDS: Final = 300.0
MAX_SESSIONS: Final = 256
"""Servers remembered. One takes 7 kB as a rule (measured), 33 kB where its certificate has 320
names, which is near to what a handshake may have.
"""

MAX_TICKET_BYTES: Final = 4 * 1024
"""Of a server that sent more than this beside its words nothing is kept. OpenSSL sends two tickets,
0.5 kB.
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """With whom a session was agreed. All of it has to be the same for a session to be offered.

    `name` is what the certificate was verified for. That the authorities are the same, Python sees
    to: a session belongs to the context that it was made with.
    """

    address: str
    port: int
    name: str
    protocol: Protocol
    security: Security


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session, and what the certificate said: a resumed handshake shows none."""

    session: ssl.SSLSession
    leaf: Leaf
    until: float


class TlsSessions:
    """The sessions of all probes of a process. `limit` 0: none is ever kept, so none is offered."""

    def __init__(
        self, limit: int = MAX_SESSIONS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._kept: OrderedDict[Peer, KeptSession] = OrderedDict()

    def find(self, peer: Peer) -> KeptSession | None:
        """The session to offer to `peer`, if there is one that is still good."""
        kept = self._kept.get(peer)
        if kept is None:
            return None
        if self._clock() < kept.until and _in_date(kept.leaf):
            return kept
        self.forget(peer)
        return None

    def has_use_for(self, peer: Peer) -> bool:
        """Tell whether a session with `peer` is worth its copy: of a burst, one is enough."""
        return bool(self._limit) and self.find(peer) is None

    def keep(self, peer: Peer, session: ssl.SSLSession, leaf: Leaf) -> None:
        """Remember a session of a full handshake, the latest `limit` of them."""
        life = min(LIFE_SECONDS, session.ticket_lifetime_hint or LIFE_SECONDS)
        self._kept[peer] = KeptSession(session, leaf, self._clock() + life)
        self._kept.move_to_end(peer)
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def forget(self, peer: Peer) -> None:
        """Offer it no more."""
        self._kept.pop(peer, None)


class Resumption:
    """What one connection makes of the session kept for its peer."""

    def __init__(self, sessions: TlsSessions, peer: Peer) -> None:
        self._sessions = sessions
        self._peer = peer
        self._offered: KeptSession | None = None

    @property
    def offered(self) -> bool:
        """Tell whether a session was offered to the server."""
        return self._offered is not None

    def offer(self) -> ssl.SSLSession | None:
        """The session for a handshake that begins, if there is one."""
        self._offered = self._sessions.find(self._peer)
        return self._offered.session if self._offered else None

    def resumed(self, ssl_object: ssl.SSLObject) -> Leaf | None:
        """The certificate of the session, where the server took up the one that was offered."""
        return self._offered.leaf if self._offered and ssl_object.session_reused else None

    def keep(self, ssl_object: ssl.SSLObject, leaf: Leaf, *, extra_bytes: int) -> None:
        """Keep the session of a full handshake, for others to come.

        That of a resumed one is left: its certificate was verified too long ago. `extra_bytes` is
        how much came after the handshake and was no words.
        """
        if ssl_object.session_reused or extra_bytes > MAX_TICKET_BYTES or not _in_date(leaf):
            return
        if not self._sessions.has_use_for(self._peer):
            return
        # To be asked for once only: OpenSSL's session is copied, which takes 0.15 ms.
        session = ssl_object.session
        if session is not None and (session.has_ticket or session.id):
            self._sessions.keep(self._peer, session, leaf)

    def forget(self) -> None:
        """Something went wrong: the next handshake is a full one."""
        self._sessions.forget(self._peer)


def _in_date(leaf: Leaf) -> bool:
    """False also for a certificate that was not read: when it ends is not known."""
    return leaf.expires is not None and datetime.now(UTC) < leaf.expires
