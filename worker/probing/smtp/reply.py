r"""SMTP replies (RFC 5321, section 4.2), fed line by line. No I/O.

reader = ReplyReader()
while (reply := reader.feed(await read_line())) is None: ...
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.errors import ProtocolFault
from worker.probing.patterns import octet_pattern
from worker.probing.printable import words_of
from worker.probing.target import Protocol, Refusal

MAX_LINES: Final = 200
MAX_OCTETS: Final = 64 * 1024

_ENHANCED: Final = octet_pattern(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: +|\z)")


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete reply. `texts` are its lines without the reply code."""

    code: int
    texts: tuple[bytes, ...]

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 2034): right after the reply code, of the same class."""
        return next((code for code, _ in self._parted() if code), None)

    @property
    def text(self) -> str:
        """The words alone, lines joined by a line feed."""
        return words_of(b"\n".join(words for _, words in self._parted()))

    def _parted(self) -> Iterator[tuple[str | None, bytes]]:
        """Yield each line as its enhanced code, if any, and its words."""
        for text in self.texts:
            match = _ENHANCED.match(text) if text[1:2] == b"." else None
            if match and text[:1] == b"%d" % (self.code // 100):
                yield match[1].decode("ascii"), text[match.end() :]
            else:
                yield None, text

    def as_refusal(self, phase: PhaseName) -> Refusal:
        return Refusal(Protocol.SMTP, phase, str(self.code), self.enhanced, self.text)


class ReplyReader:
    """Collects the lines of one reply; used once. `lines` are the good ones so far."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._texts: list[bytes] = []
        self._code: bytes | None = None
        self._octets = 0

    def feed(self, line: bytes) -> Reply | None:
        """Take a line without its end; return the reply once it is complete.

        Raises ProtocolFault: PROTOCOL_ERROR for no reply line or a change of code (then which of
        them counts?), RESPONSE_TOO_LARGE.
        """
        code, more = line[:3], line[3:4]
        if not _is_code(code) or more not in (b"-", b" ", b""):
            raise ProtocolFault(Code.PROTOCOL_ERROR, "a line that is no SMTP reply")
        if self._code not in (None, code):
            raise ProtocolFault(Code.PROTOCOL_ERROR, "an SMTP reply whose lines differ in code")
        self._octets += len(line)
        if len(self.lines) == MAX_LINES or self._octets > MAX_OCTETS:
            raise ProtocolFault(
                Code.RESPONSE_TOO_LARGE, "an SMTP reply of too many lines or octets"
            )
        self.lines.append(line)
        self._code = code
        self._texts.append(line[4:])
        if more == b"-":
            return None
        return Reply(int(code), tuple(self._texts))


def _is_code(octets: bytes) -> bool:
    return len(octets) == 3 and octets.isdigit() and octets[:1] in b"2345"
