"""How often the verdict is right about replies: `make evaluate`.

The sets, who labelled them and what was right when the rules first met them: `docs/EVALUATION.md`.
No server is both learnt from and judged by: the sources of `JUDGES` are in no set of `OPEN`.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from producer.contract.rules import LEARNT
from tests.support.confusion import judge
from tests.support.replies import Case, cases

FITTED: Final = (
    "sample.jsonl",
    "corpus.jsonl",
    "gathered.jsonl",
    "studied.jsonl",
    "third_open.jsonl",
    "fourth.jsonl",
    "harvested.jsonl",
)
HELD_OUT: Final = ("heldout.jsonl", "untouched.jsonl")
SEALED: Final = ("third_sealed.jsonl",)
FIFTH: Final = ("sealed5a.jsonl", "sealed5b.jsonl")

SIXTH: Final = ("harvested_a.jsonl", "harvested_b.jsonl")
SIXTH_SEALED: Final = ("sealed6a.jsonl", "sealed6b.jsonl")
SEVENTH: Final = ("harvested_c.jsonl", "harvested_d.jsonl")
SEVENTH_SEALED: Final = ("sealed7c.jsonl", "sealed7d.jsonl")
EIGHTH: Final = ("harvested_e.jsonl", "harvested_f.jsonl")
EIGHTH_SEALED: Final = ("sealed8e.jsonl", "sealed8f.jsonl")
NINTH: Final = ("harvested_g.jsonl",)
NINTH_SEALED: Final = ("sealed9.jsonl",)
TENTH: Final = ("harvested_h.jsonl",)
TENTH_SEALED: Final = ("sealed10.jsonl",)
ELEVENTH_SEALED: Final = ("sealed11.jsonl",)
TWELFTH_SEALED: Final = ("sealed12.jsonl",)
OPEN: Final = (*FITTED, *FIFTH[:1], *SIXTH, *SEVENTH, *EIGHTH, *NINTH, *TENTH)
"""What is learnt from (`tests/support/learning.py`)."""

WRITTEN: Final = tuple(
    f"written/{name}.jsonl"
    for name in (
        "credentials",
        "limits",
        "reasons",
        "settings",
        "senders",
        "western",
        "other_languages",
        "servers",
        "scripts",
        "providers",
        "borders",
        "more_senders",
        "vendors",
        "hosters_abroad",
        "rarer_reasons",
        "wrong_credentials",
        "small_servers",
        "near_misses",
        "refused_logins",
        "logins_abroad",
        "refused_senders",
    )
)
"""Worded by us, as widely as we could, to be learnt from as well: no server said them."""

JUDGES: Final = (
    *HELD_OUT,
    *SEALED,
    *FIFTH[1:],
    *SIXTH_SEALED,
    *SEVENTH_SEALED,
    *EIGHTH_SEALED,
    *NINTH_SEALED,
    *TENTH_SEALED,
    *ELEVENTH_SEALED,
    *TWELFTH_SEALED,
)
"""What is not."""

WRITTEN_EXAMS: Final = tuple(
    f"written/{name}.jsonl" for name in ("exam", "exam_other_reasons", "exam_near_misses")
)
"""Worded by others of us, and never learnt from: realistic ones; such as tell any reason but a
wrong credential; and such as differ from a wrong credential by a single noun."""

ABOUT_THE_PASSWORD: Final = "AUTHENTICATION_FAILED"


@dataclass(frozen=True)
class Score:
    """`first`: given the code that the label names first, of those that it allows.

    `false_certainty`: called a wrong password although the reply says something else.

    `cautious`: AUTHENTICATION_AMBIGUOUS for a reply that says more; a mistake, but a cheap one.
    """

    replies: int
    right: int
    first: int
    false_certainty: int
    cautious: int
    wrong_again: int

    @classmethod
    def of(cls, judged: Sequence[tuple[Case, str, bool]]) -> "Score":
        wrong = [(case, code) for case, code, _ in judged if code not in case.codes]
        return cls(
            replies=len(judged),
            right=len(judged) - len(wrong),
            first=sum(code == case.code for case, code, _ in judged),
            false_certainty=sum(code == ABOUT_THE_PASSWORD for _, code in wrong),
            cautious=sum(code == "AUTHENTICATION_AMBIGUOUS" for _, code in wrong),
            wrong_again=sum(
                again is not case.retryable for case, code, again in judged if code not in case.also
            ),
        )

    def row(self, name: str) -> str:
        right, first = ((one, self._share(one)) for one in (self.right, self.first))
        mistakes = (self.false_certainty, self.cautious, self.wrong_again)
        cells = " ".join(f"{one:>8}" for one in (self.replies, *right, *first, *mistakes))
        return f"{name[:58]:<58} {cells}"

    def _share(self, right: int) -> str:
        return f"{100 * right / self.replies:.1f} %" if self.replies else "-"


HEAD: Final = f"{'':<58} " + " ".join(
    f"{one:>8}" for one in ("replies", "right", "", "first", "", "false c.", "cautious", "again?")
)


def judged(names: Iterable[str]) -> list[tuple[Case, str, bool]]:
    """Judge every reply of the files: (case, code, retryable)."""
    verdicts = ((case, judge(case)) for name in names for case in cases(name))
    return [(case, verdict.code.value, verdict.retryable) for case, verdict in verdicts]


def by_learnt_words(names: Iterable[str]) -> list[tuple[Case, str, bool]]:
    """Give those replies that no rule knew enough of."""
    verdicts = ((case, judge(case)) for name in names for case in cases(name))
    return [(case, one.code.value, one.retryable) for case, one in verdicts if one.rule == LEARNT]


def folds(results: Sequence[tuple[Case, str, bool]]) -> dict[str, list[tuple[Case, str, bool]]]:
    """Split by source; the oldest replies have none but the host they came from."""
    by_source = defaultdict(list)
    for one in results:
        by_source[str(one[0].labelled.get("source") or one[0].host)].append(one)
    return dict(sorted(by_source.items()))


def report(*, each_mistake: bool = True) -> Iterable[str]:
    for title, names in (("Fitted", FITTED), ("Held out", HELD_OUT)):
        results = judged(names)
        yield f"\n{title}\n{HEAD}"
        yield from (Score.of(fold).row(name) for name, fold in folds(results).items())
        yield Score.of(results).row(f"all {title.lower()}")
        if each_mistake and names is FITTED:  # who reads the others begins to fit rules to them
            yield from (
                f"  {case.code}{'+' if case.retryable else ''} != {code}{'+' if again else ''}: "
                f"{case.refusal.phase} {case.reply!r}"
                for case, code, again in results
                if code not in case.also and (code, again) != (case.code, case.retryable)
            )
    yield f"\nEach set\n{HEAD}"
    for title, names in (("learnt from", OPEN), ("not learnt from", JUDGES)):
        yield from (Score.of(judged([name])).row(name) for name in names)
        yield Score.of(judged(names)).row(f"all {title}")
    yield f"\nWorded by us and not learnt from\n{HEAD}"
    yield from (Score.of(judged([name])).row(name) for name in WRITTEN_EXAMS)
    yield f"\nOf these by learnt words (worker/probing/classify/learnt.py)\n{HEAD}"
    yield Score.of(by_learnt_words(OPEN)).row("learnt from")
    yield Score.of(by_learnt_words(JUDGES)).row("not learnt from")


if __name__ == "__main__":
    sys.stdout.write("\n".join(report(each_mistake="--mistakes" in sys.argv)) + "\n")
