"""From the bytes under a request key to an envelope: unseal where sealed, read, check."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from producer.contract.codes import Code
from producer.contract.envelope import Envelope, EnvelopeError, parse_envelope
from producer.contract.names import QUEUE_OF, Queue
from producer.sealing.requests import Unsealer, UnsealError, is_sealed

LARGE_BYTES: Final = 128 * 1024
"""A full batch has 50 kB with values of the usual length, 65 kB sealed; it is read in 0.1 ms."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Opens requests. `require_sealed` refuses plain ones."""

    unsealer: Unsealer | None
    require_sealed: bool = False
    _one_large: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "large-request"), init=False
    )

    def reserve(self) -> None:
        """Have the thread from the start. Raises RuntimeError where the system allows none."""
        self._thread.submit(int)

    async def open(self, raw: bytes, queue: Queue) -> Envelope:
        """Raises EnvelopeError, whose text holds nothing of the request.

        The largest request that the contract allows takes some 0.1 s, and 0.6 s where it is made
        for that. So one large request is read at a time, and the loop turns in between: 64 that
        come in one fetch would hold up everything, the heartbeat too, for half a minute.
        """
        if len(raw) <= LARGE_BYTES:
            return self._open(raw, queue)
        loop = asyncio.get_running_loop()
        async with self._one_large:
            return await loop.run_in_executor(self._thread, self._open, raw, queue)

    def _open(self, raw: bytes, queue: Queue) -> Envelope:
        envelope = parse_envelope(self._plain(raw))
        if QUEUE_OF[envelope.kind] is not queue:
            raise EnvelopeError(
                Code.INVALID_REQUEST_DATA,
                f"A request of kind {envelope.kind} belongs on the queue "
                f"{QUEUE_OF[envelope.kind]}, not on {queue}.",
                envelope.kind,
            )
        return envelope

    def _plain(self, raw: bytes) -> bytes:
        if not is_sealed(raw):
            if self.require_sealed:
                raise EnvelopeError(
                    Code.REQUEST_NOT_SEALED,
                    "This worker takes sealed requests only: encrypt the envelope for its "
                    "public key, as gateway and clients do where MAILVOUCH_PUBLIC_KEY names it.",
                )
            return raw
        if self.unsealer is None:
            raise EnvelopeError(
                Code.REQUEST_UNREADABLE,
                "The request is sealed, and this worker has no key: give it one "
                "(MAILVOUCH_PRIVATE_KEYS), and submit the job under another id.",
            )
        try:
            return self.unsealer.unseal(raw)
        except UnsealError as error:
            raise EnvelopeError(Code.REQUEST_UNREADABLE, str(error)) from None
