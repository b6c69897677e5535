"""The secrets of an item, looked for in a text by the rule at the head of this package."""

from collections.abc import Iterable, Mapping
from typing import AnyStr, Final

from worker.probing.interruptible import Interruptible, at_once
from worker.probing.secrecy.batch_secrets import BatchSecrets
from worker.probing.secrecy.haystack import Haystack, Reading, haystack_of
from worker.probing.secrecy.letters import (
    ascii_letters_and_digits,
    folded,
    letters_and_digits,
    without_marks,
)
from worker.probing.secrecy.public_words import PublicWords
from worker.probing.secrecy.spellings import (
    BLANKS,
    MIN_SEARCHABLE_CHARACTERS,
    in_code_pages,
    in_unicode,
    pieces_of,
    solid_spellings,
)
from worker.probing.secrecy.substitutions import pieces_in_other_letters
from worker.probing.secrecy.whole_spellings import found_whole

MIN_SPREAD_CHARACTERS: Final = 8
"""A shorter secret may turn up by chance where one piece's end meets the next one's beginning."""

MAX_COMPARED_BYTES: Final = 16 * 1024 * 1024
"""Pieces times the text that each is looked for in: some 5 ms. Usual are a tenth of it."""

MAX_PIECES: Final = 4096
"""Of all secrets: each is looked for in every word of a reply. A batch may give 100 passwords for
one login; usual are ten pieces.
"""

MAX_CODED_CHARACTERS: Final = 2400
MIN_CODED_CHARACTERS: Final = 80
"""Of all secrets beyond ASCII, and so many for each of them: one takes 2.5 us a character in every
code page, and 0.2 ms at the least."""


class Needles:
    """A set of secrets, ready to be looked for. Falsy where there is none.

    `public` words may be shown whatever the secrets: host and user name. `others`: the secrets of
    other accounts, of which less is looked for.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        public: Iterable[str] = (),
        others: BatchSecrets | None = None,
    ) -> None:
        self.public = PublicWords(public)
        self._others = others or BatchSecrets()
        # Pieces of letters and digits, each with the whole that it is of: ASCII, and beyond.
        self._ascii: dict[bytes, bytes] = {}
        self._any_script: dict[str, str] = {}
        self._cut_pieces = 0
        self._uncut: list[bytes] = []  # secrets not yet looked for in other letters
        # Pieces, each with what it stands for and the whole that it is of.
        self._in_other_letters: dict[bytes, tuple[str, bytes]] = {}
        self._whole: list[bytes] = []  # secrets, and credentials as they were sent
        self._code_pages: list[bytes] = []  # those in code pages
        self._solid: list[bytes] = []  # secrets of hardly anything but punctuation
        self._exact: list[bytes] = []  # octets
        self.unsearchable = False
        """True where a secret is too short to be looked for: it is then found in every text."""
        self.too_many = False
        """True where all are unsearchable because they are too many or too long."""
        self._coding = MAX_CODED_CHARACTERS  # left
        for secret in secrets:
            self.add(secret)
            self.add_whole(secret.encode("utf-8", "replace"))

    def __bool__(self) -> bool:
        return self.unsearchable or bool(self.count) or bool(self._others)

    @property
    def count(self) -> int:
        """How many pieces are looked for."""
        return self._cut_pieces + len(self._code_pages) + len(self._solid) + len(self._exact)

    def add(self, secret: str) -> None:
        """Look for this one too."""
        if len(secret) < MIN_SEARCHABLE_CHARACTERS:
            self.unsearchable = self.unsearchable or bool(secret)
        if self.unsearchable:
            return
        letters = letters_and_digits(secret)
        plain = ascii_letters_and_digits(secret.encode("ascii", "ignore"))
        if not secret.isascii() and len(letters) >= MIN_SEARCHABLE_CHARACTERS:
            self._cut(letters, self._any_script)
            self._add_encoded(secret)
        elif len(plain) >= MIN_SEARCHABLE_CHARACTERS:
            self._cut(plain, self._ascii)
            self._uncut.append(secret.encode("ascii", "ignore"))
        elif secret.isascii() or self._has_room_to_code(secret):
            self._solid += solid_spellings(secret)
        if self.count > MAX_PIECES or self._coding < 0:
            self.unsearchable = self.too_many = True

    def add_whole(self, octets: bytes) -> None:
        """Look for these by themselves in encodings of which no part can be told."""
        self._whole.append(octets)

    def add_octets(self, octets: bytes) -> None:
        """Look for these as they are: a digest that was sent, whatever it is decoded from."""
        self._exact.append(octets)

    def found_in(self, text: bytes | Haystack) -> bool:
        """Tell whether the text holds too much of any of the secrets, or may do so."""
        return at_once(self.search(text))

    def search(self, text: bytes | Haystack) -> Interruptible[bool]:
        """As `found_in`, in portions."""
        if self.unsearchable or not self:
            return self.unsearchable
        haystack = (yield from haystack_of(text)) if isinstance(text, bytes) else text
        if self.overwhelmed_by(haystack):
            return True
        for reading in haystack.readings:
            yield
            if self._in(reading):
                return True
        yield
        if self._in_pieces(haystack.orders) or self._in_letters(haystack.other_letters):
            return True
        yield
        if any(found_whole(octets, haystack.words) for octets in self._whole):
            return True
        texts = [text for reading in haystack.readings for text in reading.plain_texts]
        return bool(self._others) and self._others.found_in(texts, self.public)

    def overwhelmed_by(self, haystack: Haystack) -> bool:
        """Tell whether there is more to look at than the budget allows."""
        size = len(haystack.orders) + len(haystack.other_letters)
        work = self.count * (size + sum(len(reading.views) for reading in haystack.readings))
        return self.too_many or haystack.overfull or work > MAX_COMPARED_BYTES

    def _in(self, reading: Reading) -> bool:
        if self._tells(self._ascii, reading.ascii) or _any_in(self._exact, reading.views):
            return True
        if self._solid and _any_in(self._solid, reading.views.translate(None, BLANKS)):
            return True
        if self._code_pages and _any_in(self._code_pages, without_marks(reading.views)):
            return True
        if not (self._any_script or self._ascii) or reading.text.isascii():
            return False
        unbroken = reading.text.replace(b"\n", b"")  # a line may end inside a character
        letters = letters_and_digits(unbroken.decode("utf-8", "ignore"))
        in_ascii = {piece.decode(): whole.decode() for piece, whole in self._ascii.items()}
        return self._tells(self._any_script | in_ascii, letters)

    def _in_pieces(self, orders: bytes) -> bool:
        if self._tells(self._ascii, orders, in_pieces=True):
            return True
        if not self._any_script or orders.isascii():
            return False
        text = orders.decode("utf-8", "ignore")
        return self._tells(self._any_script, "".join(map(folded, text)), in_pieces=True)

    def _in_letters(self, other_letters: bytes) -> bool:
        while self._uncut:
            for piece, meant, whole in pieces_in_other_letters(self._uncut.pop()):
                self._in_other_letters[piece] = (meant, whole)
        return any(
            piece in other_letters
            and (
                (whole and whole in other_letters) or not self.public.cover(meant, in_pieces=False)
            )
            for piece, (meant, whole) in self._in_other_letters.items()
        )

    def _tells(
        self, pieces: Mapping[AnyStr, AnyStr], text: AnyStr, *, in_pieces: bool = False
    ) -> bool:
        """Tell whether the text holds a whole, or a piece that is more than public words."""
        shortest = MIN_SPREAD_CHARACTERS if in_pieces else 0
        return any(
            piece in text
            and len(whole) >= shortest
            and (whole in text or not self.public.cover(_as_text(piece), in_pieces=in_pieces))
            for piece, whole in pieces.items()
        )

    def _cut(self, word: AnyStr, pieces: dict[AnyStr, AnyStr]) -> None:
        """Add the pieces of a word and of its mirror image, each with the word or its image."""
        image = word[::-1]
        for piece in pieces_of(word):
            pieces[piece] = word
            pieces[piece[::-1]] = image
            self._cut_pieces += 2

    def _add_encoded(self, secret: str) -> None:
        if self._has_room_to_code(secret):
            self._exact += in_unicode(secret)
            self._code_pages = list(dict.fromkeys((*self._code_pages, *in_code_pages(secret))))

    def _has_room_to_code(self, secret: str) -> bool:
        self._coding -= max(MIN_CODED_CHARACTERS, len(secret))
        return self._coding >= 0


def _as_text(piece: str | bytes) -> str:
    return piece if isinstance(piece, str) else piece.decode("ascii")


def _any_in(needles: Iterable[AnyStr], text: AnyStr) -> bool:
    return any(needle in text for needle in needles)
