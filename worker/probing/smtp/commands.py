"""Commands out, replies in: a session with SMTP's framing. At most one command is unanswered."""

from worker.probing.smtp.reply import Reply, ReplyReader
from worker.probing.wire.session import Session


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


async def hidden_command(session: Session, line: bytes, shown: str, *, secret: bool) -> Reply:
    """Send a line of a login; the transcript has `shown` in its place.

    `secret`: it is made of the password or token, and not of the user's name alone.
    """
    session.require_silence()
    await session.send_hidden_line(line, shown, secret=secret)
    return await read_reply(session)
