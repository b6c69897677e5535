r"""IMAP responses (RFC 9051, section 7), fed line by line and literal by literal. No I/O.

    reader = ResponseReader()
    while (response := reader.feed_line(await read_line())) is None:
        reader.feed_literal(await read_exactly(reader.literal_octets))

Nothing nests: what a probe has to understand is a tag, a condition, a response code and a list of
capabilities. Everything else is taken as octets and passed over.
"""

from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code
from worker.probing.errors import ProtocolFault
from worker.probing.patterns import octet_pattern
from worker.probing.printable import words_of

MAX_LITERAL_OCTETS: Final = 4 * 1024
MAX_RESPONSE_OCTETS: Final = 64 * 1024
MAX_RESPONSE_LINES: Final = 200
MAX_LITERAL_DIGITS: Final = 10

UNTAGGED: Final = b"*"
CONTINUATION: Final = b"+"

_CONDITIONS: Final = frozenset({b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"})
_TAG_OCTETS: Final = bytes(set(range(0x21, 0x7F)) - set(b'(){%*"\\+')) + b"}"

MAX_CODE_OCTETS: Final = 64
"""The longest registered response code has 20 (IANA, IMAP Response Codes)."""

MAX_CODE_WITH_ARGUMENTS_OCTETS: Final = 4 * 1024
"""With its arguments: the capabilities of a server are 600. What is longer is text."""

# The argument of a code may hold quoted strings, and those a `]`.
_CODE: Final = octet_pattern(rb'\[([^\] ]+)(?: +((?:[^\]"]|"(?:[^"\\]|\\.)*")*))?\] *')


@dataclass(frozen=True, slots=True)
class Response:
    """One complete response.

    `tag` is `*`, `+` or the tag; `condition` "OK", "NO", "BAD", "BYE", "PREAUTH", or "" for data;
    `atom` the response code's, "" for none, with its `arguments`; `text` what follows, for data and
    continuations all of it. Literals stand in the text as their octets.
    """

    tag: bytes
    condition: str
    atom: str
    arguments: bytes
    text: bytes

    @property
    def code(self) -> str:
        """The response code's atom in upper case: IMAP compares without case."""
        return self.atom.upper()

    @property
    def words(self) -> str:
        """The human-readable part."""
        return words_of(self.text)


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
        announced = _announced(line)
        if announced is None:
            return False
        in_words = len(self.lines) == 1 and _ends_in_words(line)
        count = announced.removesuffix(b"+")
        if not count.isdigit() and in_words:
            return False
        if not count.isdigit() or len(count) > MAX_LITERAL_DIGITS:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "an IMAP literal whose length is no number")
        self.literal_octets = int(count)
        if self.literal_octets > MAX_LITERAL_OCTETS:
            raise ProtocolFault(Code.RESPONSE_TOO_LARGE, "an IMAP literal of more than 4096 octets")
        return not in_words


def _announced(line: bytes) -> bytes | None:
    """What stands for a literal's length at the end of the line; None where there is none."""
    if not line.endswith(b"}"):
        return None
    brace = line.rfind(b"{")
    count = line[brace + 1 : -1]
    return None if brace < 0 or any(octet in count for octet in b'}" ') else count


def _ends_in_words(line: bytes) -> bool:
    """Tell whether the line ends in text for people, where `{5}` is no literal."""
    if line.startswith(CONTINUATION):
        return True
    tagged = _split_tag(line)
    status = _split_status(tagged[1]) if tagged else None
    if status is None:
        return False
    return not status[1].startswith(b"[") or _CODE.match(status[1]) is not None


def _split_tag(line: bytes) -> tuple[bytes, bytes] | None:
    tag, blank, rest = line.partition(b" ")
    if blank and (tag == UNTAGGED or (tag and not tag.translate(None, _TAG_OCTETS))):
        return tag, rest
    return None


def _split_status(rest: bytes) -> tuple[str, bytes] | None:
    """The condition and what follows it; None for a response that is data."""
    word, _, text = rest.partition(b" ")
    condition = word.upper()
    return (condition.decode("ascii"), text.lstrip(b" ")) if condition in _CONDITIONS else None


def _parse(line: bytes) -> Response:
    if line == CONTINUATION or line.startswith(b"+ "):
        return Response(CONTINUATION, "", "", b"", line[2:])
    tagged = _split_tag(line)
    if tagged is None:
        raise ProtocolFault(Code.PROTOCOL_ERROR, "a line that is no IMAP response")
    tag, rest = tagged
    status = _split_status(rest)
    if status is None:
        if tag != UNTAGGED:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "a tagged IMAP response without a condition")
        return Response(UNTAGGED, "", "", b"", rest)
    return _parse_status(tag, *status)


def _parse_status(tag: bytes, condition: str, text: bytes) -> Response:
    code = _CODE.match(text[:MAX_CODE_WITH_ARGUMENTS_OCTETS]) if text.startswith(b"[") else None
    if code is None or len(code[1]) > MAX_CODE_OCTETS:
        return Response(tag, condition, "", b"", text)
    atom = code[1].decode("ascii", "backslashreplace")
    return Response(tag, condition, atom, code[2] or b"", text[code.end() :])
