"""How the classifier does on the labelled replies: `python -m tests.support.confusion`.

A row is the code that a reply must get, a column what it got; only codes that were mixed up have a
column of their own.
"""

import sys
from collections import Counter

from tests.support.replies import Case, cases
from worker.probing.classify import providers
from worker.probing.classify.refusals import classify_refusal
from worker.probing.classify.verdict import Verdict

USER = ("dealer@example.org",)
"""Who logs in, where a reply names somebody."""

FILES = ("sample.jsonl", "corpus.jsonl")


def judge(case: Case) -> Verdict:
    return classify_refusal(case.refusal, providers.load().find(case.host), [case.host, *USER])


def matrix(labelled: list[Case]) -> str:
    """The matrix, what was got wrong below it."""
    pairs = Counter((case.code, judge(case).code.value) for case in labelled)
    wrong = sorted({got for want, got in pairs if want != got})
    lines = [f"{'must be':<26} {'right':>5} {'total':>5} " + " ".join(wrong)]
    for want in sorted({want for want, _ in pairs}):
        total = sum(count for (code, _), count in pairs.items() if code == want)
        mixed = " ".join(f"{pairs[want, got] or '':>{len(got)}}" for got in wrong if got != want)
        lines.append(f"{want:<26} {pairs[want, want]:>5} {total:>5} {mixed}")
    right = sum(count for (want, got), count in pairs.items() if want == got)
    lines.append(f"{right} of {len(labelled)} replies got their code")
    lines += [
        f"{case.code} != {judge(case).code}: {case.reply!r}" for case in labelled if _is_wrong(case)
    ]
    return "\n".join(lines)


def _is_wrong(case: Case) -> bool:
    verdict = judge(case)
    return (verdict.code, verdict.retryable) != (case.code, case.retryable)


if __name__ == "__main__":
    for name in FILES:
        sys.stdout.write(f"{name}\n{matrix(list(cases(name)))}\n\n")
