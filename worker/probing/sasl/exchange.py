"""One SASL exchange in the base64 lines that RFC 4954 (SMTP) and RFC 9051 (IMAP) share."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from producer.contract.codes import Code
from worker.probing.errors import AuthFault, ProtocolFault
from worker.probing.sasl.mechanism import Mechanism, exchange_fault
from worker.probing.target import Refusal

MAX_CHALLENGE_OCTETS: Final = 12_288
"""Of base64 (RFC 4954, section 4)."""
MAX_ROUNDS: Final = 3
"""SCRAM without an initial response: the go-ahead, the server's first and its final message."""

QUICK_ITERATIONS: Final = 10_000
"""Up to here a key is computed in 5 ms, on the spot; servers usually ask for 4096."""

Derive = Callable[[Callable[[], bytes], int], Awaitable[bytes]]
"""Does work of so many iterations beside the event loop."""


class Exchange:
    """Knows whose turn it is, and whether a yes may be believed. Used once."""

    def __init__(self, mechanism: Mechanism, derive: Derive) -> None:
        self.mechanism = mechanism
        self._derive = derive
        self._first = mechanism.start()
        self._rounds = 0
        self._sent = False  # anything of the credential, be it the user's name

    @property
    def begun(self) -> bool:
        """Whether a challenge has been answered: then a refusal is one of the credential."""
        return self._rounds > 0

    def initial_response(self, room: int) -> bytes | None:
        """Return the initial response as it stands on the line; it counts as sent from now on.

        None where the server speaks first, or it is longer than `room`. An empty one is `=`.
        """
        if self._first is None:
            return None
        response = base64.b64encode(self._first) or b"="
        if len(response) > room:
            return None
        self._first, self._sent = None, True
        return response

    async def answer(self, challenge: bytes) -> bytes:
        """Return the line for a challenge line. Raises ProbeFault: then cancel with `*`."""
        self._rounds += 1
        if self._rounds > MAX_ROUNDS:
            raise exchange_fault("more challenges than a mechanism has")
        self._sent = True
        if self._first is not None:  # the go-ahead: whatever it says, it is our turn
            first, self._first = self._first, None
            return base64.b64encode(first)
        octets = _decoded(challenge)
        iterations = self.mechanism.iterations(octets)
        if iterations <= QUICK_ITERATIONS:
            return base64.b64encode(self.mechanism.next(octets))
        return base64.b64encode(
            await self._derive(partial(self.mechanism.next, octets), iterations)
        )

    def require_complete(self) -> None:
        """Raises AuthFault where the server said yes before the mechanism was complete."""
        if self._first is not None or not self.mechanism.complete:
            raise AuthFault(Code.AUTH_UNPROVEN, "the server said yes before the login was complete")

    def require_credential_sent(self, refusal: Refusal) -> None:
        """Raises AuthFault where the server refused before anything of the credential was sent.

        Then it refused the mechanism, whatever it says of credentials (RFC 9051, section 6.2.2).
        """
        if not self._sent:
            detail = "the server refused the login before it knew whose"
            raise AuthFault(Code.NO_COMMON_MECHANISM, detail, refusal=refusal)


def _decoded(challenge: bytes) -> bytes:
    if len(challenge) > MAX_CHALLENGE_OCTETS:
        raise ProtocolFault(Code.RESPONSE_TOO_LARGE, "a challenge of more than 12288 octets")
    try:
        return binascii.a2b_base64(challenge, strict_mode=True)
    except binascii.Error:
        raise exchange_fault("a challenge that is no base64") from None
