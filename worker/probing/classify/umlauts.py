"""German in ASCII: `ungueltig` is `ungültig`, of which a comparison sees `ungultig`.

Many a server writes so. No letter is taken out of a word that is known as it stands ("queue",
"does"), nor where what is left is not known either ("Mueller").
"""

from collections.abc import Iterable
from typing import Final

from worker.probing.classify.spelling import Words, words_of

_SPELT_OUT: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"))

_NOT_IN_WORDS: Final = str.maketrans("{|}<>&#\u2026", " " * 8)
"""What a pattern holds beside words."""

MAX_LETTERS: Final = 40
"""Of a word that is looked at: a server chooses the length."""


class Umlauts:
    """Restores the words and stems that `patterns` hold."""

    def __init__(self, patterns: Iterable[str]) -> None:
        written = " ".join(patterns).translate(_NOT_IN_WORDS).split()
        self._words = frozenset(word for one in written for word in words_of(one))
        self._stems = frozenset(
            "".join(words_of(one)[-1:]) for one in written if one.endswith("*")
        ) - {""}

    def restored(self, words: Words) -> Words:
        """Return `words`, those that were spelt out as they are known."""
        return tuple(map(self._restored, words))

    def _restored(self, word: str) -> str:
        shorter = word
        for spelt_out, letter in _SPELT_OUT:
            shorter = shorter.replace(spelt_out, letter)
        if shorter == word or len(word) > MAX_LETTERS or self._knows(word):
            return word
        return shorter if self._knows(shorter) else word

    def _knows(self, word: str) -> bool:
        beginnings = (word[:end] for end in range(1, len(word) + 1))
        return word in self._words or not self._stems.isdisjoint(beginnings)
