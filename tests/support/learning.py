"""Learn `worker/probing/classify/learnt.tsv` from the labelled replies: `make learn`, a minute.

A multinomial logistic regression a phase, by AdaGrad (Duchi, Hazan, Singer 2011) over the replies
in an order drawn from a fixed seed: the same file from the same replies. Each time a reply is read
some of its features are left out (dropout: Srivastava et al. 2014), so that no single one decides,
and a little of the certainty is taken from its label. `--folds` writes nothing: it leaves out a
sixth of the sources after the other and tells how often the rest names the code of their replies,
words alone and without any rule.
"""

import json
import math
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.resources import files
from itertools import starmap
from pathlib import Path
from typing import Final, NamedTuple

from producer.contract.report import PhaseName
from tests.support.confusion import USER
from tests.support.evaluation import OPEN, WRITTEN
from tests.support.replies import CORPUS, cases, refusal
from worker.probing.classify.heard import Heard, Own
from worker.probing.classify.learnt import (
    MOST_OF_A_WEIGHT,
    UNITS_OF_A_WEIGHT,
    features,
    mark,
    written_row,
)
from worker.probing.target import Refusal

WORDED: Final = "worded.toml"
LEARNT: Final = Path(str(files("worker.probing.classify"))) / "learnt.tsv"
PHASES: Final = (PhaseName.AUTH, PhaseName.SENDER)
"""Of the others the rules knew as much when they first met new replies."""

FEWEST_REPLIES: Final = 3
"""That hold a pair or a stem. A word is learnt from one: it may be all that a reply says."""

FEWEST_OF_A_CODE: Final = 5
ROUNDS: Final = 20
RATE: Final = 0.5
FOLDS: Final = 6

LEFT_OUT: Final = 0.3
"""So large a share of a reply's features, anew each time it is read."""

IN_DOUBT: Final = 0.05
"""So likely is every label to be any other; and the second codes together, where it has some:"""

SECOND_CODES: Final = 0.2

OF_WRITTEN: Final = 0.2
"""So much does a reply weigh that we wrote, of one that a server was seen to say."""


class Example(NamedTuple):
    phase: PhaseName
    features: tuple[str, ...]
    code: str
    source: str
    also: tuple[str, ...] = ()
    weight: float = 1

    @property
    def codes(self) -> tuple[str, ...]:
        return (self.code, *self.also)


class Learnt(NamedTuple):
    """The weight of each feature for each of `codes`."""

    codes: list[str]
    weights: dict[str, list[float]]

    def code(self, example: Example) -> str | None:
        rows = [self.weights[one] for one in example.features if one in self.weights]
        scores = [sum(column) for column in zip(*rows, strict=True)]
        return self.codes[scores.index(max(scores))] if scores else None


def fingerprints() -> dict[str, str]:
    """Name the state of each set that is learnt from."""
    names = (*OPEN, *WRITTEN, WORDED)
    return {name: sha256((CORPUS / name).read_bytes()).hexdigest()[:16] for name in names}


def examples() -> Iterator[Example]:
    for name in OPEN:
        for case in cases(name):
            source = str(case.labelled.get("source") or case.host)
            yield _example(case.refusal, case.codes, source, (case.host, *USER))
    for name in WRITTEN:
        for case in cases(name):
            own = (case.host, *USER)
            yield _example(case.refusal, case.codes, name, own, OF_WRITTEN)
    for phase, codes in tomllib.loads((CORPUS / WORDED).read_text(encoding="utf-8")).items():
        for code, table in codes.items():
            for reply in table["replies"]:
                said = refusal("smtp" if reply[0].isdecimal() else "imap", phase, reply)
                yield _example(said, (code,), WORDED, USER)


def _example(
    said: Refusal, codes: Sequence[str], source: str, own: Sequence[str], weight: float = 1
) -> Example:
    words = Heard(said, said.text, Own.of(own, ()), lambda _: True).words()
    return Example(said.phase, features(said, words), codes[0], source, tuple(codes[1:]), weight)


def learnt(given: Sequence[Example]) -> Learnt:
    seen = Counter(one.code for one in given)
    codes = sorted(code for code in seen if seen[code] >= FEWEST_OF_A_CODE)
    given = [one for one in given if one.code in codes]
    holding = Counter(feature for one in given for feature in one.features)
    known = sorted(filter(lambda one: _is_word(one) or holding[one] >= FEWEST_REPLIES, holding))
    weights = {feature: [0.0] * len(codes) for feature in known}
    steps = {feature: [0.01] * len(codes) for feature in known}
    order = list(given)
    drawing = random.Random(0)
    for _ in range(ROUNDS):
        drawing.shuffle(order)
        for one in order:
            held = [f for f in one.features if f in weights and drawing.random() >= LEFT_OUT]
            if held:
                targets = _targets(one, codes)
                _learn([weights[f] for f in held], [steps[f] for f in held], targets, one.weight)
    return Learnt(codes, weights)


def _targets(example: Example, codes: Sequence[str]) -> list[float]:
    """Tell how likely each code is to be what the reply means."""
    also = [codes.index(code) for code in example.also if code in codes]
    targets = [IN_DOUBT / len(codes)] * len(codes)
    targets[codes.index(example.code)] += 1 - IN_DOUBT - (SECOND_CODES if also else 0)
    for at in also:
        targets[at] += SECOND_CODES / len(also)
    return targets


def _is_word(feature: str) -> bool:
    return feature.isalnum()


def _learn(
    rows: list[list[float]], steps: list[list[float]], targets: list[float], weight: float
) -> None:
    """Move the weights of one reply's features towards its codes, by the gradient of its loss."""
    scale = 1 / math.sqrt(len(rows))
    scores = [sum(column) * scale for column in zip(*rows, strict=True)]
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    total = sum(powers)
    errors = [power / total - target for power, target in zip(powers, targets, strict=True)]
    slopes = [(at, error * scale * weight) for at, error in enumerate(errors) if abs(error) > 0.001]
    for row, squares in zip(rows, steps, strict=True):
        for at, slope in slopes:
            squares[at] += slope * slope
            row[at] -= RATE * slope / math.sqrt(squares[at])


def written(given: Sequence[Example]) -> Iterator[str]:
    """Give the lines of the file: see `models_of`."""
    found = {phase: learnt([one for one in given if one.phase is phase]) for phase in PHASES}
    rows = {phase: list(_rows(model)) for phase, model in found.items()}
    phases = {
        phase: {"codes": found[phase].codes, "features": len(rows[phase])} for phase in PHASES
    }
    yield json.dumps({"sets": fingerprints(), "phases": phases})
    for phase in PHASES:
        yield from starmap(written_row, rows[phase])


def _rows(model: Learnt) -> Iterator[tuple[str, list[int]]]:
    for feature in sorted(model.weights, key=mark):
        row = [_in_units(weight) for weight in model.weights[feature]]
        if any(row):
            yield feature, row


def _in_units(weight: float) -> int:
    return max(-MOST_OF_A_WEIGHT, min(MOST_OF_A_WEIGHT, round(weight * UNITS_OF_A_WEIGHT)))


def folds(given: Sequence[Example]) -> Iterator[str]:
    for phase in PHASES:
        of_phase = [one for one in given if one.phase is phase]
        sources = sorted({one.source for one in of_phase} - {WORDED})
        right = total = 0
        for fold in range(FOLDS):
            left_out = set(sources[fold::FOLDS])
            model = learnt([one for one in of_phase if one.source not in left_out])
            judged = [one for one in of_phase if one.source in left_out]
            right += sum(model.code(one) in one.codes for one in judged)
            total += len(judged)
        yield f"{phase}: {right} of {total} ({100 * right / total:.1f} %)"


if __name__ == "__main__":
    if "--folds" in sys.argv:
        sys.stdout.write("\n".join(folds(list(examples()))) + "\n")
    else:
        lines = written(list(examples()))
        LEARNT.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
