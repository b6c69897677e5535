"""The probes of a process and of a job: gate, probe, looks. Never raises for what a server does."""

from dataclasses import replace
from functools import lru_cache
from time import monotonic
from uuid import uuid4

from producer.contract.codes import Code
from producer.contract.report import Probe, Suggestion
from producer.contract.rules import COOLDOWN
from worker.probing.address_gate import AddressesOfProbe, TurnedAway
from worker.probing.classify.sentences import Context, describe_code
from worker.probing.classify.verdict import Verdict
from worker.probing.gate import Admitted, Cooldown, Finding, ProbeOfJob, Repeated
from worker.probing.once_per_job import LooksOfJob, NamesOfJob
from worker.probing.presentation import repeated, result_of
from worker.probing.probe_run import Fields, ProbeRun, Resources
from worker.probing.result import ProbeResult, Unexpected
from worker.probing.secrecy.batch_secrets import BatchSecrets
from worker.probing.suggest import discover, is_worth_a_look
from worker.probing.target import ProbePlan, Protocol


class Prober(Resources):
    """The probes of a process."""

    __slots__ = ()

    def for_job(self, job_id: str) -> "JobProber":
        """The probes of one job, which finds nothing out twice."""
        return JobProber(self, job_id)

    async def probe(self, job_id: str, plan: ProbePlan, fields: Fields) -> ProbeResult:
        """Probe once, for a job that has one probe."""
        return await self.for_job(job_id).probe(plan, fields)


class JobProber:
    """The probes of one job."""

    def __init__(self, prober: Prober, job_id: str) -> None:
        self._job_id = job_id
        self._gate = prober.gate
        self._batch_secrets = lru_cache(1)(BatchSecrets)  # of its batch
        network = replace(prober.network, resolver=NamesOfJob(prober.network.resolver))
        self._look = LooksOfJob(job_id, network, prober.gate)
        self._resources: Resources = replace(prober, network=network)

    async def probe(self, plan: ProbePlan, fields: Fields) -> ProbeResult:
        """Probe once. Waiting at the gate costs no deadline; a refused login is not repeated."""
        started = monotonic()
        probe = ProbeOfJob(self._job_id, plan)
        admission = await self._gate.enter(probe)
        addresses = AddressesOfProbe(self._gate, probe)
        others = self._batch_secrets(plan.batch_secrets)
        run = ProbeRun(self._resources, plan, fields, addresses, others)
        if not isinstance(admission, Admitted):
            return _turned_away(run, admission)
        finding = None
        try:
            run.transcript.waited(monotonic() - started)
            verdict = await run.make()
            kind = verdict.field and verdict.field.value
            unanswered = run.login_is_unanswered(verdict)
            finding = Finding(verdict.code, verdict.retryable, kind, verdict.hint, unanswered)
        except TurnedAway as turned_away:
            return _turned_away(run, turned_away.admission)
        except Exception as error:  # noqa: BLE001 - a bug of ours costs this probe alone
            return unexpected(plan.protocol, error)
        finally:
            addresses.leave_all(finding)
            self._gate.leave(admission, finding)  # before the looks, which need places of their own
        return await self._after(run, verdict)

    async def _after(self, run: ProbeRun, verdict: Verdict) -> ProbeResult:
        try:
            if is_worth_a_look(verdict.code, run.timeline.last):
                await run.look_around(verdict.code, self._look)
            return result_of(run, verdict)
        except Exception as error:  # noqa: BLE001 - as above
            return unexpected(run.plan.protocol, error)

    async def discover(self, domain: str, protocol: Protocol) -> Suggestion | None:
        """Find out where the mail of a domain lives: for an item that names no server."""
        resources = self._resources
        return await discover(
            domain,
            protocol,
            resources.providers,
            self._look,
            resources.network.resolver,
            seconds_left=resources.deadline_seconds,
        )


def _turned_away(run: ProbeRun, admission: Cooldown | Repeated) -> ProbeResult:
    """Answer for a probe that the gate did not let in. Nothing was sent."""
    if isinstance(admission, Repeated):
        return repeated(run, admission.finding)
    return result_of(run, Verdict(Code.LOGIN_COOLDOWN, retryable=True, rule=COOLDOWN))


def unexpected(protocol: Protocol, error: Exception) -> ProbeResult:
    """Answer for a probe that an error of our own ended. What was said till then is not shown."""
    code = Code.INTERNAL_SERVER_ERROR
    return ProbeResult(
        protocol=protocol,
        probe=Probe(code=code, retryable=True),
        sentence=describe_code(code, Context(protocol)),
        unexpected=Unexpected(error, str(uuid4())),
    )
