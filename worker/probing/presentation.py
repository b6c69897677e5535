"""What the outside gets to see of a probe: the verdict in words, what was said, and no secret."""

from dataclasses import replace
from typing import Final

from producer.contract.codes import SENDER_FINDINGS, Code, WarningCode
from producer.contract.report import Evidence, Probe
from producer.contract.rules import NOT_REPEATED
from worker.probing.classify.evidence import address_named, evidence
from worker.probing.classify.sentences import describe, describe_warning, warn_before_login
from worker.probing.classify.verdict import FieldKind, Verdict
from worker.probing.gate import Finding
from worker.probing.interruptible import at_once
from worker.probing.probe_run import ProbeRun
from worker.probing.result import ProbeResult, prefixed
from worker.probing.target import CredentialKind
from worker.probing.transcript import WITHHELD

EXPIRES_SOON_DAYS: Final = 14
MAX_REPLY_CHARACTERS: Final = 1024


def repeated(run: ProbeRun, finding: Finding) -> ProbeResult:
    """Answer as the very same credential was answered before; nothing was sent."""
    kind = FieldKind(finding.field) if finding.field else None
    verdict = Verdict(finding.code, finding.retryable, kind, finding.hint, rule=NOT_REPEATED)
    return result_of(run, verdict, WarningCode.LOGIN_NOT_REPEATED)


def result_of(run: ProbeRun, verdict: Verdict, *remarks: WarningCode) -> ProbeResult:
    """Compose what the outside gets to see."""
    said = _server_reply(run)
    # Our address is taken from what was scrubbed: its octets may spell a credential.
    context = replace(run.context, said=said, our_address=address_named(said or ""))
    sentence = "" if verdict.code is Code.OK else describe(verdict, context)
    warnings: list[tuple[str, str]] = [
        (code, describe_warning(code, run.context)) for code in (*_remarks(run), *remarks)
    ]
    if verdict.code in SENDER_FINDINGS:
        warnings.append((prefixed(run.plan.protocol, verdict.code), sentence))
    return ProbeResult(
        protocol=run.plan.protocol,
        probe=_probe(run, verdict, sentence, said),
        sentence=sentence,
        warnings=tuple(warnings),
        transcript=tuple(run.transcript.lines()),
        note=run.note,
        unclassified=None if verdict.recognised else said,
    )


def _remarks(run: ProbeRun) -> list[WarningCode]:
    remarks = []
    credential = run.plan.credential
    if credential and credential.kind is CredentialKind.PASSWORD:
        unlikely = warn_before_login(run.provider, run.plan.protocol)
        remarks += [unlikely] if unlikely else []
    tls = run.context.tls
    if tls and tls.days_left is not None and 0 <= tls.days_left < EXPIRES_SOON_DAYS:
        remarks.append(WarningCode.CERTIFICATE_EXPIRES_SOON)
    return remarks


def _probe(run: ProbeRun, verdict: Verdict, sentence: str, said: str | None) -> Probe:
    session = run.session
    return Probe(
        code=verdict.code,
        retryable=verdict.retryable,
        field=run.fields.get(verdict.field) if verdict.field else None,
        phase=run.timeline.last,
        phases=run.timeline.phases(),
        remote_address=_if_shown(run, session.remote_address if session else None),
        tls=run.context.tls,
        mechanism=run.answer.mechanism,
        server_reply=said,
        evidence=_evidence(run, verdict),
        hint=sentence or None,
        suggestion=run.context.suggestion,
    )


def _evidence(run: ProbeRun, verdict: Verdict) -> Evidence:
    found = evidence(verdict, run.timeline.last, run.refusal)
    # The server chooses its numbers: they may be seven digits of a password that is a number.
    both = " ".join(filter(None, (found.reply, found.enhanced_code)))
    if found.enhanced_code is None or run.transcript.may_show(both):
        return found
    return found.model_copy(update={"enhanced_code": None})


def _if_shown(run: ProbeRun, address: str | None) -> str | None:
    """Leave out an address that spells a secret: whoever writes the zone chose eight octets of it.

    An earlier probe may have given them the password.
    """
    return address if address and run.transcript.may_show(address) else None


def _server_reply(run: ProbeRun) -> str | None:
    refusal = run.refusal
    if refusal is None:
        return None
    text = run.reply_shown
    if text is None:
        # An IMAP response code is the server's to choose: it may be the echo itself.
        detail = refusal.detail and at_once(run.transcript.scrub(refusal.detail))
        text = " ".join(filter(None, (refusal.condition, detail, WITHHELD)))
    return text[:MAX_REPLY_CHARACTERS]
