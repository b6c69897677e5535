"""From the bytes under a request key to an envelope: unseal where sealed, read, check."""

from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code
from producer.contract.envelope import Envelope, EnvelopeError, parse_envelope
from producer.contract.names import QUEUE_OF, Queue
from producer.sealing import Unsealer, UnsealError, is_sealed

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""A batch of 50 items with three bearer tokens of 16 KiB each has 2.4 MiB."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Opens requests. `require_sealed` refuses plain ones."""

    unsealer: Unsealer | None
    require_sealed: bool = False

    def open(self, raw: bytes, queue: Queue) -> Envelope:
        """Raises EnvelopeError, whose text holds nothing of the request."""
        if len(raw) > MAX_REQUEST_BYTES:
            raise EnvelopeError(Code.REQUEST_UNREADABLE, "The request is larger than 4 MiB.")
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
                    "public key.",
                )
            return raw
        if self.unsealer is None:
            raise EnvelopeError(
                Code.REQUEST_UNREADABLE, "The request is sealed, and this worker has no key."
            )
        try:
            return self.unsealer.unseal(raw)
        except UnsealError as error:
            raise EnvelopeError(Code.REQUEST_UNREADABLE, str(error)) from None
