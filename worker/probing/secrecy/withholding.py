"""Which of the things said in a session hold a secret, or a part of one.

What a server says is judged reply by reply, each as one unit, and once more all of it together,
because an echo may be spread over lines or come late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from worker.probing.interruptible import Interruptible, at_once
from worker.probing.patterns import octet_pattern
from worker.probing.secrecy.batch_secrets import BatchSecrets
from worker.probing.secrecy.haystack import Haystack, haystack_of
from worker.probing.secrecy.needles import MIN_SPREAD_CHARACTERS, Needles
from worker.probing.secrecy.scattered import holds_scattered
from worker.probing.secrecy.spellings import decoded_word, sent_octets
from worker.probing.target import Protocol

CERTIFICATES_KEPT: Final = 64
MAX_READ_AGAIN_BYTES: Final = 8 * 1024
"""Of all that is said and decoded from it. Where more holds a secret, all of it is withheld."""

MAX_KEPT_CHARACTERS: Final = 1024
"""Of one certificate. Its readings take some 40 times as much, and a stranger chooses how much."""

SERVER: Final = "S:"
CLIENT: Final = "C:"
EVENT: Final = "*"

_HEADS: Final = {
    Protocol.SMTP: octet_pattern(
        rb"([2-5][0-9]{2}(?:[ -]|\z)(?:[245]\.[0-9]{1,3}\.[0-9]{1,3}(?: |\z))?)"
    ),
    Protocol.IMAP: octet_pattern(
        rb"(?:\* |\+ ?|[!-~]{1,16} )(?:(OK|NO|BAD|BYE|PREAUTH)\b ?(?:\[[^\]]*\] ?)?)?",
        ignore_case=True,
    ),
}
"""How a line begins: it may part two pieces of an echo. Group 1 is shown of what is withheld."""

_FLAG: Final = octet_pattern(rb"\\(Answered|Deleted|Draft|Flagged|Recent|Seen)\b", ignore_case=True)
"""System flags (RFC 3501, section 2.3.2)."""


@dataclass(slots=True)
class Entry:
    """One thing that was said, or happened."""

    mark: str  # SERVER, CLIENT or EVENT
    lines: Sequence[bytes]
    dropped: int = 0
    ours: bool = False  # a text of our own making, with nothing of a tenant's in it


class Withholding:
    """Finds the secrets of one session in what was said. `public` may be shown all the same.

    `others`: the secrets of other accounts.
    """

    def __init__(
        self,
        protocol: Protocol,
        secrets: Sequence[str],
        public: Sequence[str],
        others: BatchSecrets | None = None,
    ) -> None:
        self._protocol = protocol
        self._others = others
        self.needles = Needles(secrets, public, others)
        # Each could be spread over replies only if it is long enough to be told from chance.
        self._long = [secret for secret in secrets if len(secret) >= MIN_SPREAD_CHARACTERS]
        self._public = public

    def add_sent(self, word: bytes) -> bool:
        """Look for an encoded credential too; False where it is too short to be told from text."""
        if len(word) < MIN_SPREAD_CHARACTERS or not self.needles:
            return False
        self.needles.add(word.decode("latin-1"))
        self.needles.add_whole(decoded_word(word))
        for octets in sent_octets(word):
            self.needles.add_octets(octets)
        return True

    def of_entries(self, entries: Sequence[Entry]) -> Interruptible[list[bool]]:
        """For each of them, whether it must be withheld."""
        # The server's first: what it spreads over replies is not to be parted by our commands.
        theirs = [line for entry in entries if entry.mark == SERVER for line in entry.lines]
        ours = [entry.lines[0] for entry in entries if not (entry.mark == SERVER or entry.ours)]
        said = _bodies_and_heads(self._protocol, _without_usual_escapes(theirs + ours))
        whole = yield from haystack_of(_run_together(*said))
        if not (yield from self.needles.search(whole)):
            yield
            scattered = self._is_scattered(*said)
            return [scattered and entry.mark == SERVER for entry in entries]
        if self.needles.overwhelmed_by(whole) or whole.size > MAX_READ_AGAIN_BYTES:
            return [entry.mark == SERVER for entry in entries]
        hidden = []
        for entry in entries:
            hidden.append((yield from self._must_hide(entry)))  # noqa: PERF401 - no comprehension may yield
        pairs = list(zip(entries, hidden, strict=True))
        rest = [
            line for one, gone in pairs if one.mark == SERVER and not gone for line in one.lines
        ]
        spread = Needles(self._long, self._public, self._others)
        said = _bodies_and_heads(self._protocol, rest)
        if not ((yield from spread.search(_run_together(*said))) or self._is_scattered(*said)):
            return hidden
        return [gone or entry.mark == SERVER for entry, gone in pairs]

    def of_text(self, lines: Sequence[bytes]) -> Interruptible[bool]:
        """Whether a text without heads must be withheld: a head could be a part of an echo."""
        return self.needles.search(b"\n".join(lines))

    def of_fact(self, fact: str, cleared: Sequence[Entry]) -> bool:
        """Whether an address or a number must be withheld.

        A secret too short to be searched for is taken to be in none. `cleared`: entries in which
        nothing was found; a fact that stands in one of them may be shown.
        """
        if self.needles.unsearchable:
            return self.needles.too_many
        said = fact.encode()
        if any(said in line for entry in cleared for line in entry.lines):
            return False
        return self.needles.found_in(said)

    def of_certificate(self, texts: tuple[str, ...]) -> bool:
        """Whether the texts of a certificate must be withheld.

        A provider shows the same one to every probe: its readings are remembered.
        """
        return bool(self.needles) and self.needles.found_in(_certificate(self._protocol, texts))

    def shown_head(self, line: bytes) -> str:
        """Return what may be shown of a line that is withheld: its code, which is no text."""
        head = _HEADS[self._protocol].match(line)
        kept = ((head and head[1]) or b"").replace(b"-", b" ").strip().upper()
        if kept and not self.needles.unsearchable and self.needles.found_in(kept):
            return ""
        return kept.decode("ascii")

    def _is_scattered(self, bodies: Sequence[bytes], heads: Sequence[bytes]) -> bool:
        return holds_scattered((b"\n".join(bodies), *heads), self._long, self.needles.public)

    def _must_hide(self, entry: Entry) -> Interruptible[bool]:
        if entry.ours or (entry.mark != SERVER and self.needles.unsearchable):
            return False  # every text would seem to hold so short a secret
        return (yield from self.needles.search(_judged_text(self._protocol, entry.lines)))


def _without_usual_escapes(lines: Sequence[bytes]) -> list[bytes]:
    """Leave out marks, and no letter, that every session has and that could be of an encoding.

    A backslash could begin an escape, the bracket in our MAIL FROM a tag: each makes the whole text
    be decoded and read once more.
    """
    return [
        (_FLAG.sub(rb"\1", line) if b"\\" in line else line).replace(b"FROM:<", b"FROM: ")
        for line in lines
    ]


def _judged_text(protocol: Protocol, lines: Sequence[bytes]) -> bytes:
    return _run_together(*_bodies_and_heads(protocol, lines))


def _run_together(bodies: Sequence[bytes], heads: Sequence[bytes]) -> bytes:
    """What lines say, then their heads, each apart: many codes must not read as one number."""
    return b"\n".join((*bodies, b" \n".join(heads)))


def _bodies_and_heads(
    protocol: Protocol, lines: Sequence[bytes]
) -> tuple[list[bytes], list[bytes]]:
    """What lines say, and the heads of those that have one."""
    pattern = _HEADS[protocol]
    ends = [match.end() if (match := pattern.match(line)) else 0 for line in lines]
    bodies = [line[end:] for line, end in zip(lines, ends, strict=True)]
    return bodies, [line[:end] for line, end in zip(lines, ends, strict=True) if end]


def _certificate(protocol: Protocol, texts: tuple[str, ...]) -> Haystack:
    usual = sum(map(len, texts)) <= MAX_KEPT_CHARACTERS
    return _usual_certificate(protocol, texts) if usual else _read_certificate(protocol, texts)


def _read_certificate(protocol: Protocol, texts: tuple[str, ...]) -> Haystack:
    lines = [text.encode("utf-8", "replace") for text in texts]
    return at_once(haystack_of(_judged_text(protocol, lines)))


_usual_certificate = lru_cache(CERTIFICATES_KEPT)(_read_certificate)
