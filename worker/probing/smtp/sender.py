"""May this account send from this address? MAIL FROM, and never a recipient.

RSET goes along where PIPELINING lets it (RFC 2920), and as with QUIT nobody waits for its reply,
which could change nothing; elsewhere the QUIT that follows ends the transaction just as well
(RFC 5321, section 4.1.1.10).
"""

import re
from typing import Final

from producer.contract.report import PhaseName
from worker.probing.errors import ProbeFault
from worker.probing.smtp.capability import Capabilities
from worker.probing.smtp.commands import read_reply
from worker.probing.smtp.reply import Reply
from worker.probing.target import Refusal
from worker.probing.wire.host import to_a_labels
from worker.probing.wire.session import Session

SHOWN: Final = "MAIL FROM:<hidden>"
"""The address often is the user name, which is a part of the credential."""

MAX_LOCAL_PART_OCTETS: Final = 64

# A dot-string (RFC 5321, section 4.1.2), with RFC 6531 any letter beyond ASCII. No quoted string:
# nothing that could end the path or the line can get in.
_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u00a1-\U0010fffd]+\Z")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?=.{{1,255}}\Z){_LABEL}(?:\.{_LABEL})*\Z")


async def check_sender(
    session: Session, address: str, capabilities: Capabilities
) -> Refusal | None:
    """Return the server's refusal of the address; None where it took it, or could not be asked.

    The login is proved by now: nothing that goes wrong here changes that, with one exception that
    the verdict handles: a server that still asks for a login has not taken ours.
    """
    path = _path(address, capabilities)
    if path is None:
        session.timeline.skip(PhaseName.SENDER)
        return None
    try:
        async with session.phase(PhaseName.SENDER):
            reply = await _ask(session, path, pipelining="PIPELINING" in capabilities)
    except ProbeFault:
        return None
    return reply.as_refusal(PhaseName.SENDER) if reply.code >= 400 else None


async def _ask(session: Session, path: bytes, *, pipelining: bool) -> Reply:
    session.require_silence()
    line = b"MAIL FROM:" + path
    if not pipelining:
        await session.send_hidden_line(line, SHOWN, secret=False)
        return await read_reply(session)
    session.hold_hidden_line(line, SHOWN)
    await session.send_line(b"RSET")
    return await read_reply(session)


def _path(address: str, capabilities: Capabilities) -> bytes | None:
    """Return the address as `<…>` with its parameters; None where it cannot be sent as such."""
    local_part, _, domain = address.rpartition("@")
    if not _LOCAL_PART.match(local_part) or len(local_part.encode()) > MAX_LOCAL_PART_OCTETS:
        return None
    try:
        domain = domain.lower() if domain.isascii() else to_a_labels(domain)
    except UnicodeError:
        return None
    if not _DOMAIN.match(domain):
        return None
    path = f"<{local_part}@{domain}>".encode()
    if path.isascii():
        return path
    return path + b" SMTPUTF8" if "SMTPUTF8" in capabilities else None
