"""A server's words, made comparable; and phrases that are looked for in them.

Nothing here knows a code. Matching is by whole words over text that no longer holds the user's
host, name or address: a tester that looked for "auth" once took `smtp-auth.example.com` for one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

R = TypeVar("R")

MAX_CHARACTERS: Final = 2048
"""A verdict never hangs on what comes later, and a hostile server chooses the length."""

MAX_GAP_CHARACTERS: Final = 60
"""How far the two sides of a `…` may lie apart: about one clause."""

OPENING_CHARACTERS: Final = 3
"""So that a stem finds its words; a stem in a pattern's first place is no shorter."""

_ADDRESS: Final = re.compile(r"(?<!\S)\S+@\S+")
_URL_HOST: Final = re.compile(r"\bhttps?://[^/\s?]*", re.IGNORECASE)
# Anchored and possessive: else a line of letters without a dot would cost quadratic time.
# Two dots make a name or an IP address. One dot does only before a usual top-level domain, as
# servers forget the blank after a full stop ("Login Fail.Please enter ...").
_DOTTED: Final = re.compile(
    r"(?<![\w-])(?:[\w-]++(?:\.[\w-]+){2,}|[\w-]++\.(?:com|net|org|info|biz|test|example|[a-z]{2})\b)"
)
_REPLY_PREFIX: Final = re.compile(r"^[2-5][0-9]{2}[ -]", re.MULTILINE)
_APOSTROPHE: Final = re.compile("['`\u2019\u00b4]")
_NO_WORD: Final = re.compile(r"[\W_]+")
_IDEOGRAPH: Final = re.compile(r"([\u3040-\u30ff\u3400-\u9fff])")
_ESCAPED: Final = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")

FOREIGN_ENCODINGS: Final = ("gb18030", "cp1251", "koi8-r", "cp949", "iso-8859-1")
"""What servers that do not speak UTF-8 were seen to send. A wrong guess yields no known phrase."""


def words_of(text: str) -> str:
    """One line of lower-case words with one blank before and after each. Idempotent.

    Accents go, since half of the servers that should write them do not ("Bledne haslo").

    An ideograph is a word: Chinese and Japanese leave no blanks to cut at.
    """
    plain = _APOSTROPHE.sub("", text.casefold())
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(one for one in decomposed if not unicodedata.combining(one))
    plain = _IDEOGRAPH.sub(r" \1 ", plain)
    return f" {_NO_WORD.sub(' ', plain).strip()} "


def comparable(text: str, own_words: Iterable[str]) -> str:
    """What a server said, as `words_of` gives it, without addresses, hosts and `own_words`.

    `own_words` are the tenant's: host, user name. The path of a link stays, because providers put
    the reason there (`?p=InvalidSecondFactor`).
    """
    plain = _decoded(text[:MAX_CHARACTERS])
    plain = _REPLY_PREFIX.sub("", plain)
    plain = _URL_HOST.sub(" ", plain)
    plain = _ADDRESS.sub(" ", plain)
    plain = words_of(_DOTTED.sub(" ", plain))
    for own in own_words:
        word = words_of(own)
        if word.strip():
            plain = plain.replace(word, " ")
    return plain


def _decoded(text: str) -> str:
    r"""Undecodable bytes arrive as `\xNN`: append each reading that makes letters of them."""
    runs = _ESCAPED.findall(text)
    if not runs:
        return text
    octets = b" ".join(bytes.fromhex(run.replace("\\x", "")) for run in runs)
    readings = (octets.decode(encoding, "ignore") for encoding in FOREIGN_ENCODINGS)
    return "\n".join((_ESCAPED.sub(" ", text), *readings))


@dataclass(frozen=True, slots=True)
class Phrase:
    """A pattern of words. `openings` are the first letters of the words that it can begin with."""

    pattern: re.Pattern[str]
    openings: frozenset[str]

    def begins_at(self, words: str, at: int) -> bool:
        """Tell whether the phrase stands in `words` at `at`, the index of a blank."""
        return self.pattern.match(words, at) is not None


def phrases(*patterns: str) -> tuple[Phrase, ...]:
    """Read patterns: words; `{a|b}` either, an empty one too; `…` a gap; `stem*`; `#` a number.

    "too many {|bad |failed }… attempts" is found in "too many failed or odd attempts".
    """
    return tuple(_phrase(pattern) for pattern in patterns)


def _phrase(pattern: str) -> Phrase:
    parts = re.split(r"\{([^}]*)\}", pattern)
    choices = [part.split("|") if odd % 2 else [part] for odd, part in enumerate(parts)]
    expression = "".join(_either([_expression(one) for one in choice]) for choice in choices)
    return Phrase(re.compile(f"{expression}(?= )"), frozenset(_openings(choices)))


def _either(expressions: Sequence[str]) -> str:
    return expressions[0] if len(expressions) == 1 else f"(?:{'|'.join(expressions)})"


def _expression(part: str) -> str:
    return "".join(_word_expression(word) for word in part.replace("…", " … ").split())


def _word_expression(word: str) -> str:
    if word == "…":
        return rf"(?= ).{{0,{MAX_GAP_CHARACTERS}}}?"
    if word == "#":
        return r" \d+"
    stem = r"\w*" if word.endswith("*") else ""
    return "".join(f" {re.escape(one)}" for one in words_of(word).split()) + stem


def _openings(choices: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first `OPENING_CHARACTERS` of each word that a match can begin with."""
    for choice in choices:
        for one in choice:
            if words := words_of(one).split():
                yield words[0][:OPENING_CHARACTERS]
        if all(words_of(one).strip() for one in choice):
            return


class Lexicon(Generic[R]):
    """Rows in the order in which they are believed, found by the words that phrases begin with.

    Looking at few phrases a word, instead of all phrases a text, keeps a verdict at some tens of
    microseconds.
    """

    def __init__(self, rows: Sequence[tuple[R, Sequence[Phrase]]]) -> None:
        self.rows = tuple(row for row, _ in rows)
        self._index: dict[str, list[tuple[int, Phrase, R]]] = {}
        for rank, (row, row_phrases) in enumerate(rows):
            for phrase in row_phrases:
                for opening in phrase.openings:
                    self._index.setdefault(opening, []).append((rank, phrase, row))

    def first(self, words: str, applies: Callable[[R], bool]) -> R | None:
        """The first row that applies and has a phrase in `words` (from `comparable`)."""
        best: tuple[int, R] | None = None
        at = 0
        for word in words.split():
            for rank, phrase, row in self._index.get(word[:OPENING_CHARACTERS], ()):
                if best is not None and rank >= best[0]:
                    break
                if applies(row) and phrase.begins_at(words, at):
                    best = (rank, row)
                    break
            at += len(word) + 1
        return best[1] if best else None
