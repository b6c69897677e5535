"""A dialogue that broke -> a verdict. The fault knows its code; here it gets the rest."""

from collections.abc import Sequence
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from producer.contract.rules import UNKNOWN_WORDS, fault_rule
from worker.probing.classify.facts import FACTS
from worker.probing.classify.providers import Provider
from worker.probing.classify.refusals import verdict_on_refusal
from worker.probing.classify.verdict import FieldKind, Verdict
from worker.probing.errors import ProbeFault
from worker.probing.gate import PROVEN_LOGINS, REFUSED_LOGINS
from worker.probing.interruptible import Interruptible

HINT_OF_PHASE: Final[dict[tuple[Code, PhaseName], str]] = {
    (Code.DEADLINE_EXCEEDED, PhaseName.TLS): "silent_tls",
    (Code.DEADLINE_EXCEEDED, PhaseName.AUTH): "silent_login",
    (Code.CONNECTION_CLOSED, PhaseName.CONNECT): "closed_at_greeting",
    (Code.CONNECTION_CLOSED, PhaseName.GREETING): "closed_at_greeting",
    (Code.CONNECTION_CLOSED, PhaseName.TLS): "closed_at_greeting",
    (Code.CONNECTION_CLOSED, PhaseName.AUTH): "closed_at_login",
}
"""What the phase adds to the sentence where the fault itself gave no hint."""

FIELD_OF_HINT: Final[dict[str, FieldKind]] = {
    "silent_greeting": FieldKind.SECURITY,
    "silent_tls": FieldKind.SECURITY,
    "closed_at_greeting": FieldKind.SECURITY,
} | {kind.value: kind for kind in FieldKind}
"""An `INVALID_FIELD` hints at the field itself."""

_OF_A_LOGIN: Final = REFUSED_LOGINS | PROVEN_LOGINS


def verdict_on_fault(
    fault: ProbeFault,
    phase: PhaseName | None,
    provider: Provider | None = None,
    own_words: Sequence[str] = (),
    *,
    secrets: Sequence[str] = (),
) -> Interruptible[Verdict]:
    """Turn a fault into a verdict; `phase` is the last one begun, None before the first.

    A fault that a refusal led to is judged by what the server said; but, as no credential had been
    sent, as nothing that counts against the account or for it.
    """
    if fault.refusal is not None:
        verdict = yield from verdict_on_refusal(fault.refusal, provider, own_words, secrets=secrets)
        if verdict.code not in _OF_A_LOGIN and verdict.hint != UNKNOWN_WORDS:
            return verdict
    fact = FACTS[fault.code]
    hint = fault.hint or (HINT_OF_PHASE.get((fault.code, phase)) if phase else None)
    field = FIELD_OF_HINT.get(hint or "", fact.field)
    return Verdict(
        code=fault.code,
        retryable=fact.retryable,
        field=field,
        hint=hint,
        rule=fault_rule(fault.code),
    )
