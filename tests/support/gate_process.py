"""A worker process of the limits' tests: probes that hold a place for a while, told on stdout.

argv: Redis URL, name, places per host, number of probes, milliseconds to hold, users.
Prints "waits", "in" and "out" with the monotonic clock, which all processes of a machine share.
"""

import asyncio
import sys
import time
from contextlib import contextmanager
from functools import partial

from producer.contract.codes import Code
from tests.support.gate_probes import probe_of_job
from worker.limits.gate import RedisGate
from worker.limits.identity import Identity
from worker.limits.limits import Limits
from worker.limits.shards import LimitShards
from worker.probing.gate import Admitted, Finding
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link


def tell(word, user):
    sys.stdout.write(f"{word} {user} {time.monotonic()}\n")
    sys.stdout.flush()


@contextmanager
def waiting(name):
    tell("waits", name)
    yield


async def probe(gate, name, user, hold_seconds):
    admission = await gate.enter(probe_of_job(name, user, secret=name))
    if not isinstance(admission, Admitted):
        tell(type(admission).__name__.lower(), user)
        return
    tell("in", user)
    try:
        await asyncio.sleep(hold_seconds)
    finally:
        tell("out", user)
        gate.leave(admission, Finding(Code.AUTHENTICATION_FAILED))


async def main(url, name, places, probes, milliseconds, users):
    link = Link(async_pool(url))
    limits = Limits(int(places), login_failure_limit=5, life_seconds=1.0)
    gate = RedisGate(
        LimitShards({"test": link}), Identity(b"k" * 32), limits, partial(waiting, name)
    )
    people = [f"{n % int(users)}" for n in range(int(probes))]
    await asyncio.gather(
        *(
            probe(gate, f"{name}-{n}", user, int(milliseconds) / 1000)
            for n, user in enumerate(people)
        )
    )
    await link.execute("PING")  # after every leave
    await link.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
