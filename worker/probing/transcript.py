"""What was said, with no secret in it and nothing that a terminal or a page would obey.

By construction: of our own lines only those that begin with a known command are shown, and the
ones with a credential never reach this module (the dialogue says what to show instead). What the
server says is judged (see `withholding`) once somebody asks for the lines: the usual session then
costs one search.

What is not kept is not judged and never shown: the caps below bound the work as well as the result.
"""

from collections.abc import Sequence
from typing import Final

from worker.probing.interruptible import Interruptible, at_once
from worker.probing.printable import cut, printable, that_fit
from worker.probing.secrecy.batch_secrets import BatchSecrets
from worker.probing.secrecy.echoes import without_echoes
from worker.probing.secrecy.withholding import CLIENT, EVENT, SERVER, Entry, Withholding
from worker.probing.target import Protocol

MAX_LINES: Final = 64
MAX_SHOWN_BYTES: Final = 32 * 1024
"""Of all lines as JSON writes them: an emoji takes 12."""

MAX_REMARKS_BYTES: Final = 256
"""What is said of lines that are not shown."""

MAX_REPLY_LINES: Final = 24
MAX_REPLY_BYTES: Final = 3 * 1024
MAX_SERVER_BYTES: Final = 9 * 1024
"""Of one reply, and of all that a server says: three times what the most talkative ones do."""

MAX_LINE_BYTES: Final = 2 * 1024
"""512 characters of UTF-8."""

MAX_SCRUBBED_CHARACTERS: Final = 4 * 1024
WAIT_WORTH_TELLING_SECONDS: Final = 0.1

HIDDEN: Final = "<hidden>"
WITHHELD: Final = "[text withheld]"

_TOO_SHORT: Final = (
    "the server's words are withheld: the password is too short to be told from them"
)
_TOO_MANY: Final = "the server's words are withheld: there are too many passwords to look for"
_MAY_HOLD: Final = "words that hold, or may hold, a part of a password are withheld"

_COMMANDS: Final[dict[Protocol, frozenset[str]]] = {
    Protocol.SMTP: frozenset({"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RSET", "NOOP", "QUIT"}),
    Protocol.IMAP: frozenset(
        {"CAPABILITY", "STARTTLS", "AUTHENTICATE", "LOGIN", "ID", "NOOP"}
        | {"EXAMINE", "LIST", "LOGOUT"}
    ),
}


class Transcript:
    """The record of one session. `secrets` are what must not be in it, from its first byte on.

    `public` may be in it: host and user name, also where a secret begins like one of them.
    `others`: the secrets of other accounts, which the server may know as well.
    """

    def __init__(
        self,
        protocol: Protocol,
        secrets: Sequence[str] = (),
        public: Sequence[str] = (),
        others: BatchSecrets | None = None,
    ) -> None:
        self.protocol = protocol
        self._echoes = list(secrets)  # each as it is, and whole lines that held one
        self._withholding = Withholding(protocol, secrets, public, others)
        self._needles = self._withholding.needles
        self._entries: list[Entry] = []
        self._judged: list[bool] | None = None  # until more is said
        self._server_bytes = 0
        self._left_out = 0

    def event(self, text: str) -> None:
        """Add a remark: what happened, and was not said."""
        self._add(Entry(EVENT, [text.encode("utf-8", "replace")]))

    def waited(self, seconds: float) -> None:
        """Tell of a wait at the gate, where it was long enough to be felt."""
        if seconds >= WAIT_WORTH_TELLING_SECONDS:
            self.event(f"waited {seconds:.1f} s for its turn at this server")

    def client(self, line: bytes) -> None:
        """A line of ours as it was sent. Shown only if it begins with one of our commands."""
        known = bool(self._command(line))
        self._add(Entry(CLIENT, [line if known else HIDDEN.encode("ascii")], ours=not known))

    def client_hidden(self, shown: str) -> None:
        """A line of ours with a credential; `shown` is a template with nothing of it."""
        self._add(Entry(CLIENT, [shown.encode("utf-8", "replace")], ours=True))

    def hide(self, sent: bytes) -> None:
        """From now on also withhold what echoes `sent`, the encoded credential on the wire."""
        line = sent.decode("latin-1")
        self._echoes += filter(None, (line, line.partition(" ")[2]))  # with and without its tag
        if self._withholding.add_sent(sent.rpartition(b" ")[2]):
            self._judged = None

    def server(self, lines: Sequence[bytes]) -> None:
        """A complete reply or response, without line ends."""
        kept: list[bytes] = []
        left = min(MAX_REPLY_BYTES, MAX_SERVER_BYTES - self._server_bytes)
        for line in lines[:MAX_REPLY_LINES]:
            left -= len(line[:MAX_LINE_BYTES])
            if left < 0:
                break
            kept.append(line[:MAX_LINE_BYTES])
        self._server_bytes += sum(map(len, kept))
        if kept:
            self._add(Entry(SERVER, kept, dropped=len(lines) - len(kept)))
        else:
            self._left_out += len(lines)

    def judge(self) -> Interruptible[list[bool]]:
        """For each entry, whether it must be withheld. Found out once: it is the costly part."""
        if self._judged is None:
            self._judged = yield from self._withholding.of_entries(self._entries)
        return self._judged

    def scrub(self, text: str) -> Interruptible[str | None]:
        """`text` of a server, cleaned for people's eyes and cut; None where it holds a secret."""
        some = text[:MAX_SCRUBBED_CHARACTERS]
        raw = [line.encode("utf-8", "replace") for line in some.split("\n")]
        if self._withholds_all():
            return None
        if not self._is_cleared(raw) and (yield from self._withholding.of_text(raw)):
            return None
        return cut(" ".join(map(_shown, raw)).strip())

    def without_echoes(self, text: str) -> Interruptible[str]:
        """Leave out the words that are a secret. For the classifier: not fit to be shown."""
        return without_echoes(text[:MAX_SCRUBBED_CHARACTERS], self._echoes, self._needles)

    def scrub_certificate(self, texts: tuple[str, ...]) -> list[str] | None:
        """As `scrub`, for a certificate's texts, judged as one: a secret may be spread over them.

        What is beyond `MAX_SCRUBBED_CHARACTERS` in all is left out.
        """
        some = _bounded(texts)
        if self._withholds_all() or self._withholding.of_certificate(some):
            return None
        return [_shown(text.encode("utf-8", "replace")) for text in some]

    def may_show(self, fact: str) -> bool:
        """Tell whether a fact that a stranger chose, an address or a code, holds no secret."""
        return not self._withholding.of_fact(fact, () if any(self._judge()) else self._entries)

    def lines(self) -> list[str]:
        """The transcript: printable text, within `MAX_LINES` and `MAX_SHOWN_BYTES`."""
        pairs = zip(self._entries, self._judge(), strict=True)
        shown = [line for entry, hidden in pairs for line in self._show(entry, hidden=hidden)]
        last = [self._line(EVENT, reason) for reason in self._reasons()]
        room = MAX_LINES - len(last)
        if self._left_out or len(shown) > room:
            room -= 1
        kept = that_fit(shown[:room], MAX_SHOWN_BYTES - MAX_REMARKS_BYTES)
        left_out = len(shown) - len(kept) + self._left_out
        if left_out:
            last.append(self._line(EVENT, f"{left_out} more lines left out"))
        return kept + last

    def _show(self, entry: Entry, *, hidden: bool) -> list[str]:
        if hidden:
            return [self._line(entry.mark, self._instead(entry))]
        shown = [self._line(entry.mark, printable(line)) for line in entry.lines]
        if entry.dropped:
            shown.append(self._line(EVENT, f"{entry.dropped} more lines of this reply left out"))
        return shown

    def _line(self, mark: str, text: str) -> str:
        return cut(f"{self.protocol.value.upper()} {mark} {text}".rstrip())

    def _reasons(self) -> list[str]:
        """Why words are missing, where they are."""
        if not any(hidden for _, hidden in self._theirs()):
            return []
        if self._needles.too_many:
            return [_TOO_MANY]
        return [_TOO_SHORT if self._needles.unsearchable else _MAY_HOLD]

    def _add(self, entry: Entry) -> None:
        self._judged = None
        if len(self._entries) < MAX_LINES:
            self._entries.append(entry)
        else:
            self._left_out += len(entry.lines) + entry.dropped

    def _theirs(self) -> list[tuple[Entry, bool]]:
        pairs = zip(self._entries, self._judge(), strict=True)
        return [(entry, hidden) for entry, hidden in pairs if entry.mark == SERVER]

    def _judge(self) -> list[bool]:
        return at_once(self.judge())

    def _is_cleared(self, texts: Sequence[bytes]) -> bool:
        """Whether these are whole lines of a transcript in which nothing was found."""
        if any(self._judge()):
            return False
        said = {line for entry in self._entries if entry.mark == SERVER for line in entry.lines}
        return said.issuperset(texts)

    def _withholds_all(self) -> bool:
        """Whether all entries of the server are withheld: another text may complete their echo."""
        theirs = [hidden for _, hidden in self._theirs()]
        return len(theirs) > 1 and all(theirs)

    def _instead(self, entry: Entry) -> str:
        """What is left of a text that must not be seen: its command or code, which are no text."""
        last = entry.lines[-1]
        if entry.mark == CLIENT:
            return f"{self._command(last)} {HIDDEN}"
        if entry.mark == EVENT:
            return WITHHELD
        return f"{self._withholding.shown_head(last)} {WITHHELD}".lstrip()

    def _command(self, line: bytes) -> str:
        words = line.decode("ascii", "replace").split(" ", 2)
        place = 0 if self.protocol is Protocol.SMTP else 1
        command = words[place].upper() if len(words) > place else ""
        return command if command in _COMMANDS[self.protocol] else ""


def _bounded(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The first of these, whole, with `MAX_SCRUBBED_CHARACTERS` at most."""
    left = MAX_SCRUBBED_CHARACTERS
    for count, text in enumerate(texts):
        left -= len(text)
        if left < 0:
            return texts[:count] or (cut(text),)
    return texts


def _shown(line: bytes) -> str:
    return cut(printable(line))
