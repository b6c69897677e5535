"""How often the verdict is right about replies: `make evaluate`.

A fold is the replies of one source, so that no server is both learnt from and judged by. Five
files were read while rules were written (*fitted*); `heldout.jsonl` and `untouched.jsonl` never
were: their labels were committed before any rule that they judge, their sources share no reply with
the others, and a mistake there is never mended by a rule for it. So their line is the one to
believe. `untouched.jsonl` was gathered by somebody who had not seen the rules; the other half
of its sources, drawn at random, was studied (`studied.jsonl`).

`third_open.jsonl` and `third_sealed.jsonl` are such a pair again, newer. Of the sealed half only
the sum is told, not even which of its sources went wrong. Where their labels name a second code
(`also`) the reply can be read in two ways, and either is right.

Both as first measured, by rules that had seen neither (21 November 2026): open 87 of 99 right
(87.9 %), none called a wrong password, 8 only ambiguous; sealed 135 of 150 (90.0 %), none called a
wrong password, 8 only ambiguous, 4 with the wrong answer to whether trying again helps.
Without the second codes: 81 and 123 right (82 % of either). After the open half
was studied, and phrases of our own (`worded.toml`: judged by a test, not counted here): open 98,
sealed 136 right, none of either called a wrong password; held out 229 of 247 (225 before).

`fourth.jsonl` was labelled from knowledge of servers, before running, by somebody who had not read
the rules. As first measured: 188 of 210 right (89.5 %; without the second codes 173), 2 called a
wrong password, 9 only ambiguous, 5 with the wrong answer to whether trying again helps. Studied
then, by class: 207; sealed 138, held out 229 of 247 as before.

`sealed5a.jsonl` and `sealed5b.jsonl` were gathered and labelled by somebody who had read neither
the rules nor the providers, and committed before they were run; their sources are divided by a
hash of the name. The mistakes of the first are studied, of the second only the sums are told. As
first measured (22 November 2026): 137 of 151 right (90.7 %; without the second codes 124), 3 called
a wrong password, 3 only ambiguous, 4 with the wrong answer to whether trying again helps; 106 of
120 (88.3 %; 90), 1, 2, 2. Four of the 33 that tell of a wrong password were called only ambiguous.
After the first was studied and 1,217 replies more (below): 150 and 107, third sealed 138 as before,
held out 228 (229), but without a wrong password that is none (1). Three replies of the second half
had been worded alike while harvesting, and were left out there when it was found.
Of the second half 53 are worded nearly as one that was studied anywhere (50 right); of the 67 that
are not, 57 are right (85 %): that is what to expect of a server which nobody has met.

`harvested_a.jsonl` and `harvested_b.jsonl`, with `sealed6a.jsonl` and `sealed6b.jsonl` from other
sources of the same two harvests, were labelled by two more people before they were run. The open
ones as first measured (22 November 2026): 597 of 652 right by rules alone (91.6 %), 605 with the
words learnt from the sets before them (92.8 %), 3 called a wrong password; learnt from since. The
sealed ones are nobody's to read.

`harvested_c.jsonl` and `harvested_d.jsonl` are a seventh set, by two more people again, labelled
before it was run and met in eight parts, while rules were mended between them: 356 of 382 right by
rules alone (93.2 %) and with what was learnt, none called a wrong password. Learnt from since, but
for 26 that stand in sets that judge, too. `sealed7c.jsonl` and `sealed7d.jsonl` are of other
sources of these two, without the 31 replies that another set has, too. Met once, when all that is
told above was done: 134 of 145 right (92.4 %), none called a wrong password, 2 only ambiguous, 4
with the wrong answer to whether trying again helps.

`harvested_e.jsonl` and `harvested_f.jsonl` are the open half of an eighth set, by two more
people, labelled before it was run. As first measured (22 November 2026): 243 of 260 right (93.5
%), none called a wrong password, 2 only ambiguous; 146 are worded as in an older open set, of the
114 others 102 are right. Then nine labels were brought in line with the older sets: what is used
up at MAIL FROM says nothing of the sender, and the login worked (`docs/CONTRACT.md`, section 6).
So counted 249 of 260 were right (95.8 %), and 106 of the 114 (93.0 %). Learnt from since, but for
25 that stand in sets that judge, too. The sealed half, met once when that was done: 230 of 260 as
labelled, 242 (93.1 %) with 18 labels brought in line in the same way. Most were worded as in
another set and left out then; of the 104 that are new 92 are right (88.5 %), none called a wrong
password, 4 only ambiguous, 7 with the wrong answer to whether trying again helps.

`harvested_g.jsonl` and `sealed9.jsonl` are a ninth set of other sources each, by the one who mended
the rules after it, labelled before the rules were read: mostly literals of servers' sources, none
of which stands in an older set (139 of some 520 candidates did). As first measured (22 November
2026), by rules that had seen neither half: open 181 of 194 right (93.3 %; without the second codes
149), one called a wrong password, 2 only ambiguous, 4 with the wrong answer to whether trying again
helps; the sealed half 174 of 184 (94.6 %), none, 1, 8. With four labels brought in line with the
older sets (a login command that is unknown is not offered) 184 (94.8 %) and 175 (95.1 %); of the
313 that are worded as in no other set 295 (94.2 %), of the few in other languages than English two
of six. The open half studied then: the sealed one, met once when that was done, 176 as labelled
(95.7 %), 177 in line (96.2 %).

Then rules were compared with the code that labels name first, by classes of wordings: a class of
six replies of four sources at the least, two thirds of them labelled otherwise than judged. How
often a class has which first code was counted over all sets; the words of the open ones alone were
read. So the first code of the sets that judge went from 1,093 of 1,249 to 1,104, any from 1,180 to
1,181, and of the 310 of the ninth that both readers label alike from 279 to 291.

`harvested_h.jsonl` is the open half of a tenth set, of sources that no other has, labelled by two
people who saw neither the rules nor each other's labels. As first met (22 November 2026): 143 of
153 right by either's codes (93.5 %), none called a wrong password, 7 only ambiguous; of the 127
for which both named the same code first, 107 were given that one (84.3 %). 11 labels are in line
with the older sets since: a limit or a block at MAIL FROM is SENDER_INCONCLUSIVE, the reader's own
code stays a second one. So counted both name the same first for 139, of which 118 were right (84.9
%). Then studied, by classes of wordings, and learnt from.

What was learnt of words (`learning.py`) decides where no rule does: of the four older sets that
judge 485 of 517 are right since, 473 with the guesses by topic that it replaced. (Nine replies of
`heldout.jsonl` are everybody's phrases, in `corpus.jsonl` too.)

That learnt words may call a password wrong was tried: each word that is not accounted for seen in
such replies, and ahead for that. Where it must be ahead so far, three nats, that no phrase of
`worded.toml` about other reasons gets it, it mends 2 of 21 such mistakes at first meetings; where
one nat is enough, some do, and still none in the sets that judge is mended. So they may not.

How far labels can be trusted: another reader, who had seen neither labels nor rules, labelled both
sealed halves anew, with one code each: 146 of 150 and 118 of 120 are among the labelled codes.

`harvested.jsonl`: wide on purpose, servers' sources and odd words of our own, each part labelled
before it was run: 230 of 258, 135 of 164, 94 of 117, 119 of 123, 64 of 107, 151 of 170, 139 of 144,
38 of 40, 37 of 60, 40 of 50, 50 of 57 and 56 of 61 right at first (three of them in many languages,
one in the oddest words that came to mind), nearly all others only ambiguous. What was learnt is in
words.toml; it counts among the fitted.
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
OPEN: Final = (*FITTED, *FIFTH[:1], *SIXTH, *SEVENTH, *EIGHTH, *NINTH, *TENTH)
"""What is learnt from (`tests/support/learning.py`)."""

JUDGES: Final = (
    *HELD_OUT,
    *SEALED,
    *FIFTH[1:],
    *SIXTH_SEALED,
    *SEVENTH_SEALED,
    *EIGHTH_SEALED,
    *NINTH_SEALED,
)
"""What is not."""

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
    yield from (Score.of(judged([name])).row(name) for name in (*OPEN, *JUDGES))
    yield f"\nOf these by learnt words (worker/probing/classify/learnt.py)\n{HEAD}"
    yield Score.of(by_learnt_words(OPEN)).row("learnt from")
    yield Score.of(by_learnt_words(JUDGES)).row("not learnt from")


if __name__ == "__main__":
    sys.stdout.write("\n".join(report(each_mistake="--mistakes" in sys.argv)) + "\n")
