r"""IMAP responses (RFC 9051, section 7), fed line by line and literal by literal. No I/O.

    reader = ResponseReader()
    while (response := reader.feed_line(await read_line())) is None:
        reader.feed_literal(await read_exactly(reader.literal_octets))

Nothing nests: what a probe has to understand is a tag, a condition, a response code and a list of
capabilities. Everything else is taken as octets and passed over.
"""

import re
from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code
from worker.probing.errors import ProtocolFault

MAX_LITERAL_OCTETS: Final = 4 * 1024
MAX_RESPONSE_OCTETS: Final = 64 * 1024
MAX_RESPONSE_LINES: Final = 200
MAX_LITERAL_DIGITS: Final = 10

UNTAGGED: Final = b"*"
CONTINUATION: Final = b"+"

_LITERAL: Final = re.compile(rb"~?\{(?P<count>[^{}\" ]*)\}\Z")
_COUNT: Final = re.compile(rb"(?P<digits>[0-9]+)\+?\Z")
_TAG: Final = re.compile(rb"(?P<tag>\*|[^\x00- (){%*\"\\+\x7f-\xff]+) (?P<rest>.*)", re.DOTALL)
_STATUS: Final = re.compile(
    rb"(?P<condition>OK|NO|BAD|BYE|PREAUTH)(?:[ ]+(?P<text>.*))?\Z", re.DOTALL | re.IGNORECASE
)
# Possessive throughout: a `]` or a quote that is missing costs one pass.
_CODE: Final = re.compile(
    rb"\[(?P<code>[^\] ]++)(?:[ ]++(?P<arguments>(?:[^\]\"]|\"(?:[^\"\\]|\\.)*+\")*+))?\][ ]*+",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Response:
    """One complete response, its words in upper case where IMAP compares without case.

    `tag` is `*`, `+` or the tag; `condition` "OK", "NO", "BAD", "BYE", "PREAUTH", or "" for data;
    `code` the response code's atom, "" for none, with its `arguments`; `text` what follows, for
    data and continuations all of it. Literals stand in the text as their octets.
    """

    tag: bytes
    condition: str
    code: str
    arguments: bytes
    text: bytes

    @property
    def words(self) -> str:
        r"""The human-readable part, undecodable octets as `\xNN`."""
        return self.text.decode("utf-8", "backslashreplace")


class ResponseReader:
    """Collects one response; used once. `lines` are its lines so far, a literal being one, too."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.literal_octets = 0
        self._octets = 0

    def feed_line(self, line: bytes) -> Response | None:
        """Take a line without its end. None: `literal_octets` octets have to be fed, then a line.

        Raises ProtocolFault: PROTOCOL_ERROR for what is no response, RESPONSE_TOO_LARGE.
        """
        self._take(line)
        if self._awaits_literal(line):
            return None
        return _parse(b"".join(self.lines))

    def feed_literal(self, octets: bytes) -> None:
        assert len(octets) == self.literal_octets
        self._take(octets)

    def _take(self, octets: bytes) -> None:
        self._octets += len(octets)
        if len(self.lines) == MAX_RESPONSE_LINES or self._octets > MAX_RESPONSE_OCTETS:
            raise ProtocolFault(Code.RESPONSE_TOO_LARGE, "an IMAP response of too many octets")
        self.lines.append(octets)

    def _awaits_literal(self, line: bytes) -> bool:
        match = _LITERAL.search(line)
        if match is None:
            return False
        in_words = len(self.lines) == 1 and _ends_in_words(line)
        count = _COUNT.match(match["count"])
        if count is None and in_words:
            return False
        if count is None or len(count["digits"]) > MAX_LITERAL_DIGITS:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "an IMAP literal whose length is no number")
        self.literal_octets = int(count["digits"])
        if self.literal_octets > MAX_LITERAL_OCTETS:
            raise ProtocolFault(Code.RESPONSE_TOO_LARGE, "an IMAP literal of more than 4096 octets")
        return not in_words


def _ends_in_words(line: bytes) -> bool:
    """Tell whether the line ends in text for people, where `{5}` is no literal."""
    if line.startswith(CONTINUATION):
        return True
    tagged = _TAG.match(line)
    status = _STATUS.match(tagged["rest"]) if tagged else None
    if status is None:
        return False
    text = status["text"] or b""
    return not text.startswith(b"[") or _CODE.match(text) is not None


def _parse(line: bytes) -> Response:
    if line == CONTINUATION or line.startswith(b"+ "):
        return Response(CONTINUATION, "", "", b"", line[2:])
    tagged = _TAG.match(line)
    if tagged is None:
        raise ProtocolFault(Code.PROTOCOL_ERROR, "a line that is no IMAP response")
    status = _STATUS.match(tagged["rest"])
    if status is None:
        if tagged["tag"] != UNTAGGED:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "a tagged IMAP response without a condition")
        return Response(UNTAGGED, "", "", b"", tagged["rest"])
    return _parse_status(tagged["tag"], status["condition"], status["text"] or b"")


def _parse_status(tag: bytes, condition: bytes, text: bytes) -> Response:
    name = condition.decode("ascii").upper()
    code = _CODE.match(text)
    if code is None:
        return Response(tag, name, "", b"", text)
    atom = code["code"].decode("ascii", "backslashreplace").upper()
    return Response(tag, name, atom, code["arguments"] or b"", text[code.end() :])
