"""What a refusal says apart from what it may echo: which row is believed, which words are left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, takewhile
from typing import Final, Self

from worker.probing.classify.phrases import Lexicon
from worker.probing.classify.spelling import MAX_CHARACTERS, Words, without_fillers, words_of
from worker.probing.classify.wording import (
    asserted,
    comparable,
    local_parts,
    without_names,
    without_quoted,
    without_texts,
)
from worker.probing.classify.words import TABLE, Row
from worker.probing.interruptible import Interruptible
from worker.probing.normal_forms import taken_apart
from worker.probing.target import Refusal

CLAUSE: Final = 12
"""How many words a reason has on either side of an "or"."""

MAX_REASONS: Final = 4
"""How many are looked at: a server chooses the number."""

MAX_SECRETS: Final = 32
MAX_SECRETS_CHARACTERS: Final = 2 * MAX_CHARACTERS
"""Of all secrets that are taken out, the first of them. Each is read five times: 10 ms at worst.
A batch may give a hundred passwords for one login.
"""


@dataclass(frozen=True, slots=True)
class Own:
    """What a server may echo: no evidence of anything.

    `texts` are taken out wherever they stand, and so are `phrases`, secrets of several words.
    `names` are local parts and secrets of one word, that may as well be the server's own: what is
    found only with one of them is not believed.
    """

    texts: tuple[str, ...]
    phrases: tuple[str, ...]
    phrases_as_words: tuple[Words, ...]
    names: tuple[Words, ...]

    @classmethod
    def of(cls, own_words: Sequence[str], secrets: Sequence[str]) -> Self:
        secrets = _within_budget([secret[:MAX_CHARACTERS] for secret in secrets])
        words = {secret: _words_of(secret) for secret in secrets}
        phrases = {secret: some for secret, some in words.items() if len(some) > 1}
        single = (some for some in words.values() if len(some) == 1)
        names = (*map(_words_of, local_parts(own_words)), *single)
        return cls(tuple(own_words), tuple(phrases), tuple(phrases.values()), names)

    @property
    def names_that_are_words(self) -> tuple[Words, ...]:
        """Leave out `account`, `mail` and the like: "your account is locked" needs them."""
        return tuple(name for name in self.names if not all(word in TABLE.beside for word in name))


def _words_of(text: str) -> Words:
    return TABLE.umlauts.restored(words_of(text))


def _comparable(text: str, own_texts: Sequence[str], *, links: bool = True) -> Words:
    return TABLE.umlauts.restored(comparable(text, own_texts, links=links))


def _within_budget(secrets: Sequence[str]) -> list[str]:
    """Keep the first of them; a ligature counts as the letters that it stands for."""
    ends = accumulate(len(taken_apart("NFKD", secret)) for secret in secrets[:MAX_SECRETS])
    within = takewhile(lambda end: end <= MAX_SECRETS_CHARACTERS, ends)
    return [secret for secret, _ in zip(secrets, within, strict=False)]


class Heard:
    """What a refusal says: rows that `applies` allows, and the words left to account for.

    Many a server names the user without the domain. So a row that is found only with the local part
    of an own address is not believed: "login failed for user locked", said to locked@example.org.
    """

    def __init__(
        self,
        refusal: Refusal,
        said: str,
        own: Own,
        applies: Callable[[Row], bool],
    ) -> None:
        self._refusal = refusal
        self._said = said
        self._own = own
        self._applies = applies
        self._nameless: Words = ()
        self.row: Row | None = None
        """The one that is believed first."""
        self.hangs_on_own = False
        """True where a row is found only with a name of `own`, which may be an echo."""

    def listen(self) -> Interruptible[None]:
        """Find out which row is believed: to be done before anything is asked."""
        own, lexicon = self._own, TABLE.lexicon(self._refusal.phase)
        text = without_quoted(asserted(self._refusal.text), own.phrases)
        echoing = words = without_fillers(_comparable(text, own.texts))
        yield
        if own.phrases:
            words = self._without_phrases(text)
            yield
        self._nameless = without_names(words, own.names_that_are_words)
        row = named = self._first(lexicon, words)
        yield
        if self._nameless != words:
            row = self._first(lexicon, self._nameless)
            yield
        self.hangs_on_own = (named is not None and row is not named) or (
            row is None and words != echoing and self._first(lexicon, echoing) is not None
        )
        self.row = None if self.hangs_on_own else row

    def _without_phrases(self, text: str) -> Words:
        words = _comparable(without_texts(text, self._own.phrases), self._own.texts)
        return without_fillers(without_names(words, self._own.phrases_as_words))

    def _first(self, lexicon: Lexicon[Row], words: Words) -> Row | None:
        return lexicon.first(words, self._applies)

    def words(self) -> Words:
        """Return what is asserted, without what may be an echo, links and ids."""
        said = without_texts(asserted(self._said), self._own.phrases)
        words = without_fillers(_comparable(said, self._own.texts, links=False))
        return without_names(words, (*self._own.phrases_as_words, *self._own.names_that_are_words))

    def row_that_tells_more(self) -> Row | None:
        """Return the first row that is not bare."""
        lexicon = TABLE.lexicon(self._refusal.phase)
        return lexicon.first(self._nameless, lambda row: self._applies(row) and not row.bare)

    def in_general(self) -> Row | None:
        """Return what is said in general terms, where nothing is said in known ones."""
        return self._first(TABLE.in_general(self._refusal.phase), self._nameless)

    def passes(self) -> bool | None:
        """Tell whether the server says that it will be over by itself; None where it does not."""
        said = self._all_said()
        if TABLE.for_good.first(said) is not None:
            return False
        return True if TABLE.passing.first(said) is not None else None

    def _all_said(self) -> Words:
        """Return what will come as well: "will be unlocked in 15 minutes"."""
        own = self._own
        words = _comparable(without_texts(self._refusal.text, own.phrases), own.texts)
        return without_names(words, (*own.phrases_as_words, *own.names_that_are_words))

    def either(self) -> bool:
        """Tell whether a wrong credential is one of two reasons: "bad login or account locked"."""
        lexicon = TABLE.lexicon(self._refusal.phase)
        words = self._nameless
        places = (at for at, word in enumerate(words) if word in TABLE.either)
        return any(
            self._parts_reasons(lexicon, words[:at][-CLAUSE:], words[at + 1 :][:CLAUSE])
            for at in islice(places, MAX_REASONS)
        )

    def _parts_reasons(self, lexicon: Lexicon[Row], before: Words, after: Words) -> bool:
        first, second = self._first(lexicon, before), self._first(lexicon, after)
        if first is None or second is None or first.code is second.code:
            return False
        if first.bare:
            told = lexicon.closes(before, lambda row: row.bare)
            joins_names = after[0] in TABLE.credential and self._first(lexicon, after[1:]) is second
            return told and not second.bare and not joins_names
        return second.bare and lexicon.first(before, lambda row: row.bare) is None

    def denies(self) -> bool:
        """Tell whether the words deny that it was the credential that was judged wrong."""
        return TABLE.contrary.first(self._nameless) is not None

    def left(self) -> Words:
        """Return the words to account for: an own one only where a row hung on it."""
        if self.hangs_on_own:
            return _comparable(self._refusal.text, self._own.texts, links=False)
        said = without_texts(self._said, self._own.phrases)
        words = _comparable(said, self._own.texts, links=False)
        return without_names(words, (*self._own.phrases_as_words, *self._own.names))
