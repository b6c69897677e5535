"""One probe from its first byte to its verdict: dial, dialogue, judgement.

Success has one source: a dialogue that returned an Answer without a refusal. Everything else, a
refusal or a fault, becomes a verdict here; `presentation` finds the words for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from producer.contract.rules import PROVED, status_rule
from worker.probing.address_gate import AddressGate
from worker.probing.classify.faults import verdict_on_fault
from worker.probing.classify.providers import Provider, Providers
from worker.probing.classify.refusals import verdict_on_refusal
from worker.probing.classify.senders import classify_accepted_sender
from worker.probing.classify.sentences import Context
from worker.probing.classify.verdict import Verdict
from worker.probing.derivation import KeyDerivation
from worker.probing.either_mode import EitherMode
from worker.probing.errors import ProbeFault, forget_frames
from worker.probing.gate import Gate
from worker.probing.imap import dialogue as imap
from worker.probing.interruptible import Interruptible, Turn, with_rests
from worker.probing.sasl.exchange import Derive
from worker.probing.secrecy.batch_secrets import BatchSecrets
from worker.probing.smtp import dialogue as smtp
from worker.probing.suggest import Look, look_at_siblings
from worker.probing.target import Answer, CredentialKind, ProbePlan, Protocol, Refusal, Target
from worker.probing.timeline import PHASE_SECONDS, Timeline
from worker.probing.transcript import Transcript
from worker.probing.wire.dial import Network, dial
from worker.probing.wire.session import Session

_LAID_TO_RESUMING: Final = frozenset(
    {
        Code.TLS_HANDSHAKE_FAILED,
        Code.TLS_VERSION_UNSUPPORTED,
        Code.CONNECTION_CLOSED,
        Code.DEADLINE_EXCEEDED,
    }
)
"""How a server may fail that cannot cope with a TLS session offered to it. A bad certificate, or an
answer in clear text, has other reasons.
"""

_BY_CODE_ALONE: Final = frozenset(map(status_rule, ("4", "421", "432", "435", "451", "454", "BYE")))
"""Rules by which a login failed temporarily though no word or enhanced code says why."""

Fields = Mapping[str, str]
"""What may be wrong (a FieldKind) -> the input to change, as spelled in the request."""

_OK: Final = Verdict(Code.OK, retryable=False, rule=PROVED)


@dataclass(frozen=True, slots=True)
class Resources:
    """What all probes of a process work with."""

    network: Network
    gate: Gate
    providers: Providers
    ehlo_name: str
    deadline_seconds: float
    derive: Derive = field(default_factory=KeyDerivation)
    turn: Turn = field(default_factory=Turn)


@dataclass(slots=True)
class ProbeRun:
    """One probe. Used once."""

    resources: Resources
    plan: ProbePlan
    fields: Fields
    gate: AddressGate | None = None
    others: BatchSecrets | None = None
    provider: Provider | None = field(init=False)
    timeline: Timeline = field(init=False)
    transcript: Transcript = field(init=False)
    context: Context = field(init=False)
    session: Session | None = None
    answer: Answer = field(default_factory=Answer)
    refusal: Refusal | None = None
    reply_shown: str | None = None
    """The refusal as it may be shown; None where its words must not be, or there are none."""
    note: str | None = None

    def __post_init__(self) -> None:
        plan = self.plan
        self.provider = self.resources.providers.find(plan.target.host)
        self.transcript = Transcript(plan.protocol, plan.all_secrets, plan.own_words(), self.others)
        self.timeline = Timeline(self.resources.deadline_seconds)
        self.context = Context(
            protocol=plan.protocol,
            host=plan.target.host,
            port=plan.target.port,
            security=plan.target.security,
            provider=self.provider,
            bearer=plan.credential is not None and plan.credential.kind is CredentialKind.BEARER,
        )

    async def make(self) -> Verdict:
        """Dial, converse, classify."""
        self.timeline = Timeline(self.resources.deadline_seconds)  # the wait at the gate is over
        try:
            self.answer = await self._answer()
        except ProbeFault as fault:
            self._forget_tls_session()
            self.transcript.event(fault.detail)
            self.note = fault.note
            self.refusal = fault.refusal
            verdict = await with_rests(self._judge(fault), self.resources.turn)
            forget_frames(fault)
        else:
            self.refusal = self.answer.refusal or self.answer.sender
            verdict = await with_rests(self._judge(), self.resources.turn)
            self._keep_tls_session()
        return verdict

    def _judge(self, fault: ProbeFault | None = None) -> Interruptible[Verdict]:
        """Judge all that was said, the certificate, and the refusal.

        It yields after each: a server can make any of them last for as long as the loop can spare.
        """
        yield from self.transcript.judge()
        yield
        if self.refusal is not None:
            self.reply_shown = yield from self.transcript.scrub(self.refusal.as_said)
            yield
        self._learn()
        yield
        verdict = yield from (self._verdict_on(fault) if fault else self._verdict())
        yield  # before it is put into words
        return verdict

    def login_is_unanswered(self, verdict: Verdict) -> bool:
        """Tell whether a credential was sent, and neither a yes nor a rejection came of it.

        A temporary reply code is none by itself: some servers say "454 invalid password". Nor is a
        no to a second try before anything was sent for it.
        """
        sent = self.session is not None and self.session.login_sent
        temporary = verdict.code is Code.AUTHENTICATION_TEMPORARY
        refused = self.answer.refusal and not (temporary and verdict.rule in _BY_CODE_ALONE)
        return sent and not (refused or self.timeline.passed(PhaseName.AUTH))

    async def look_around(self, code: Code, look: Look) -> None:
        """See whether other settings of this host would work; nothing is switched to them."""
        plan, left = self.plan, self.timeline.seconds_left
        scan = await look_at_siblings(plan.protocol, plan.target, code, look, seconds_left=left)
        self.context = replace(
            self.context, suggestion=scan.suggestion, ports_blocked=scan.ports_blocked
        )

    async def _answer(self) -> Answer:
        target = self.plan.target
        if not self.plan.or_implicit_tls:
            return await self._converse(target)
        either = EitherMode(self._converse, lambda: self.session, self.timeline, self.transcript)
        return await either.converse(target)

    async def _converse(self, target: Target) -> Answer:
        """Dial and talk; once more with a full handshake where a shortened one may be at fault."""
        try:
            return await self._talk(target)
        except ProbeFault as fault:
            if not self._may_be_of_resuming(fault):
                raise
            self.transcript.event(fault.detail)
        self._forget_tls_session()
        self.transcript.event("trying again without resuming an earlier TLS session")
        return await self._talk(target)

    def _may_be_of_resuming(self, fault: ProbeFault) -> bool:
        session = self.session
        return (
            session is not None
            and session.resuming_failed
            and fault.code in _LAID_TO_RESUMING
            and self.timeline.seconds_left >= PHASE_SECONDS[PhaseName.TLS]
        )

    def _forget_tls_session(self) -> None:
        if self.session is not None:
            self.session.forget_tls_session()

    def _keep_tls_session(self) -> None:
        """Keep the TLS session if the server has answered a login, with yes or no."""
        refused = self.refusal is not None and self.refusal.phase is PhaseName.AUTH
        if self.session is not None and (refused or self.timeline.passed(PhaseName.AUTH)):
            self.session.keep_tls_session()

    async def _talk(self, target: Target) -> Answer:
        plan, resources = replace(self.plan, target=target), self.resources
        self.context = replace(self.context, security=target.security)
        session = await dial(
            target,
            resources.network,
            self.timeline,
            self.transcript,
            self._connected,
            gate=self.gate,
        )
        try:
            if plan.protocol is Protocol.IMAP:
                return await imap.converse(session, plan, derive=resources.derive)
            return await smtp.converse(
                session, plan, ehlo_name=resources.ehlo_name, derive=resources.derive
            )
        finally:
            await session.close()

    def _connected(self, session: Session) -> None:
        self.session = session

    def _learn(self) -> None:
        """Take in what the session showed of the server."""
        session = self.session
        if session is None:
            return
        if self.provider is None:
            greeting = session.greeting.decode("ascii", "replace")
            self.provider = self.resources.providers.find(self.plan.target.host, greeting=greeting)
        self.context = replace(self.context, tls=session.tls_facts, provider=self.provider)

    def _verdict_on(self, fault: ProbeFault) -> Interruptible[Verdict]:
        own, secrets = self.plan.own_words(), self.plan.all_secrets
        return verdict_on_fault(fault, self.timeline.last, self.provider, own, secrets=secrets)

    def _verdict(self) -> Interruptible[Verdict]:
        plan = self.plan
        if self.refusal is not None:
            self.timeline.fail(self.refusal.phase)
            said = self.refusal.text
            if self.reply_shown is None:
                said = yield from self.transcript.without_echoes(said)
            yield
            own_words, secrets, provider = plan.own_words(), plan.all_secrets, self.provider
            judged = verdict_on_refusal(
                self.refusal, provider, own_words, secrets=secrets, said=said
            )
            return (yield from judged)
        if plan.sender and plan.credential and self.timeline.passed(PhaseName.SENDER):
            user = plan.credential.user
            return classify_accepted_sender(self.provider, sender=plan.sender, user=user)
        return _OK
