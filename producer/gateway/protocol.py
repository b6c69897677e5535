"""uvicorn's HTTP/1.1 protocol with what it lacks: deadlines, bounds, our own 400.

A header has to arrive in time, and of an answer something has to be taken. The chunks of a body
are bounded, and the connections, so that files are left for Redis and for ourselves.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Any, Final

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from producer.gateway.answers import Family, refused
from producer.gateway.edge import NO_STORE, SECURITY_HEADERS
from producer.gateway.refusals import HttpError, Reason

SPARE_CHUNKS: Final = 5000
SMALL_CHUNK_BYTES: Final = 256
"""A body may come in so many chunks, and one more for each so many bytes of it.

A chunk takes some 30 us to parse, however little is in it: of chunks of one byte one read holds a
second's work, and anybody can send it. A client that sends each token of a full batch by itself, as
json's iterencode gives them, sends 3,700.
"""

_HEADERS: Final = {**SECURITY_HEADERS, "Cache-Control": NO_STORE, "Connection": "close"}
_log = structlog.get_logger("gateway")


class _Connection(h11.Connection):
    """Refuses a body in thousands of small chunks, as if it were no HTTP."""

    _chunks = 0
    _size = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return what came next. Raises RemoteProtocolError."""
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._chunks += 1
            self._size += len(event.data)
            if self._chunks > SPARE_CHUNKS + self._size // SMALL_CHUNK_BYTES:
                raise h11.RemoteProtocolError("too many small chunks")
        elif isinstance(event, h11.Request):
            self._chunks = self._size = 0
        return event


class DeadlineProtocol(H11Protocol):
    """Closes a connection on which no whole header arrives in time.

    The time runs from the connection, later from the first byte of each further request; between
    requests uvicorn's keep-alive time holds. What is being sent has no end in time as long as some
    of it is taken.
    """

    header_seconds = 10.0
    most_files = sys.maxsize
    _deadline: asyncio.TimerHandle | None = None
    _unsent: tuple[Any, int] | None = None

    def connection_made(
        self,
        transport: asyncio.Transport,  # type: ignore[override]  # as uvicorn declares it
    ) -> None:
        """Start the time. Refuse the connection where too few files are left."""
        super().connection_made(transport)
        self.conn = _Connection(h11.SERVER)
        self._start_deadline()
        # Its number tells how many there are: a new file has the lowest that is free.
        if transport.get_extra_info("socket").fileno() >= self.most_files:
            _log.warning("connection_refused", client=self._client(), most_files=self.most_files)
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Stop the time where a request has begun, start it where half a header has."""
        super().data_received(data)
        if not self._awaits_request():
            self._stop_deadline()
        elif self._deadline is None and not self.transport.is_closing():
            self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the shape and with the headers of every other answer."""
        del msg  # uvicorn's sentence, as plain text
        if not self._awaits_request():  # its body is what is no HTTP: it is answered here
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        error = HttpError(Reason.INVALID, "This is no HTTP/1.1 request.")
        _log.info("no_http", client=self._client(), error_id=error.uid)
        answer = refused(error, Family.OTHER)
        headers: Any = [*answer.raw_headers, *_HEADERS.items()]
        with suppress(h11.LocalProtocolError):  # in the middle of an answer
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
        self.transport.close()

    def _client(self) -> str | None:
        return self.client[0] if self.client else None

    def _awaits_request(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return cycle is None or bool(cycle.response_complete)

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(self.header_seconds, self._end_of_time)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def require_progress(self) -> None:
        """Give up where of the same answer nothing was taken since the last time this was asked.

        Also while the connection closes, which waits for what is unsent.
        """
        unsent = self.transport.get_write_buffer_size()
        if unsent > 0 and self._unsent == (self.cycle, unsent):
            _log.info("answer_not_taken", client=self._client(), unsent_bytes=unsent)
            self.transport.abort()
        self._unsent = (self.cycle, unsent) if unsent > 0 else None

    def _end_of_time(self) -> None:
        self._deadline = None
        if self._awaits_request() and not self.transport.is_closing():
            self.transport.close()


def protocol_with(header_seconds: float, most_files: int) -> type[DeadlineProtocol]:
    """Return the protocol with this deadline and bound: uvicorn makes the instances."""
    bounds = {"header_seconds": header_seconds, "most_files": most_files}
    return type("GatewayProtocol", (DeadlineProtocol,), bounds)
