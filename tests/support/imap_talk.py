"""IMAP dialogues with a scripted session."""

import pytest

from producer.contract.report import Security
from tests.support.fake_session import FakeSession, credential, derive_here, plan
from worker.probing.errors import ProbeFault
from worker.probing.imap.dialogue import converse
from worker.probing.target import Protocol

TIM = credential("tim", "secret")


async def talk(script, *, security=Security.IMPLICIT_TLS, login=TIM):
    """Return the session and the answer; the script must have happened to its end."""
    session = FakeSession(script, secure=security is Security.IMPLICIT_TLS)
    answer = await converse(session, plan(Protocol.IMAP, security, login), derive=derive_here)
    assert session.is_over
    return session, answer


async def fail(script, *, security=Security.IMPLICIT_TLS, login=TIM):
    """Return the session and the fault."""
    session = FakeSession(script, secure=security is Security.IMPLICIT_TLS)
    with pytest.raises(ProbeFault) as caught:
        await converse(session, plan(Protocol.IMAP, security, login), derive=derive_here)
    return session, caught.value
