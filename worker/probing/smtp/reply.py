r"""SMTP replies (RFC 5321, section 4.2), fed line by line. No I/O.

reader = ReplyReader()
while (reply := reader.feed(await read_line())) is None: ...
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.errors import ProtocolFault
from worker.probing.target import Protocol, Refusal

MAX_LINES: Final = 200
MAX_OCTETS: Final = 64 * 1024

_LINE: Final = re.compile(rb"(?P<code>[2-5][0-9]{2})(?P<more>-|[ ]|\Z)(?P<text>.*)", re.DOTALL)
_ENHANCED: Final = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[ ]+|\Z)")


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
        r"""The words alone, lines joined by a line feed, undecodable octets as `\xNN`."""
        return b"\n".join(words for _, words in self._parted()).decode("utf-8", "backslashreplace")

    def _parted(self) -> Iterator[tuple[str | None, bytes]]:
        """Yield each line as its enhanced code, if any, and its words."""
        for text in self.texts:
            match = _ENHANCED.match(text)
            if match and match[1][:1] == b"%d" % (self.code // 100):
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
        match = _LINE.match(line)
        if match is None:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "a line that is no SMTP reply")
        if self._code not in (None, match["code"]):
            raise ProtocolFault(Code.PROTOCOL_ERROR, "an SMTP reply whose lines differ in code")
        self._octets += len(line)
        if len(self.lines) == MAX_LINES or self._octets > MAX_OCTETS:
            raise ProtocolFault(
                Code.RESPONSE_TOO_LARGE, "an SMTP reply of too many lines or octets"
            )
        self.lines.append(line)
        self._code = match["code"]
        self._texts.append(match["text"])
        if match["more"] == b"-":
            return None
        return Reply(int(self._code), tuple(self._texts))
