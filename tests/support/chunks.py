"""Octets cut at any size and put together to lines again, as a session does."""

CHUNK_SIZES = (1, 7, None)
"""None: all at once."""


def lines_of(data, chunk_octets=None):
    """Yield the complete lines of `data` without their CRLF or LF; a last line without is none."""
    buffer = b""
    step = chunk_octets or max(len(data), 1)
    for start in range(0, len(data), step):
        buffer += data[start : start + step]
        while b"\n" in buffer:
            line, _, buffer = buffer.partition(b"\n")
            yield line.removesuffix(b"\r")


class Octets:
    """The same for lines and literals taken by turns."""

    def __init__(self, data, chunk_octets=None):
        step = chunk_octets or max(len(data), 1)
        self._chunks = [data[start : start + step] for start in range(0, len(data), step)]
        self._buffer = b""

    def line(self):
        """Return the next line; raises EOFError where the octets end before it does."""
        while b"\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r")

    def exactly(self, count):
        while len(self._buffer) < count:
            self._more()
        octets, self._buffer = self._buffer[:count], self._buffer[count:]
        return octets

    def _more(self):
        if not self._chunks:
            raise EOFError
        self._buffer += self._chunks.pop(0)
