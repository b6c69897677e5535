"""One job of the integration queue, from its envelope to its result.

Order: brand and key, body, record, catalogue entry, password, place in the order of submission,
probe, save. Nothing is stored before the last step, which is one transaction with the result: a
crash anywhere leaves either nothing or everything, and the job may be delivered again.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from producer.contract.codes import SUCCESSFUL, Code
from producer.contract.envelope import IntegrationEnvelope
from producer.contract.integration_body import IntegrationBody, TrialBody, read_body, read_trial
from producer.contract.integrations import (
    FieldProblem,
    IntegrationResult,
    IntegrationStatus,
    failure,
    success,
)
from producer.contract.names import Kind
from producer.contract.ownership import normalise_brand
from producer.contract.report import ItemReport, Probe
from producer.records.store import NEW_ID_BYTES, auth_key_digest
from producer.sealing.at_rest import PasswordVault
from worker.jobs.integrations import rules
from worker.jobs.integrations.rules import Denied, Draft
from worker.jobs.integrations.store import IntegrationStore, Job, JobResult, Snapshot
from worker.probing.result import ProbeResult, prefixed
from worker.probing.target import ProbePlan, Protocol

Verification = Literal["enforce", "warn", "off"]
Verify = Callable[[str, ProbePlan], Awaitable[ProbeResult]]
"""Probe for a job, by its id, what is planned. Never raises for what a server does."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator decides about saving."""

    verification: Verification = "enforce"
    allow_cleartext: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job ends with. `codes` and `correlation_id` are for the log.

    `saved_unverified`: the probe failed and the operator's policy is to save all the same.
    """

    result: IntegrationResult
    item: ItemReport
    codes: tuple[str, ...]
    correlation_id: str
    saved_unverified: bool = False


@dataclass(frozen=True, slots=True)
class Integrations:
    """The rules over one store. `verify` probes settings with the engine of the other queue."""

    store: IntegrationStore
    vault: PasswordVault
    verify: Verify
    policy: Policy = Policy()

    async def run(
        self, envelope: IntegrationEnvelope, *, job_id: str, submitted_ms: int
    ) -> Outcome:
        """Do what an envelope asks for. Never raises for what the envelope holds."""
        run = _Run(self)
        correlation_id = str(uuid4())
        try:
            ending = await run.end(envelope, job_id, submitted_ms)
        except Denied as denial:
            result = failure(denial.status, denial.problems, correlation_id)
            ending = JobResult(result=result, item=run.item)
        return Outcome(
            result=ending.result,
            item=ending.item,
            codes=tuple(error.code for error in ending.result.errors) or _found(ending.item),
            correlation_id=correlation_id,
            saved_unverified=ending.result.success and bool(_found(ending.item)),
        )


def _found(item: ItemReport) -> tuple[str, ...]:
    if item.smtp is None or item.smtp.code in SUCCESSFUL:
        return ()
    return (prefixed(Protocol.SMTP, item.smtp.code),)


def _refused_by(result: ProbeResult) -> Denied:
    code = prefixed(Protocol.SMTP, result.probe.code)
    return Denied(400, [FieldProblem(code=code, message=result.sentence)])


class _Run:
    """One job, decided anew whenever the record changes under it; the same settings probed once."""

    def __init__(self, service: Integrations) -> None:
        self._service = service
        self._verified: ProbePlan | None = None
        self.item = ItemReport()

    async def end(self, envelope: IntegrationEnvelope, job_id: str, submitted_ms: int) -> JobResult:
        brand = normalise_brand(envelope.brand_url)
        creating = envelope.kind is Kind.INTEGRATION_CREATE
        record_id = secrets.token_hex(NEW_ID_BYTES) if creating else envelope.id
        job = Job(job_id, submitted_ms, brand, record_id)
        digest = auth_key_digest(brand, envelope.auth_key.get_secret_value())
        while True:
            snapshot = await self._service.store.open(job)
            if not snapshot.brand_keys.admit(digest, snapshot.now_ms):
                raise rules.unauthorized()
            ending = snapshot.earlier or await self._apply(envelope, job, snapshot)
            # None: the record has changed since the snapshot. Every such turn is another update
            # that got through, so the turns end.
            if ending:
                return ending

    async def _apply(
        self, envelope: IntegrationEnvelope, job: Job, snapshot: Snapshot
    ) -> JobResult | None:
        if envelope.kind is Kind.INTEGRATION_TEST:
            return await self._try(envelope, job)
        if envelope.kind is Kind.INTEGRATION_DELETE:
            rules.require_latest(snapshot, rules.require_record(snapshot))
            ending = JobResult(result=success(data=True), item=self.item)
            return await self._service.store.delete(job, snapshot, ending)
        draft = await self._draft(envelope, job, snapshot)
        if draft.status is IntegrationStatus.ACTIVE and self._service.policy.verification != "off":
            await self._check(job, draft)
        status = 201 if envelope.kind is Kind.INTEGRATION_CREATE else 200
        result = success(rules.data_of(draft, job.record_id), status=status)
        return await self._service.store.save(
            job,
            snapshot,
            rules.record_of(draft, job, snapshot, self._service.vault),
            default=bool(draft.body.is_default),
            ending=JobResult(result=result, item=self.item),
        )

    async def _try(self, envelope: IntegrationEnvelope, job: Job) -> JobResult:
        """Probe settings that nobody asks to save. Raises Denied."""
        body = read_trial(envelope.body)
        if not isinstance(body, TrialBody):
            raise Denied(400, body)
        password = rules.require_given(body.password)
        rules.require_server(body.host, password)
        result = await self._probe(job, rules.probe_plan(body, password))
        self.item = ItemReport(smtp=result.probe)
        if result.failed:
            raise _refused_by(result)
        return JobResult(result=success(data=True), item=self.item)

    async def _draft(self, envelope: IntegrationEnvelope, job: Job, snapshot: Snapshot) -> Draft:
        body = read_body(envelope.body)
        if not isinstance(body, IntegrationBody):
            raise Denied(400, body)
        record = None
        if envelope.kind is Kind.INTEGRATION_UPDATE:
            record = rules.require_record(snapshot)
        entry = rules.require_smtp(
            await self._service.store.catalogue_entry(body.app_integration_id)
        )
        username, password = rules.login_of(body, record, job, self._service.vault)
        status = rules.status_of(body, record)
        if status is IntegrationStatus.ACTIVE:  # else nobody is asked for its address
            rules.require_server(body.host, password)
        if record:
            rules.require_latest(snapshot, record)
        body = body.model_copy(update={"username": username})
        return Draft(body, entry, password, status)

    async def _check(self, job: Job, draft: Draft) -> None:
        """Probe the settings, unless just these have been. Raises Denied by the policy."""
        plan = rules.probe_plan(draft.body, draft.password)
        if plan == self._verified:
            return
        result = await self._probe(job, plan)
        self._verified, self.item = plan, ItemReport(smtp=result.probe)
        if result.failed and self._service.policy.verification == "enforce":
            raise _refused_by(result)

    async def _probe(self, job: Job, plan: ProbePlan) -> ProbeResult:
        if plan.sends_login_in_clear and not self._service.policy.allow_cleartext:
            probe = Probe(code=Code.AUTH_REQUIRES_TLS, retryable=False, field="useTls")
            sentence = "A login without encryption is not allowed here: set useTls to true."
            return ProbeResult(Protocol.SMTP, probe, sentence)
        return await self._service.verify(job.job_id, plan)
