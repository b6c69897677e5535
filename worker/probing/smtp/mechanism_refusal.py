"""Whether a refusal of AUTH speaks of the mechanism or the line, and of nothing else.

Then another mechanism, or a shorter line, is tried.

A second login where the account was refused would count twice against it. So every word of the
reply has to be one that is used of mechanisms: with any other ("account disabled", "log in via your
web browser", "application-specific password required") the refusal may be one of the account. And
one of them has to name what is refused: "invalid login" may be said of the password.
"""

from collections.abc import Sequence
from typing import Final

from worker.probing.patterns import text_pattern
from worker.probing.sasl.choice import SENDS_PASSWORD
from worker.probing.smtp.reply import Reply

MAX_OCTETS: Final = 512

_WORD: Final = text_pattern(r"[\pL\pN]+")

_OF_MECHANISMS: Final = frozenset(
    """
    mechanism mechanisms method methods type types scheme schemes
    weak encrypt encrypted encryption tls ssl plain cram md5 scram sha digest
    """.split()  # noqa: SIM905 - read as words
)
_OF_LINES: Final = frozenset({"line", "lines", "long", "length", "limit", "exceeded", "exceeds"})
_OF_COMMANDS: Final = frozenset(
    """
    command parameter argument syntax
    implemented offered supported unimplemented unsupported
    """.split()  # noqa: SIM905 - read as words
)
_AROUND_THEM: Final = frozenset(
    """
    a an and any at but by else for here in is it no not of on only or please that the this to too
    with without other different stronger another
    auth authentication authorization login security strength
    connection server request need needed needs must require required requires requested
    try use using allowed accepted available enabled permitted unavailable
    unknown recognised recognized unrecognised unrecognized
    insufficient invalid illegal bad enough error sorry
    """.split()  # noqa: SIM905 - read as words
)
_OF_CREDENTIALS: Final = frozenset({"5.7.8", "5.7.13", "5.7.14"})
"""Invalid, disabled (RFC 4954, RFC 5248); 5.7.14 is how Google asks for the browser."""


def other_mechanism(reply: Reply, names: Sequence[str]) -> str | None:
    """Return which of `names`, the first of which `reply` refused, to go on with; None for none."""
    if reply.code not in (504, 534, 538) or reply.enhanced in _OF_CREDENTIALS:
        return None
    words = _words_of(reply)
    if words is None or not _speak_of(_OF_MECHANISMS | _OF_COMMANDS, words):
        return None
    if reply.code == 504:  # RFC 4954, section 4: of the mechanism by itself
        return next(iter(names[1:]), None)
    if reply.code == 534 and words.isdisjoint(_OF_MECHANISMS):
        return None  # servers say 534 of accounts, too
    return next((name for name in names[1:] if name not in SENDS_PASSWORD), None)


def line_was_too_long(reply: Reply) -> bool:
    """Tell whether a reply to AUTH with an initial response refuses the line, not the login.

    Servers that cannot read so long a line say 500, and some say it of a wrong password.
    """
    of_syntax = reply.enhanced is None or reply.enhanced.startswith("5.5.")  # RFC 3463, section 3.6
    words = _words_of(reply) if reply.code == 500 and of_syntax else None
    return words is not None and _speak_of(_OF_LINES | _OF_MECHANISMS | _OF_COMMANDS, words)


def _speak_of(subjects: frozenset[str], words: set[str]) -> bool:
    """Tell whether words speak of one of the subjects, and of nothing else; True for no words."""
    return words <= subjects | _AROUND_THEM and (not words or not words.isdisjoint(subjects))


def _words_of(reply: Reply) -> set[str] | None:
    """All words of a reply; None for one that is too long to be read to its end."""
    if sum(map(len, reply.texts)) > MAX_OCTETS:
        return None
    return set(_WORD.findall(reply.text.lower()))
