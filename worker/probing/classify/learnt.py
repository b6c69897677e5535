"""What words that no rule knows are most likely about, as labelled replies teach: `learnt.json`.

A linear model a phase: each word of the labelled replies, and each pair of neighbours, beginning of
a word and reply code that two of them hold, has a weight for every code. Nothing else of a reply is
looked at. `make learn` (tests/support/learning.py) writes the file; CONTRIBUTING.md says when.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final, NamedTuple, Self

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.classify.phrases import NEGATIONS
from worker.probing.classify.spelling import Words
from worker.probing.target import Refusal

MAX_WORDS: Final = 60
STEM_CHARACTERS: Final = 5
UNITS_OF_A_WEIGHT: Final = 8
"""What the file holds as integers, in parts of a nat."""

LEAD: Final = math.log(3)
"""So much likelier than the code that the rules gave must another be, to be believed instead."""

LEAD_OVER_A_RULE: Final = math.log(8)
"""The same where known words decided about a sender: the vaguest of the rules."""

LEAST_KNOWN: Final = 0.5
"""So large a share of the words must be known: of a reply in others nobody can tell."""

MOST_WORDS_TOLD: Final = 5


class Opinion(NamedTuple):
    """A code, and the words that spoke most for it and against the one that the rules gave."""

    code: Code
    words: tuple[str, ...]


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
    """`weights`: of each feature for each of `codes`, integers with blanks between them."""

    codes: tuple[Code, ...]
    weights: Mapping[str, str]

    @classmethod
    def read(cls, given: Mapping[str, Mapping[str, str]]) -> Self:
        """Take what the file holds of a phase."""
        return cls(tuple(map(Code, given["codes"])), given["weights"])

    def opinion(self, said: Iterable[str], instead_of: Code, lead: float) -> Opinion | None:
        """Name the code that `said` (from `features`) speaks for, if it is another by `lead` nats.

        None as well where the code to compare with is not among those that were learnt.
        """
        rows = {one: self._row(one) for one in said if one in self.weights}
        if instead_of not in self.codes or not rows:
            return None
        scores = [sum(column) for column in zip(*rows.values(), strict=True)]
        best, given = scores.index(max(scores)), self.codes.index(instead_of)
        ahead = (scores[best] - scores[given]) / (UNITS_OF_A_WEIGHT * math.sqrt(len(rows)))
        if ahead < lead:
            return None
        spoke = {one: row[best] - row[given] for one, row in rows.items() if not _is_of_codes(one)}
        words = sorted((one for one in spoke if spoke[one] > 0), key=spoke.__getitem__)
        return Opinion(self.codes[best], tuple(words[: -MOST_WORDS_TOLD - 1 : -1]))

    def knows(self, words: Words) -> bool:
        """Tell whether enough of `words` were in labelled replies."""
        return sum(word in self.weights for word in words) > LEAST_KNOWN * len(words)

    def _row(self, feature: str) -> tuple[int, ...]:
        return tuple(map(int, self.weights[feature].split()))


def _is_of_codes(feature: str) -> bool:
    return feature.startswith("@")


@cache
def models() -> dict[PhaseName, Model]:
    """Read the file: when a worker process starts; elsewhere when a reply needs it first."""
    text = files(__package__).joinpath("learnt.json").read_text(encoding="utf-8")
    return {PhaseName(phase): Model.read(one) for phase, one in json.loads(text)["phases"].items()}


def opinion(refusal: Refusal, words: Words, instead_of: Code, lead: float) -> Opinion | None:
    """Say what `words` (from `comparable`) are likely about, if not what `instead_of` says."""
    model = models().get(refusal.phase)
    if model is None or not model.knows(words[:MAX_WORDS]):
        return None
    return model.opinion(features(refusal, words), instead_of, lead)
