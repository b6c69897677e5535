"""From what was found to the documented payloads: the result of a credential test, and its report.

Pure. The credentials of a request come back as the mask, and nothing that equals one is echoed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from producer.contract.codes import Code
from producer.contract.credentials import (
    FAILURE,
    SUCCESS,
    ErrorEntry,
    ResponseItem,
    TestResponse,
    WarningEntry,
)
from producer.contract.report import ItemReport, Probe
from worker.jobs.concealment import Concealment
from worker.jobs.echo import echo
from worker.jobs.plan import ItemPlan
from worker.jobs.withholding import without_scattered_echoes
from worker.probing.classify.sentences import Context, describe_code
from worker.probing.result import ProbeResult, Unexpected, prefixed
from worker.probing.target import Protocol


@dataclass(frozen=True, slots=True)
class ItemResult:
    """An item's entry in the result and in the report."""

    response: ResponseItem
    report: ItemReport
    probed: tuple[ProbeResult, ...] = ()
    """What was found, with nothing in it that the item must not show: fit for the log."""


def error_entry(code: str, sentence: str, error_id: str | None = None) -> ErrorEntry:
    """Make an error with a UUID, by default a fresh one, which the log gets as well."""
    return ErrorEntry(errorCode=code, errorDescription=sentence, errorUID=error_id or str(uuid4()))


def item_result(
    plan: ItemPlan,
    results: Sequence[ProbeResult],
    *,
    warnings: Iterable[tuple[str, str]],
    milliseconds: float,
) -> ItemResult:
    """Compose an item's entries. `results` are in the order SMTP, IMAP; `warnings` the item's."""
    others = next((probe.batch_secrets for probe in plan.probes), ())
    concealment = Concealment(plan.entry, others=others)
    whole = without_scattered_echoes(plan, results)
    results = [_concealed(result, concealment) for result in whole]
    errors = _errors_of(results)
    remarks = [*warnings, *(warning for result in results for warning in result.warnings)]
    response = ResponseItem(
        **echo(plan, concealment),
        serverLogs="\n".join(line for result in results for line in result.transcript),
        outcome=FAILURE if errors or not results else SUCCESS,
        testDuration=_whole(milliseconds),
        error=errors[0].errorDescription if errors else "",
        errors=errors,
        warnings=tuple(
            WarningEntry(warningCode=code, warningDescription=sentence)
            for code, sentence in dict.fromkeys(remarks)
        ),
    )
    return ItemResult(
        response,
        ItemReport(smtp=_first(results, Protocol.SMTP), imap=_first(results, Protocol.IMAP)),
        tuple(results),
    )


def _errors_of(results: Iterable[ProbeResult]) -> tuple[ErrorEntry, ...]:
    """What failed; what holds for both protocols is said once."""
    causes = [
        (
            prefixed(result.protocol, result.probe.code),
            result.sentence,
            result.unexpected.error_id if result.unexpected else None,
        )
        for result in results
        if result.failed
    ]
    return tuple(error_entry(*cause) for cause in dict.fromkeys(causes))


def broken_item(plan: ItemPlan, bug: Unexpected, *, milliseconds: float) -> ItemResult:
    """Answer for an item that an error of our own ended; nothing of the request is shown."""
    code = Code.INTERNAL_SERVER_ERROR
    protocols: list[Protocol | None] = [probe.protocol for probe in plan.probes]
    errors = tuple(
        error_entry(prefixed(protocol, code), describe_code(code, Context(protocol)), bug.error_id)
        for protocol in protocols or [None]
    )
    response = ResponseItem(
        outcome=FAILURE,
        testDuration=_whole(milliseconds),
        error=errors[0].errorDescription,
        errors=errors,
    )
    probe = Probe(code=code, retryable=True)
    return ItemResult(
        response,
        ItemReport(
            smtp=probe if Protocol.SMTP in protocols or not protocols else None,
            imap=probe if Protocol.IMAP in protocols or not protocols else None,
        ),
    )


def _whole(milliseconds: float) -> str:
    return str(max(0, round(milliseconds)))


def _concealed(result: ProbeResult, concealment: Concealment) -> ProbeResult:
    """`result` with no sentence in it that quotes a secret of the request."""
    probe, protocol = result.probe, result.protocol
    suggestion = probe.suggestion
    if suggestion and not concealment.may_name(suggestion.host):
        concealment = concealment.never_naming(suggestion.host)
        suggestion = None
    sentence = concealment.sentence(result.sentence, probe.code, protocol)
    return replace(
        result,
        sentence=sentence,
        probe=probe.model_copy(
            update={
                "suggestion": suggestion,
                "hint": probe.hint and concealment.sentence(probe.hint, probe.code, protocol),
            }
        ),
        warnings=tuple(
            (code, concealment.sentence(text, code, protocol)) for code, text in result.warnings
        ),
    )


def _first(results: Sequence[ProbeResult], protocol: Protocol) -> Probe | None:
    found = (result.probe for result in results if result.protocol in (protocol, None))
    return next(found, None)


def request_failure(code: Code, sentence: str) -> TestResponse:
    """Answer for a request of which nothing could be run."""
    return TestResponse(errors=(error_entry(code, sentence),))
