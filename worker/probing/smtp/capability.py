"""What a server offers in its reply to EHLO (RFC 5321, section 4.1.1.1; RFC 4954, section 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.probing.patterns import octet_pattern

MAX_CAPABILITIES: Final = 100

_ASKED_FOR: Final = frozenset({"AUTH", "PIPELINING", "SMTPUTF8", "STARTTLS"})
"""What the dialogue asks for: kept however much stands before it."""

_KEYWORD: Final = octet_pattern(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =]+([^\n]*))?\z")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Keywords and SASL mechanisms in upper case, as every comparison is without case."""

    keywords: frozenset[str] = frozenset()
    mechanisms: tuple[str, ...] = ()

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords


NONE: Final = Capabilities()
"""Of a server that knows HELO only."""


def parse_capabilities(texts: Sequence[bytes]) -> Capabilities:
    """Read the lines of an EHLO reply without their code. The first is the server's name.

    AUTH may come twice, and as `AUTH=LOGIN PLAIN` (the form before RFC 2554). What cannot be read
    is passed over.
    """
    keywords: set[str] = set()
    mechanisms: dict[str, None] = {}
    for text in texts[1:]:
        match = _KEYWORD.match(text.strip())
        if match is None:
            continue
        keyword = match[1].decode("ascii").upper()
        if keyword in _ASKED_FOR or len(keywords) < MAX_CAPABILITIES:
            keywords.add(keyword)
        if keyword == "AUTH":
            words = (match[2] or b"").decode("ascii", "replace").upper().split()
            mechanisms.update(dict.fromkeys(words))
    return Capabilities(frozenset(keywords), tuple(mechanisms))
