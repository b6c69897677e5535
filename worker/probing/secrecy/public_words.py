"""Words that may be shown though they are a part of a secret: they tell nothing of it.

A password may begin with "password", with the host or with the user. A server that says so says
what every server says, or what the item shows anyway.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from worker.probing.secrecy.letters import letters_and_digits

MIN_PART: Final = 3
"""Two letters are in some public word or other."""

MAX_OWN_CHARACTERS: Final = 512
"""Letters and digits of one of an item's own words: a ligature may stand for many."""

_OF_SERVERS: Final = (
    "8bitmime accepted access account address administrator allowed application attempts"
    " authenticate authenticated authentication authorization authorized binarymime blocked"
    " capability certificate chunking client closing command concurrent connection contact"
    " credentials denied disabled domain dovecot enabled encrypted enhancedstatuscodes error"
    " exceeded exchange expired failed failure google greeting hello hostname imap incorrect"
    " information internal invalid literal locked login logged mailbox mailserver maximum"
    " mechanism message microsoft namespace number office online outlook password permanent"
    " permitted pipelining please policy postfix protocol provider reached recipient referrals"
    " refused rejected request required secure security sender sending server service session"
    " smtp smtputf8 starttls subscription supported suspended system temporarily temporary"
    " transaction unable unavailable unknown unsuccessful username verification welcome"
)


class PublicWords:
    """Those that every server uses, and those of one item: its hosts and users."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        folded = (letters_and_digits(word)[:MAX_OWN_CHARACTERS] for word in dict.fromkeys(own))
        self._words = " ".join((_OF_SERVERS, *folded))

    def __contains__(self, piece: object) -> bool:
        """Tell whether a piece, in letters and digits, stands in one of the words."""
        return isinstance(piece, str) and piece in self._words

    def cover(self, piece: str, *, in_pieces: bool) -> bool:
        """Tell whether a piece, or its mirror image, is public but for a quarter of it at one end.

        `in_pieces`: or is two such words, of which any may come to stand together, as "hello" and
        "login" do where the first words of all lines are read as one.
        """
        most = len(piece) - len(piece) // 4
        return any(
            one[:most] in self
            or one[-most:] in self
            or (in_pieces and self._at_its_ends(one) >= len(one))
            for one in (piece, piece[::-1])
        )

    def _at_its_ends(self, piece: str) -> int:
        """How many of its first letters stand in one of the words, and of its last: the sum.

        Found by bisection: where so many stand in a word, fewer do as well.
        """
        sizes = range(MIN_PART, len(piece) + 1)
        first = bisect_left(sizes, 1, key=lambda size: piece[:size] not in self)
        last = bisect_left(sizes, 1, key=lambda size: piece[-size:] not in self)
        return sum(found + MIN_PART - 1 for found in (first, last) if found)
