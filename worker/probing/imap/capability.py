"""What an IMAP server says it can do (RFC 9051, sections 6.1.1 and 7.2.2)."""

from dataclasses import dataclass
from itertools import islice
from typing import Final

from worker.probing.imap.response import UNTAGGED, Response

MAX_CAPABILITIES: Final = 200
_WORD: Final = b"CAPABILITY"
_MECHANISM: Final = "AUTH="
_ASKED_FOR: Final = frozenset(
    {"IMAP4REV1", "IMAP4REV2", "STARTTLS", "LOGINDISABLED", "SASL-IR", "ID"}
)
"""What the dialogue asks for: kept, with the mechanisms, however much stands before it."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """In upper case; empty where the server told none."""

    words: frozenset[str] = frozenset()

    def __contains__(self, word: str) -> bool:
        return word in self.words

    @property
    def mechanisms(self) -> frozenset[str]:
        """The SASL mechanisms. A name that is listed twice (Cyrus, Courier) is here once."""
        return frozenset(
            word.removeprefix(_MECHANISM) for word in self.words if word.startswith(_MECHANISM)
        )

    @property
    def speaks_imap(self) -> bool:
        """False for a server that names versions and among them none since RFC 2060."""
        return not self.words or not self.words.isdisjoint({"IMAP4REV1", "IMAP4REV2"})


def find_capabilities(response: Response) -> Capabilities | None:
    """Return what a response tells: as `* CAPABILITY …` or as code `[CAPABILITY …]`, else None."""
    if response.code == _WORD.decode():
        return _parse(response.arguments)
    if response.tag == UNTAGGED and not response.condition:
        first, _, rest = response.text.partition(b" ")
        if first.upper() == _WORD:
            return _parse(rest)
    return None


def _parse(words: bytes) -> Capabilities:
    listed = words.decode("ascii", "replace").upper().split()
    first = [word for word in listed if word in _ASKED_FOR or word.startswith(_MECHANISM)]
    kept = islice(dict.fromkeys((*first, *listed)), MAX_CAPABILITIES)
    return Capabilities(frozenset(kept))
