"""What was said, with no secret in it and nothing that a terminal or a page would obey.

By construction: of our own lines only those that begin with a known command are shown, and the
ones with a credential never reach this module (the dialogue says what to show instead). What the
server says is judged reply by reply, each as one unit, and once more all of it together, because
an echo may be spread over lines or come late. Judging waits until somebody asks for the lines: the
usual session then costs one search.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from worker.probing.secrecy import Haystack, Needles
from worker.probing.target import Protocol

MAX_LINES: Final = 64
MAX_REPLY_LINES: Final = 24
MAX_LINE_CHARACTERS: Final = 512
CERTIFICATES_KEPT: Final = 256
MAX_KEPT_CHARACTERS: Final = 2048
"""Of one certificate. Its readings take some 15 times as much, and a stranger chooses how much."""

MIN_SPREAD_CHARACTERS: Final = 8
"""A shorter secret may turn up by chance where one line's end meets the next one's beginning."""

HIDDEN: Final = "<hidden>"
WITHHELD: Final = "[text withheld]"

_COMMANDS: Final[dict[Protocol, frozenset[str]]] = {
    Protocol.SMTP: frozenset({"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RSET", "NOOP", "QUIT"}),
    Protocol.IMAP: frozenset(
        {"CAPABILITY", "STARTTLS", "AUTHENTICATE", "LOGIN", "ID", "NOOP"}
        | {"EXAMINE", "LIST", "LOGOUT"}
    ),
}

_SMTP_HEAD: Final = re.compile(rb"[2-5][0-9]{2}(?:[ -]|$)(?:[245]\.[0-9]{1,3}\.[0-9]{1,3}(?= |$))?")
_IMAP_HEAD: Final = re.compile(
    rb"(?:\* |\+ ?|[!-~]+ )(?:(OK|NO|BAD|BYE|PREAUTH)\b ?(?:\[[^\]]*\] ?)?)?", re.IGNORECASE
)
_TERMINAL_SEQUENCE: Final = re.compile(
    # OSC, DCS, SOS, PM, APC up to their terminator; CSI; any other escape.
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


@dataclass(slots=True)
class _Entry:
    mark: str  # "*", "S:" or "C:"
    lines: Sequence[bytes]
    dropped: int = 0
    ours: bool = False  # a text of our own making, with nothing of a tenant's in it


class Transcript:
    """The record of one session. `secrets` are what must not be in it, from its first byte on."""

    def __init__(self, protocol: Protocol, secrets: Sequence[str] = ()) -> None:
        self._protocol = protocol
        self._needles = Needles(secrets)
        # Each could be spread over replies only if it is long enough to be told from chance.
        self._spread = Needles(one for one in secrets if len(one) >= MIN_SPREAD_CHARACTERS)
        self._entries: list[_Entry] = []
        self._judged: list[bool] | None = None  # until more is said
        self._count = 0

    def event(self, text: str) -> None:
        """Something that happened and was not said."""
        self._add(_Entry("*", [text.encode("utf-8", "replace")]))

    def client(self, line: bytes) -> None:
        """A line of ours as it was sent. Shown only if it begins with one of our commands."""
        known = bool(self._command(line))
        self._add(_Entry("C:", [line if known else HIDDEN.encode("ascii")], ours=not known))

    def client_hidden(self, shown: str) -> None:
        """A line of ours with a credential; `shown` is a template with nothing of it."""
        self._add(_Entry("C:", [shown.encode("utf-8", "replace")], ours=True))

    def hide(self, sent: bytes) -> None:
        """From now on also withhold what echoes `sent`, the encoded credential on the wire."""
        word = sent.rpartition(b" ")[2]
        if len(word) >= MIN_SPREAD_CHARACTERS and self._needles:
            self._needles.add(word.decode("latin-1"))
            self._judged = None

    def server(self, lines: Sequence[bytes]) -> None:
        """A complete reply or response, without line ends."""
        kept = lines[:MAX_REPLY_LINES]
        self._add(_Entry("S:", kept, dropped=len(lines) - len(kept)))

    def scrub(self, text: str) -> str | None:
        """`text` of a server, cleaned for people's eyes and cut; None where it holds a secret."""
        raw = [line.encode("utf-8", "replace") for line in text.split("\n")]
        if self._withholds_all() or (not self._is_cleared(raw) and self._holds_secret(raw)):
            return None
        return _cut(" ".join(_shown(line) for line in raw).strip())

    def scrub_certificate(self, texts: tuple[str, ...]) -> list[str] | None:
        """As `scrub`, for a certificate's texts, judged as one: a secret may be spread over them.

        Anybody may see a certificate, and a provider shows the same one to every probe: its
        readings are remembered.
        """
        if self._withholds_all() or _found(self._needles, _certificate(self._protocol, texts)):
            return None
        return [_shown(text.encode("utf-8", "replace")) for text in texts]

    def lines(self) -> list[str]:
        """The transcript, at most `MAX_LINES` lines of printable text."""
        withheld = self._judge()
        name = self._protocol.value.upper()
        shown: list[str] = []
        for entry, hidden in zip(self._entries, withheld, strict=True):
            texts = [self._instead(entry)] if hidden else map(_visible, entry.lines)
            shown += [_cut(f"{name} {entry.mark} {text}".rstrip()) for text in texts]
            if entry.dropped and not hidden:
                shown.append(f"{name} * {entry.dropped} more lines of this reply left out")
        if len(shown) > MAX_LINES or self._count > len(self._entries):
            shown[MAX_LINES - 1 :] = [f"{name} * further lines left out"]
        return shown

    def _add(self, entry: _Entry) -> None:
        self._judged = None
        self._count += 1
        if len(self._entries) < MAX_LINES:
            self._entries.append(entry)

    def _judge(self) -> list[bool]:
        """For each entry, whether it must be withheld. Found out once: it is the costly part."""
        if self._judged is None:
            self._judged = self._find_withheld()
        return self._judged

    def _find_withheld(self) -> list[bool]:
        # The server's first: what it spreads over replies is not to be parted by our commands.
        theirs = [line for entry in self._entries if entry.mark == "S:" for line in entry.lines]
        ours = [entry.lines[0] for entry in self._entries if not (entry.mark == "S:" or entry.ours)]
        if not self._needles or not self._holds_secret(theirs + ours):
            return [False] * len(self._entries)
        hidden = [self._must_hide(entry) for entry in self._entries]
        rest = [
            line
            for entry, gone in zip(self._entries, hidden, strict=True)
            for line in entry.lines
            if entry.mark == "S:" and not gone
        ]
        if not _found(self._spread, _readings(self._protocol, rest)):
            return hidden
        return [
            gone or entry.mark == "S:" for entry, gone in zip(self._entries, hidden, strict=True)
        ]

    def _is_cleared(self, texts: Sequence[bytes]) -> bool:
        """Whether these are whole lines of a transcript in which nothing was found."""
        if any(self._judge()):
            return False
        said = {line for entry in self._entries if entry.mark == "S:" for line in entry.lines}
        return said.issuperset(texts)

    def _withholds_all(self) -> bool:
        """Whether nothing the server said is shown: what else it said may be the missing part."""
        theirs = [
            gone
            for entry, gone in zip(self._entries, self._judge(), strict=True)
            if entry.mark == "S:"
        ]
        return len(theirs) > 1 and all(theirs)

    def _must_hide(self, entry: _Entry) -> bool:
        if entry.ours or (entry.mark != "S:" and self._needles.unsearchable):
            return False  # every text would seem to hold so short a secret
        return self._holds_secret(entry.lines)

    def _holds_secret(self, lines: Sequence[bytes]) -> bool:
        return _found(self._needles, _readings(self._protocol, lines))

    def _instead(self, entry: _Entry) -> str:
        """What is left of a text that must not be seen: its command or code, which are no text."""
        last = entry.lines[-1] if entry.lines else b""
        if entry.mark == "C:":
            return f"{self._command(last)} {HIDDEN}"
        if entry.mark == "*":
            return WITHHELD
        if self._protocol is Protocol.SMTP:
            head = _SMTP_HEAD.match(last)
            kept = head.group().replace(b"-", b" ", 1).strip() if head else b""
        else:
            match = _IMAP_HEAD.match(last)
            kept = (match.group(1) or b"").upper() if match else b""
        if kept and not self._needles.unsearchable and self._needles.found_in(kept):
            kept = b""
        return f"{kept.decode('ascii')} {WITHHELD}".lstrip()

    def _command(self, line: bytes) -> str:
        words = line.decode("ascii", "replace").split(" ", 2)
        place = 0 if self._protocol is Protocol.SMTP else 1
        command = words[place].upper() if len(words) > place else ""
        return command if command in _COMMANDS[self._protocol] else ""


def _found(needles: Needles, text: bytes | Haystack) -> bool:
    return bool(needles) and needles.found_in(text)


def _readings(protocol: Protocol, lines: Sequence[bytes]) -> bytes:
    """A reply as it is, as it will be shown, and its texts run together; one after another."""
    raw = b"\n".join(lines)
    shown = "\n".join(map(_visible, lines)).encode("utf-8", "replace")
    head = _SMTP_HEAD if protocol is Protocol.SMTP else _IMAP_HEAD
    joined = b"\n".join(head.sub(b"", line, count=1) for line in lines)
    return b"\n".join(dict.fromkeys((raw, shown, joined)))


def _certificate(protocol: Protocol, texts: tuple[str, ...]) -> Haystack:
    usual = sum(map(len, texts)) <= MAX_KEPT_CHARACTERS
    return _usual_certificate(protocol, texts) if usual else _read_certificate(protocol, texts)


def _read_certificate(protocol: Protocol, texts: tuple[str, ...]) -> Haystack:
    return Haystack(_readings(protocol, [text.encode("utf-8", "replace") for text in texts]))


_usual_certificate = lru_cache(CERTIFICATES_KEPT)(_read_certificate)


def _shown(line: bytes) -> str:
    return _cut(_visible(line))


def _visible(line: bytes) -> str:
    r"""Printable text of one line: no controls, no terminal sequences; odd bytes as \xNN."""
    text = line.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    text = _TERMINAL_SEQUENCE.sub("", text).replace("\t", " ")
    return "".join("\ufffd" if unicodedata.category(one) in _UNSEEN else one for one in text)


def _cut(text: str) -> str:
    if len(text) <= MAX_LINE_CHARACTERS:
        return text
    return text[: MAX_LINE_CHARACTERS - 1] + "…"
