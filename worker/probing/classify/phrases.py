"""Phrases of words, and finding the first of many in what a server said.

A pattern is words; `{a|b}` either, an empty one too; `…` a gap; `stem*`; `#` a number:
"too many {|bad |failed }… attempts" is found in "too many failed or odd attempts".

Matching goes from word to word and keeps the places that it has reached, so that its cost is
bounded by the length of the phrase, whatever the server wrote. Nothing here knows a code.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from string import digits
from typing import Final, Generic, TypeVar

from worker.probing.classify.spelling import Words, without_fillers, words_of

R = TypeVar("R")

MAX_GAP_WORDS: Final = 9
"""How far the two sides of a `…` may lie apart: about one clause."""

MAX_TRIED: Final = 500
"""Phrases tried on one text: 4 ms. Of 5,000 labelled replies the longest took 151."""

NEGATIONS: Final = frozenset({"not", "never", "nicht", "pas", "nao", "nie", "niet", "не"})
"""Words that turn into its opposite what comes after them."""

STEM_CHARACTERS: Final = 3
"""By which a stem is found; the first word of a phrase has no shorter one."""


class PatternError(ValueError):
    """A pattern that cannot be read: a mistake in the word table."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word, or the words that begin as it does."""

    text: str
    stem: bool = False

    def ends(self, words: Words, starts: set[int]) -> set[int]:
        """Tell where the match ends for each place in `words` where it may start."""
        return {at + 1 for at in starts if at < len(words) and self._is(words[at])}

    def _is(self, word: str) -> bool:
        return word.startswith(self.text) if self.stem else word == self.text


@dataclass(frozen=True, slots=True)
class Number:
    """A word of digits."""

    def ends(self, words: Words, starts: set[int]) -> set[int]:
        return {at + 1 for at in starts if at < len(words) and words[at].isdecimal()}


@dataclass(frozen=True, slots=True)
class Gap:
    """Up to `MAX_GAP_WORDS` words, none too; no negation: "account is not locked" is no lock."""

    def ends(self, words: Words, starts: set[int]) -> set[int]:
        reached: set[int] = set()
        for at in starts:
            last = min(at + MAX_GAP_WORDS, len(words))
            end = next((one for one in range(at, last) if words[one] in NEGATIONS), last)
            reached.update(range(at, end + 1))
        return reached


@dataclass(frozen=True, slots=True)
class Run:
    """One after the other."""

    items: tuple["Item", ...]

    def ends(self, words: Words, starts: set[int]) -> set[int]:
        for item in self.items:
            if not starts:
                break
            starts = item.ends(words, starts)
        return starts


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several, or none; found by its first word, a stem by its first letter."""

    by_word: dict[str, tuple[Run, ...]]
    by_letter: dict[str, tuple[Run, ...]]
    optional: bool

    def ends(self, words: Words, starts: set[int]) -> set[int]:
        reached: set[int] = set(starts) if self.optional else set()
        for at in starts:
            word = words[at] if at < len(words) else ""
            for one in (*self.by_word.get(word, ()), *self.by_letter.get(word[:1], ())):
                reached |= one.ends(words, {at})
        return reached


Item = Word | Number | Gap | Choice
Phrase = Run


def phrase(pattern: str) -> Phrase:
    """Read a pattern. Raises PatternError for one that could begin anywhere."""
    items: list[Item] = []
    for odd, part in enumerate(pattern.replace("}", "{").split("{")):
        items += [_choice(part)] if odd % 2 else _plain(part)
    read = Run(tuple(items))
    if not list(_openings(read.items)) or read.ends((), {0}):
        raise PatternError(f"nothing that must be there: {pattern}")
    return read


def _plain(part: str) -> list[Item]:
    items: list[Item] = []
    for word in without_fillers(tuple(part.replace("…", " … ").split())):
        if word == "…":
            items.append(Gap())
        elif word == "#":
            items.append(Number())
        else:
            *whole, last = words_of(word) or ("",)
            items += [Word(one) for one in whole]
            items.append(Word(last, stem=word.endswith("*")))
    return items


@cache
def _choice(part: str) -> Choice:
    by_word: dict[str, tuple[Run, ...]] = {}
    by_letter: dict[str, tuple[Run, ...]] = {}
    runs = [_alternative(one) for one in part.split("|")]
    for run in filter(lambda run: run.items, runs):
        first = run.items[0]
        if isinstance(first, Word) and not first.stem:
            by_word[first.text] = (*by_word.get(first.text, ()), run)
        else:
            for letter in first.text[:1] if isinstance(first, Word) else digits:
                by_letter[letter] = (*by_letter.get(letter, ()), run)
    optional = not all(run.items for run in runs)
    return Choice(by_word, by_letter, optional=optional)


@cache
def _alternative(text: str) -> Run:
    """Read it once: what a vocabulary holds stands in many phrases."""
    return Run(tuple(_plain(text)))


def _openings(items: Sequence[Item]) -> Iterator[Word]:
    """Name the words that a match can begin with."""
    for item in items:
        if isinstance(item, Word):
            yield item
            return
        if not isinstance(item, Choice):
            raise PatternError("a phrase begins with a word")
        for runs in (*item.by_word.values(), *item.by_letter.values()):
            for one in runs:
                yield from _openings(one.items[:1])
        if not item.optional:
            return


class Lexicon(Generic[R]):
    """Rows in the order in which they are believed, found by the words that phrases begin with."""

    def __init__(self, rows: Sequence[tuple[R, Sequence[Phrase]]]) -> None:
        self.rows = tuple(row for row, _ in rows)
        self._by_word: dict[str, list[tuple[int, Phrase, R]]] = {}
        self._by_stem: dict[str, list[tuple[int, Phrase, R]]] = {}
        for rank, (row, row_phrases) in enumerate(rows):
            for one in row_phrases:
                for opening in set(_openings(one.items)):
                    index, key = self._by_word, opening.text
                    if opening.stem:
                        index, key = self._by_stem, opening.text[:STEM_CHARACTERS]
                    index.setdefault(key, []).append((rank, one, row))

    def first(self, words: Words, applies: Callable[[R], bool] = lambda _: True) -> R | None:
        """The first row that applies and has a phrase in `words`, as far as `MAX_TRIED` goes."""
        best: tuple[int, R] | None = None
        tried = 0
        for at, word in enumerate(words):
            for candidates in self._beginning_with(word):
                for rank, one, row in candidates:
                    if (best is not None and rank >= best[0]) or tried >= MAX_TRIED:
                        break
                    tried += 1
                    if applies(row) and one.ends(words, {at}):
                        best = (rank, row)
                        break
        return best[1] if best else None

    def closes(self, words: Words, applies: Callable[[R], bool]) -> bool:
        """Tell whether a phrase of a row that applies is what `words` end with."""
        return any(
            applies(row) and len(words) in one.ends(words, {at})
            for at, word in enumerate(words)
            for candidates in self._beginning_with(word)
            for _, one, row in candidates
        )

    def without(self, words: Words) -> Words:
        """Take out every phrase of the rows, the longest first where several begin."""
        kept: list[str] = []
        at = 0
        while at < len(words):
            found = (
                end
                for candidates in self._beginning_with(words[at])
                for _, one, _ in candidates
                for end in one.ends(words, {at})
            )
            end = max(found, default=at)
            if end == at:
                kept.append(words[at])
            at = max(end, at + 1)
        return tuple(kept)

    def _beginning_with(self, word: str) -> Iterator[list[tuple[int, Phrase, R]]]:
        yield self._by_word.get(word, [])
        yield self._by_stem.get(word[:STEM_CHARACTERS], [])


class Vocabulary:
    """A set of words and stems."""

    def __init__(self, text: str) -> None:
        entries = [item for item in _plain(text) if isinstance(item, Word)]
        self._words = frozenset(item.text for item in entries if not item.stem)
        self._stems = tuple(item.text for item in entries if item.stem)

    def __contains__(self, word: str) -> bool:
        return word in self._words or word.startswith(self._stems)
