"""Probes as the gate is asked to let them in, with what matters to the test in sight."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from weakref import WeakKeyDictionary

from pydantic import SecretStr

from producer.contract.report import Security
from worker.limits.gate import POLL_SECONDS
from worker.probing.gate import ProbeOfJob
from worker.probing.target import Credential, ProbePlan, Protocol, Target


def probe_of_job(
    job_id="job", user="amy", secret="wrong", *, host="mail.test", protocol=Protocol.SMTP, port=465
):
    """`user` None: a probe without a login."""
    credential = None if user is None else Credential(user, SecretStr(secret))
    target = Target(host, port, Security.IMPLICIT_TLS)
    return ProbeOfJob(job_id, ProbePlan(protocol, target, credential))


Task = asyncio.Task[object]
_in_line: WeakKeyDictionary[Task, asyncio.Event] = WeakKeyDictionary()


def _event(task: Task) -> asyncio.Event:
    return _in_line.setdefault(task, asyncio.Event())


def in_line() -> AbstractContextManager[None]:
    """What a gate of these tests enters for as long as a probe waits for its turn."""
    task = asyncio.current_task()
    assert task is not None
    return _told_to_wait(task)


@contextmanager
def _told_to_wait(task: Task) -> Iterator[None]:
    _event(task).set()
    try:
        yield
    finally:
        _event(task).clear()


async def blocked(task: Task) -> bool:
    """Tell whether a probe was told to wait, and waits when its gate had time to ask again."""
    told = asyncio.ensure_future(_event(task).wait())
    await asyncio.wait([task, told], return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    await asyncio.sleep(4 * POLL_SECONDS)
    return not task.done()
