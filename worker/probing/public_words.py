"""Words that may be shown though they are a part of a secret: they tell nothing of it.

A password may begin with "password", with the host or with the user. A server that says so says
what every server says, or what the item shows anyway.
"""

from collections.abc import Iterable
from typing import Final

from worker.probing.letters import letters_and_digits

MIN_PART: Final = 3
"""Two letters are in some public word or other."""

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
        self._words = " ".join((_OF_SERVERS, *map(letters_and_digits, own)))

    def __contains__(self, piece: object) -> bool:
        """Tell whether a piece, in letters and digits, stands in one of the words."""
        return isinstance(piece, str) and piece in self._words

    def cover(self, piece: str, *, in_pieces: bool) -> bool:
        """Tell whether a piece, or its mirror image, is public but for a quarter of it at one end.

        `in_pieces`: or is two such words, of which any may come to stand together, as "hello" and
        "login" do where the first words of all lines are read as one.
        """
        most = len(piece) - len(piece) // 4
        for one in (piece, piece[::-1]):
            first, last = self._public_ends(one)
            if max(first, last) >= most or (in_pieces and first + last >= len(one)):
                return True
        return False

    def _public_ends(self, piece: str) -> tuple[int, int]:
        """How many of its first letters stand in one of the words, and how many of its last."""
        sizes = range(len(piece), MIN_PART - 1, -1)
        first = (size for size in sizes if piece[:size] in self)
        last = (size for size in sizes if piece[-size:] in self)
        return next(first, 0), next(last, 0)
