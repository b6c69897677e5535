"""What a server's words are most likely about, as labelled replies teach: `learnt.tsv`.

A linear model a phase: each word of the labelled replies, and each pair of neighbours, beginning of
a word and reply code that some of them hold, has a weight for every code. Nothing else of a reply
is looked at. `make learn` (tests/support/learning.py) writes the file; CONTRIBUTING.md says when.
"""

import json
import math
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice, pairwise
from typing import Any, Final, NamedTuple, Self

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.classify.phrases import NEGATIONS
from worker.probing.classify.spelling import Words
from worker.probing.target import Refusal

MAX_WORDS: Final = 60
STEM_CHARACTERS: Final = 5
UNITS_OF_A_WEIGHT: Final = 8
"""What the file holds as integers, in parts of a nat."""

MOST_OF_A_WEIGHT: Final = 127

LEAD: Final = math.log(3)
"""So much likelier than the code that the rules gave must another be, to be believed instead."""

LEAD_OVER_A_RULE: Final = math.log(12)
"""The same where known words decided."""

LEAST_KNOWN: Final = 0.7
"""So large a share of the words must be known: of a reply in others nobody can tell."""

MOST_WORDS_TOLD: Final = 5


class Opinion(NamedTuple):
    """A code, and the words that spoke most for it and against the one that the rules gave.

    `ahead`: by how many nats it is likelier than that one; `apart`: than the next likely one.
    `known`: which share of the words was learnt.
    """

    code: Code
    words: tuple[str, ...]
    ahead: float
    apart: float
    known: float = 1


def meant(words: Words) -> Words:
    """Leave out what is denied: "not locked" tells of no lock."""
    pairs = zip(("", *words), words, strict=False)
    return tuple(word for before, word in pairs if not {before, word} & NEGATIONS)


def features(refusal: Refusal, words: Words) -> tuple[str, ...]:
    """Name what of a reply may weigh something; `@`: of its codes and not of its words."""
    words = words[:MAX_WORDS]
    condition = refusal.condition.upper()
    detail = (refusal.detail or "").split(" ", 1)[0].upper()
    of_codes = (f"@{condition}", f"@{condition[:1]}", f"@{detail}")
    pairs = map(" ".join, pairwise(words))
    singly = meant(words)
    stems = (f"{word[:STEM_CHARACTERS]}*" for word in singly if len(word) > STEM_CHARACTERS)
    return tuple(dict.fromkeys((*of_codes, *singly, *pairs, *stems)))


@dataclass(frozen=True, slots=True)
class Model:
    """Of each feature a weight for each of `codes`.

    Kept in a tenth of the memory that a dict of them takes: `marks` are the features' checksums in
    ascending order, and `weights` their rows of signed bytes, in the same order.
    """

    codes: tuple[Code, ...]
    marks: Sequence[int]
    weights: Sequence[int]

    @classmethod
    def of(cls, codes: Iterable[str], weights: Iterable[tuple[str, Sequence[int]]]) -> Self:
        """Take features and their rows, in the order of `mark`."""
        marks, rows = array("L"), array("b")
        for feature, row in weights:
            marks.append(mark(feature))
            rows.extend(row)
        return cls(tuple(map(Code, codes)), marks, rows)

    @classmethod
    def read(cls, head: Mapping[str, Any], rows: Iterable[tuple[str, Sequence[int]]]) -> Self:
        """Take what the file holds of a phase: ValueError where some of it is missing."""
        model = cls.of(head["codes"], islice(rows, head["features"]))
        if len(model.marks) != head["features"]:
            raise ValueError("learnt.tsv is cut off: install the package anew")
        return model

    def opinion(self, said: Iterable[str], instead_of: Code, lead: float) -> Opinion | None:
        """Name the code that `said` (from `features`) speaks for, if it is another by `lead` nats.

        None as well where the code to compare with is not among those that were learnt.
        """
        rows = {one: row for one in said if (row := self._row(one)) is not None}
        if instead_of not in self.codes or not rows:
            return None
        unit = UNITS_OF_A_WEIGHT * math.sqrt(len(rows))
        scores = [sum(column) / unit for column in zip(*rows.values(), strict=True)]
        best, given = scores.index(max(scores)), self.codes.index(instead_of)
        ahead = scores[best] - scores[given]
        if ahead < lead:
            return None
        apart = scores[best] - max(scores[:best] + scores[best + 1 :])
        spoke = {one: row[best] - row[given] for one, row in rows.items() if not _is_of_codes(one)}
        words = sorted((one for one in spoke if spoke[one] > 0), key=spoke.__getitem__)
        return Opinion(self.codes[best], tuple(words[: -MOST_WORDS_TOLD - 1 : -1]), ahead, apart)

    def known(self, words: Words) -> float:
        """Return which share of `words` was in labelled replies."""
        return sum(self._row(word) is not None for word in words) / max(1, len(words))

    def _row(self, feature: str) -> Sequence[int] | None:
        sought, width = mark(feature), len(self.codes)
        at = bisect_left(self.marks, sought)
        if at == len(self.marks) or self.marks[at] != sought:
            return None
        return self.weights[at * width : (at + 1) * width]


def mark(feature: str) -> int:
    """Return what a feature is looked up by: its checksum."""
    return zlib.crc32(feature.encode())


def _is_of_codes(feature: str) -> bool:
    return feature.startswith("@")


@cache
def models() -> dict[PhaseName, Model]:
    """Read the file: when a worker process starts; elsewhere when a reply needs it first."""
    with files(__package__).joinpath("learnt.tsv").open(encoding="utf-8") as file:
        return models_of(file)


def models_of(lines: Iterator[str]) -> dict[PhaseName, Model]:
    """Read the lines of the file: ValueError where some are missing.

    The first is JSON: `sets`, what was learnt from, and `phases`, of each its codes and how many
    features it has. Then a line a feature, phase after phase: the feature, a tab and the signed
    bytes of its row in hexadecimal, which take a sixth of the time that JSON takes.
    """
    heads = json.loads(next(lines, ""))["phases"]
    rows = map(_read_row, lines)
    return {PhaseName(phase): Model.read(head, rows) for phase, head in heads.items()}


def _read_row(line: str) -> tuple[str, Sequence[int]]:
    feature, row = line.split("\t")
    return feature, array("b", bytes.fromhex(row))


def written_row(feature: str, row: Sequence[int]) -> str:
    """Give the line of a feature, as `models_of` reads it."""
    return f"{feature}\t{array('b', row).tobytes().hex()}"


def opinion(refusal: Refusal, words: Words, instead_of: Code, lead: float) -> Opinion | None:
    """Say what `words` (from `comparable`) are likely about, if not what `instead_of` says."""
    model = models().get(refusal.phase)
    if model is None or (known := model.known(words[:MAX_WORDS])) <= LEAST_KNOWN:
        return None
    said = model.opinion(features(refusal, words), instead_of, lead)
    return said and said._replace(known=known)
