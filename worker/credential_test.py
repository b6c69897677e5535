"""The first kind of job: a batch of accounts in, the documented response and the report out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from producer.contract.codes import Code
from producer.contract.credentials import TestResponse
from producer.contract.envelope import EnvelopeError
from producer.contract.names import Kind
from producer.contract.report import ItemReport, Probe
from worker.classify.sentences import Context, describe_code, describe_warning
from worker.plan import ItemPlan, Problem, field_names, plan_item
from worker.results import ItemResult, ProbeResult, item_result, prefixed
from worker.target import ProbePlan

ProbeOne = Callable[[ProbePlan, dict[str, str]], Awaitable[ProbeResult]]
"""Probe one protocol of one item; the mapping names the request's fields. Never raises."""


@dataclass(frozen=True, slots=True)
class BatchRules:
    """What the operator allows."""

    max_items: int
    allow_cleartext: bool


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The result and what the report says of each item."""

    response: TestResponse
    items: tuple[ItemReport, ...]


def read_items(body: object, rules: BatchRules) -> list[object]:
    """Find the entries of a request body. Raises EnvelopeError: then nothing runs."""
    items = body.get("emailCredentialsRequests") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise _invalid("The request body needs a list named emailCredentialsRequests.")
    if not items:
        raise _invalid("emailCredentialsRequests is empty: give at least one account to test.")
    if len(items) > rules.max_items:
        raise _invalid(
            f"emailCredentialsRequests holds {len(items)} accounts; at most {rules.max_items} "
            "are tested at once: split the batch."
        )
    return items


async def run_batch(items: Sequence[object], rules: BatchRules, probe: ProbeOne) -> BatchOutcome:
    """Test all items at the same time; the answers keep the request's length and order."""
    plans = [plan_item(raw, allow_cleartext=rules.allow_cleartext) for raw in items]
    results = await asyncio.gather(*(_run_item(plan, probe) for plan in plans))
    return BatchOutcome(
        TestResponse(emailCredentialsResponses=tuple(found.response for found in results)),
        tuple(found.report for found in results),
    )


async def _run_item(plan: ItemPlan, probe: ProbeOne) -> ItemResult:
    started = monotonic()
    probed = await asyncio.gather(
        *(probe(each, field_names(plan.item, each.protocol)) for each in plan.probes)
    )
    results = [*(_not_probed(problem) for problem in plan.problems), *probed]
    results.sort(key=lambda result: result.protocol == "imap")  # SMTP first, and stable
    warnings = [
        (prefixed(None, remark.code), describe_warning(remark.code, Context(remark.protocol)))
        for remark in plan.remarks
    ]
    elapsed = (monotonic() - started) * 1000
    return item_result(plan, results, warnings=warnings, milliseconds=elapsed)


def _not_probed(problem: Problem) -> ProbeResult:
    return ProbeResult(
        protocol=problem.protocol,
        probe=Probe(code=problem.code, retryable=False, field=problem.field),
        sentence=describe_code(problem.code, Context(problem.protocol, detail=problem.reason)),
    )


def _invalid(sentence: str) -> EnvelopeError:
    return EnvelopeError(Code.INVALID_REQUEST_DATA, sentence, Kind.CREDENTIAL_TEST)
