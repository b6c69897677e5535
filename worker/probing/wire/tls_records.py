"""Where one TLS record ends and the next begins (RFC 8446, section 5.1), without opening any."""

from typing import Final

_HEAD_BYTES: Final = 5


class UnfinishedRecord:
    """Counts what has come of a record whose end has not. Fed with all bytes of one side."""

    def __init__(self) -> None:
        self._head = b""
        self._size = 0
        self._left = 0

    @property
    def size(self) -> int:
        """Bytes of it that are there; 0 between two records."""
        return len(self._head) + self._size - self._left

    def feed(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if len(self._head) < _HEAD_BYTES:
                at += self._take_head(data[at : at + _HEAD_BYTES - len(self._head)])
            else:
                taken = min(self._left, len(data) - at)
                self._left -= taken
                at += taken
            if len(self._head) == _HEAD_BYTES and not self._left:
                self._head, self._size = b"", 0

    def _take_head(self, octets: bytes) -> int:
        self._head += octets
        if len(self._head) == _HEAD_BYTES:
            self._size = self._left = int.from_bytes(self._head[3:], "big")
        return len(octets)
