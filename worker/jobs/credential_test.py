"""The first kind of job: a batch of accounts in, the documented response and the report out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from time import monotonic
from uuid import uuid4

from producer.contract.codes import Code, WarningCode
from producer.contract.credentials import REQUEST_LIST, TestResponse
from producer.contract.envelope import EnvelopeError
from producer.contract.names import Kind
from producer.contract.report import ItemReport, Probe, Suggestion
from worker.jobs.plan import BatchPlan, ItemPlan, plan_item
from worker.jobs.protocol_plan import Problem, Remark, field_names
from worker.jobs.response import ItemResult, broken_item, item_result
from worker.probing.classify.sentences import Context, describe_code, describe_warning
from worker.probing.prober import unexpected
from worker.probing.result import ProbeResult, Unexpected, prefixed
from worker.probing.target import ProbePlan, Protocol

ProbeOne = Callable[[ProbePlan, dict[str, str]], Awaitable[ProbeResult]]
"""Probe one protocol of one item; the mapping names the request's fields. Never raises."""

Discover = Callable[[str, Protocol], Awaitable[Suggestion | None]]
"""Find out where the mail of a domain lives. Never raises."""

LogWords = Callable[[ProbePlan, ProbeResult], None]
"""Log what a probe's server said, after the search of its whole item for secrets."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What a batch needs of the network and the log."""

    probe: ProbeOne
    discover: Discover
    log_words: LogWords


@dataclass(frozen=True, slots=True)
class BatchRules:
    """What the operator allows."""

    max_items: int
    allow_cleartext: bool


OnProgress = Callable[[int, int], None]
"""Hears `(done, total)` as each item ends."""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The result and what the report says of each item."""

    response: TestResponse
    items: tuple[ItemReport, ...]
    bugs: tuple[Unexpected, ...] = ()
    """Errors of our own that nobody has logged yet."""


def read_items(body: object, rules: BatchRules) -> list[object]:
    """Find the entries of a request body. Raises EnvelopeError: then nothing runs."""
    items = body.get(REQUEST_LIST) if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise _invalid(f"The request body needs a list named {REQUEST_LIST}.")
    if not items:
        raise _invalid(f"{REQUEST_LIST} is empty: give at least one account to test.")
    if len(items) > rules.max_items:
        raise _invalid(
            f"{REQUEST_LIST} holds {len(items)} accounts; at most {rules.max_items} "
            "are tested at once: split the batch."
        )
    return items


async def run_batch(
    items: Sequence[object], rules: BatchRules, engine: Engine, progress: OnProgress
) -> BatchOutcome:
    """Test all items at the same time; the answers keep the request's length and order.

    An error of our own costs the item in which it happened, or one protocol of it, alone.
    """
    plans = await _plan(items, rules)
    ended = count(1)
    bugs: list[Unexpected] = []

    async def run(plan: ItemPlan) -> ItemResult:
        result = await _run_safely(plan, engine, bugs)
        if (done := next(ended)) < len(plans):
            progress(done, len(plans))
        return result

    results = await asyncio.gather(*map(run, plans))
    # The last one in the same moment as the result, so that both travel together.
    progress(len(plans), len(plans))
    return BatchOutcome(
        TestResponse(emailCredentialsResponses=tuple(found.response for found in results)),
        tuple(found.report for found in results),
        tuple(bugs),
    )


async def _plan(items: Sequence[object], rules: BatchRules) -> list[ItemPlan]:
    """Plan one item in a turn of the event loop: a request may hold any amount of text."""
    batch = BatchPlan()
    for number, raw in enumerate(items):
        if number:
            await asyncio.sleep(0)
        batch.add(plan_item(raw, allow_cleartext=rules.allow_cleartext))
    return batch.items()


async def _run_safely(plan: ItemPlan, engine: Engine, bugs: list[Unexpected]) -> ItemResult:
    started = monotonic()
    try:
        return await _run_item(plan, engine, bugs)
    except Exception as error:  # noqa: BLE001 - the other items have nothing to do with it
        bug = Unexpected(error, str(uuid4()))
        bugs.append(bug)
        return broken_item(plan, bug, milliseconds=(monotonic() - started) * 1000)


async def _run_item(plan: ItemPlan, engine: Engine, bugs: list[Unexpected]) -> ItemResult:
    started = monotonic()
    probed = await asyncio.gather(*(_probe(plan, each, engine, bugs) for each in plan.probes))
    unprobed = [_not_probed(problem) for problem in plan.problems]
    if Code.NOTHING_TO_TEST in (problem.code for problem in plan.problems):
        unprobed = await _find_servers(plan, unprobed, engine.discover)
    results = [*unprobed, *probed]
    results.sort(key=lambda result: result.protocol is Protocol.IMAP)  # SMTP first, and stable
    warnings = [(prefixed(None, remark.code), _describe(remark)) for remark in plan.remarks]
    elapsed = (monotonic() - started) * 1000
    found = item_result(plan, results, warnings=warnings, milliseconds=elapsed)
    for probe in plan.probes:
        for result in found.probed:
            if result.protocol is probe.protocol:
                engine.log_words(probe, result)
    return found


async def _probe(
    plan: ItemPlan, probe: ProbePlan, engine: Engine, bugs: list[Unexpected]
) -> ProbeResult:
    try:
        return await engine.probe(probe, field_names(plan.item, probe.protocol))
    except Exception as error:  # noqa: BLE001 - the other protocol has nothing to do with it
        result = unexpected(probe.protocol, error)
        if result.unexpected:
            bugs.append(result.unexpected)
        return result


async def _find_servers(
    plan: ItemPlan, unprobed: list[ProbeResult], discover: Discover
) -> list[ProbeResult]:
    """Say where the dealer's mail seems to live, for an item that names no server."""
    domain = plan.item.dealer_email.rpartition("@")[2]
    if not domain:
        return unprobed
    asked = [result.protocol for result in unprobed if result.protocol]
    found = await asyncio.gather(*(discover(domain, protocol) for protocol in asked))
    return list(map(_suggesting, unprobed, asked, found))


def _suggesting(
    result: ProbeResult, protocol: Protocol, suggestion: Suggestion | None
) -> ProbeResult:
    probe = result.probe.model_copy(update={"suggestion": suggestion})
    warnings: tuple[tuple[str, str], ...] = ()
    if suggestion is not None:
        code = WarningCode.SETTINGS_SUGGESTED
        context = Context(protocol, suggestion=suggestion)
        warnings = ((code, describe_warning(code, context)),)
    return replace(result, probe=probe, warnings=warnings)


def _not_probed(problem: Problem) -> ProbeResult:
    return ProbeResult(
        protocol=problem.protocol,
        probe=Probe(code=problem.code, retryable=False, field=problem.field),
        sentence=describe_code(problem.code, Context(problem.protocol, detail=problem.reason)),
    )


def _describe(remark: Remark) -> str:
    return describe_warning(remark.code, Context(remark.protocol, detail=remark.detail))


def _invalid(sentence: str) -> EnvelopeError:
    return EnvelopeError(Code.INVALID_REQUEST_DATA, sentence, Kind.CREDENTIAL_TEST)
