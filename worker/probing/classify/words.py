"""What servers say, `words.toml`: read, validated and compiled once per process."""

import tomllib
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.classify.phrases import Lexicon, Phrase, Vocabulary, phrase
from worker.probing.classify.umlauts import Umlauts
from worker.probing.classify.verdict import FieldKind


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Row(_Strict):
    """Phrases that mean `code`; the head of the file says what each key is."""

    code: Code
    phrases: tuple[str, ...] = Field(min_length=1)
    retryable: bool | None = None
    lasting: bool = False
    field: FieldKind | None = None
    hint: str | None = None
    on: tuple[str, ...] = ()
    not_on: tuple[str, ...] = ()
    providers: frozenset[str] = frozenset()
    weak: bool = False
    bare: bool = False
    opens: bool = False
    name: str = ""


class _File(_Strict):
    order: dict[PhaseName, tuple[str, ...]]
    in_general: dict[PhaseName, tuple[str, ...]]
    vocabulary: dict[str, str]
    plain: dict[str, str]
    beside: dict[str, str]
    key: dict[str, tuple[str, ...]]
    beside_key: dict[str, str]
    elsewhere: dict[str, tuple[str, ...]]
    passing: dict[str, tuple[str, ...]]
    contrary: dict[str, tuple[str, ...]]
    for_good: dict[str, tuple[str, ...]]
    either: dict[str, str]
    pointing: dict[str, str]
    idioms: dict[str, tuple[str, ...]]
    after_login: dict[str, str]
    other_than_login: dict[str, str]
    group: dict[str, tuple[Row, ...]]


class WordTable:
    """A lexicon a phase, and the words that say nothing: alone, or beside "the login failed".

    Raises pydantic.ValidationError, KeyError for a name not defined, PatternError for a phrase that
    cannot be read.
    """

    def __init__(self, text: str) -> None:
        file = _File.model_validate(tomllib.loads(text))
        vocabulary = _unfolded(file.vocabulary)
        plain, few = tuple(file.plain.values()), tuple(file.beside_key.values())
        english = map(file.plain.__getitem__, ("credential", "grammar", "failing", "when"))
        self.plain = _said(plain, vocabulary)
        self.beside = _said((*plain, *file.beside.values()), vocabulary)
        self.key = _phrases(file.key, vocabulary)
        self.beside_key = _said((*few, *english), vocabulary)
        self.beside_user = _said((*few, *plain), vocabulary)
        self.after_login = _said((file.plain["when"], *file.after_login.values()), vocabulary)
        self.other_than_login = Vocabulary(" ".join(file.other_than_login.values()))
        self.credential = Vocabulary(file.plain["credential"])
        self.idioms = _phrases(file.idioms, vocabulary)
        self.elsewhere = _phrases(file.elsewhere, vocabulary)
        self.passing = _phrases(file.passing, vocabulary)
        self.contrary = _phrases(file.contrary, vocabulary)
        self.for_good = _phrases(file.for_good, vocabulary)
        self.either = Vocabulary(" ".join(file.either.values()))
        self.pointing = Vocabulary(" ".join(file.pointing.values()))
        self.umlauts = Umlauts(_written(file))
        compiled = _compiled(file, vocabulary)
        unknown = [(one, [one]) for _, some in compiled["unknown_user"] for one in some]
        self.explained = Lexicon([*((one, [one]) for one in self.idioms.rows), *unknown])
        self._lexicons = _by_phase(file.order, compiled)
        self._in_general = _by_phase(file.in_general, compiled)

    def lexicon(self, phase: PhaseName) -> Lexicon[Row]:
        """Return the rows of a phase, in the order in which they are believed."""
        return self._lexicons.get(phase) or Lexicon([])

    def in_general(self, phase: PhaseName) -> Lexicon[Row]:
        """Return the rows for a reply of which those of `lexicon` leave words unexplained."""
        return self._in_general.get(phase) or Lexicon([])

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return every row once a phase that looks at it."""
        lexicons = (*self._lexicons.values(), *self._in_general.values())
        return tuple(row for lexicon in lexicons for row in lexicon.rows)


def _written(file: _File) -> Iterator[str]:
    """All words and patterns of the file."""
    for words in (
        *(file.vocabulary, file.plain, file.beside, file.beside_key),
        *(file.after_login, file.either),
    ):
        yield from words.values()
    for patterns in (
        file.key,
        file.idioms,
        file.elsewhere,
        file.passing,
        file.contrary,
        file.for_good,
    ):
        yield from (one for named in patterns.values() for one in named)
    yield from (one for rows in file.group.values() for row in rows for one in row.phrases)


def _said(texts: Iterable[str], vocabulary: dict[str, str]) -> Vocabulary:
    return Vocabulary(" ".join(_as_words(one, vocabulary) for one in texts))


def _by_phase(
    order: dict[PhaseName, tuple[str, ...]], compiled: dict[str, list[tuple[Row, list[Phrase]]]]
) -> dict[PhaseName, Lexicon[Row]]:
    """A lexicon a phase, of the groups that `order` names."""
    return {
        phase: Lexicon([row for name in names for row in compiled[name]])
        for phase, names in order.items()
    }


def _compiled(file: _File, vocabulary: dict[str, str]) -> dict[str, list[tuple[Row, list[Phrase]]]]:
    """The rows of each group, every one with its phrases."""
    return {
        name: [
            (
                row.model_copy(update={"name": name}),
                [phrase(one) for one in _patterns(row.phrases, vocabulary)],
            )
            for row in rows
        ]
        for name, rows in file.group.items()
    }


def _phrases(named: dict[str, tuple[str, ...]], vocabulary: dict[str, str]) -> Lexicon[Phrase]:
    phrases = [
        phrase(one) for patterns in named.values() for one in _patterns(patterns, vocabulary)
    ]
    return Lexicon([(one, [one]) for one in phrases])


def _unfolded(vocabulary: dict[str, str]) -> dict[str, str]:
    """Put in the place of each `<name>` what that vocabulary holds; one may name earlier ones."""
    unfolded: dict[str, str] = {}
    for name, entries in vocabulary.items():
        unfolded[name] = "|".join(
            unfolded[one[1:-1]] if one.startswith("<") else one for one in entries.split("|")
        )
    return unfolded


def _as_words(text: str, vocabulary: dict[str, str]) -> str:
    """Put in the place of each `<name>` the words of that vocabulary."""
    for name in filter(lambda one: one.startswith("<"), text.split()):
        text = text.replace(name, vocabulary[name[1:-1]].replace("|", " "))
    return text


def _patterns(written: Iterable[str], vocabulary: dict[str, str]) -> Iterator[str]:
    """Spell out each pattern; `a & b`: the one before or after the other, a gap between them."""
    for pattern in written:
        first, either_way, second = _spelled_out(pattern, vocabulary).partition(" & ")
        if either_way:
            yield f"{second} … {first}"
        yield f"{first} … {second}" if either_way else first


def _spelled_out(pattern: str, vocabulary: dict[str, str]) -> str:
    first, *rest = pattern.split("<")
    names = (one.partition(">") for one in rest)
    return first + "".join(f"{{{vocabulary[name]}}}{after}" for name, _, after in names)


TABLE: Final = WordTable(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))
