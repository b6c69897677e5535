"""A probe's dialogue with a real server: dial, converse, close."""

from tests.support import certificates
from tests.support.fake_session import credential, derive_here
from tests.support.peers import PASSWORD, USER
from tests.support.probing import LOOPBACK, client_context
from tests.support.servers import FakeResolver
from worker.probing.imap import authentication as imap_authentication
from worker.probing.imap import dialogue as imap
from worker.probing.imap.capability import Capabilities as ImapCapabilities
from worker.probing.imap.commands import Commands
from worker.probing.smtp import authentication as smtp_authentication
from worker.probing.smtp import commands as smtp_commands
from worker.probing.smtp import dialogue as smtp
from worker.probing.smtp.capability import Capabilities as SmtpCapabilities
from worker.probing.target import ProbePlan, Protocol, Target
from worker.probing.timeline import Timeline
from worker.probing.transcript import Transcript
from worker.probing.wire.dial import Network, dial

TIM = credential(USER, PASSWORD)
WRONG = credential(USER, "wrong horse")
DEADLINE_SECONDS = 30


class Conversation:
    """One dialogue's end: `answer`, and what the session knew of it."""

    def __init__(self, answer, session):
        self.answer = answer
        self.lines = session.transcript.lines()
        self.phases = [phase.name for phase in session.timeline.phases()]
        self.tls = session.tls_facts


async def open_session(
    protocol, port, security, login=TIM, *, host="mail.test", address="127.0.0.1", context=None
):
    resolver = FakeResolver({host: [address]})
    network = Network(resolver, LOOPBACK, context or client_context(), 5.0)
    secrets = (login.secret.get_secret_value(),) if login else ()
    return await dial(
        Target(host, port, security),
        network,
        Timeline(DEADLINE_SECONDS),
        Transcript(protocol, secrets),
    )


async def converse(protocol, port, security, login=TIM, *, sender=None, **where):
    """Return a Conversation. Raises ProbeFault."""
    where.setdefault("host", certificates.NAME)
    session = await open_session(protocol, port, security, login, **where)
    plan = ProbePlan(protocol, Target(where["host"], port, security), login, sender)
    try:
        if protocol is Protocol.IMAP:
            return Conversation(await imap.converse(session, plan, derive=derive_here), session)
        answer = await smtp.converse(session, plan, ehlo_name="probe.test", derive=derive_here)
        return Conversation(answer, session)
    finally:
        await session.close()


async def log_in(protocol, port, security, login, *offered):
    """Log in as if the server offered nothing but `offered`. Implicit TLS or clear text."""
    target = Target(certificates.NAME, port, security)
    session = await open_session(protocol, port, security, login)
    try:
        if protocol is Protocol.SMTP:
            await smtp_commands.read_reply(session)
            await smtp_commands.command(session, b"EHLO probe.test")
            capabilities = SmtpCapabilities(mechanisms=offered)
            return await smtp_authentication.authenticate(
                session, target, login, capabilities, derive_here
            )
        await session.read_line()
        words = frozenset({"SASL-IR", *offered})
        commands = Commands(session)
        return await imap_authentication.authenticate(
            commands, target, login, ImapCapabilities(words), derive_here
        )
    finally:
        session.send_last_line(b"QUIT")
        await session.close()
