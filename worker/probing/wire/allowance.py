"""How much a server may send in one session, and in how many pieces."""

from typing import Final

from producer.contract.codes import Code
from worker.probing.errors import ProtocolFault
from worker.probing.wire.tls_records import UnfinishedRecord

MAX_LINE_BYTES: Final = 8 * 1024
MAX_SESSION_BYTES: Final = 256 * 1024
"""All that one session may receive, TLS records included."""

MAX_HANDSHAKE_BYTES: Final = 16 * 1024
"""All that a server may send up to the end of the handshake. Certificate chains have 2 to 10 kB.

OpenSSL takes 100 kB, and decodes every key in it at one go.
"""

MAX_HANDSHAKE_ARRIVALS: Final = 128
"""In how many pieces: each is a step in another thread, some 80 us. Usual are three."""

MAX_TLS_OVERHEAD_BYTES: Final = 12 * 1024
"""What a server may send after the handshake beyond plain bytes: tickets, alerts, record heads.

Usual are 0.5 kB of tickets. The dearest, updates of keys (RFC 8446, section 4.6.3), take 20 us for
each 27 bytes.
"""

MAX_ARRIVALS: Final = 4096
"""How often bytes may come in. Each costs some 25 us: octet by octet a session would be 6 s."""


class Allowance:
    """Counts what has come in one session. Each method returns a fault where it is too much."""

    def __init__(self) -> None:
        self.received = 0
        self.overhead = 0  # TLS bytes after the handshake that were no words
        self._arrivals = 0
        self._received_in_clear = self._arrivals_in_clear = 0
        self._unfinished = UnfinishedRecord()

    def start_handshake(self) -> None:
        """What comes from now on is of the handshake, until it has ended."""
        self._received_in_clear, self._arrivals_in_clear = self.received, self._arrivals

    def count(self, size: int, *, in_handshake: bool) -> ProtocolFault | None:
        """Count what has come: to be asked before it is used."""
        self.received += size
        self._arrivals += 1
        if self.received > MAX_SESSION_BYTES:
            return too_large("session", MAX_SESSION_BYTES)
        if self._arrivals > MAX_ARRIVALS:
            return _too_many_pieces("what it said", MAX_ARRIVALS)
        if in_handshake:
            if self.received - self._received_in_clear > MAX_HANDSHAKE_BYTES:
                return too_large("TLS handshake", MAX_HANDSHAKE_BYTES)
            if self._arrivals - self._arrivals_in_clear > MAX_HANDSHAKE_ARRIVALS:
                return _too_many_pieces("its TLS handshake", MAX_HANDSHAKE_ARRIVALS)
        return None

    def follow_records(self, data: bytes) -> None:
        """Take the next bytes of TLS, to know how much has come of a record without its end."""
        self._unfinished.feed(data)

    def count_decrypted(self, size: int, plain_size: int) -> ProtocolFault | None:
        """Count TLS bytes after the handshake, and the plain ones that they were."""
        self.overhead += size - plain_size
        # What has come of an unfinished record may turn out to be words.
        if self.overhead - self._unfinished.size > MAX_TLS_OVERHEAD_BYTES:
            return too_large("TLS stream without words", MAX_TLS_OVERHEAD_BYTES)
        return None


def too_large(what: str, limit: int) -> ProtocolFault:
    """Of `what` the server has sent more than `limit` bytes."""
    detail = f"the server sent a {what} of more than {limit} bytes"
    return ProtocolFault(Code.RESPONSE_TOO_LARGE, detail)


def _too_many_pieces(what: str, limit: int) -> ProtocolFault:
    detail = f"the server sent {what} in more than {limit} pieces"
    return ProtocolFault(Code.RESPONSE_TOO_LARGE, detail)
