"""Commands out, replies in: a session with SMTP's framing. At most one command is unanswered."""

from typing import Final

from worker.probing.smtp.reply import Reply, ReplyReader
from worker.probing.wire.session import Session

HIDDEN: Final = "<hidden>"


async def read_reply(session: Session, reader: ReplyReader | None = None) -> Reply:
    """Return one complete reply; what was read of it goes to the transcript in any case."""
    reader = reader or ReplyReader()
    try:
        while (reply := reader.feed(await session.read_line())) is None:
            pass
    finally:
        if reader.lines:
            session.record_reply(reader.lines)
    return reply


async def command(session: Session, line: bytes) -> Reply:
    # Octets before the command they would answer: the server, or somebody between, runs ahead.
    session.require_silence()
    await session.send_line(line)
    return await read_reply(session)


async def secret_command(session: Session, line: bytes, shown: str) -> Reply:
    """Send a line with a part of a credential; the transcript has `shown` in its place."""
    session.require_silence()
    await session.send_secret_line(line, shown)
    return await read_reply(session)
