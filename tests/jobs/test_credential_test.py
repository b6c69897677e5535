"""A batch from its request to its answer, with an engine that is a table."""

import asyncio

from producer.contract.codes import Code
from producer.contract.report import Probe
from worker.jobs.credential_test import BatchRules, Engine, run_batch
from worker.probing.result import ProbeResult

RULES = BatchRules(max_items=50, allow_cleartext=True)


def account(host, **fields):
    return {
        "smtpHost": host,
        "smtpUserID": "u@mail.test",
        "smtpPassword": "hunter2-Canary",
    } | fields


class Network:
    """Answers when it is told to, with OK."""

    def __init__(self, *hosts):
        self.gates = {host: asyncio.Event() for host in hosts}

    async def probe(self, plan, _fields):
        await self.gates[plan.target.host].wait()
        return ProbeResult(plan.protocol, Probe(code=Code.OK, retryable=False))

    async def discover(self, _domain, _protocol):
        return None

    @property
    def engine(self):
        return Engine(self.probe, self.discover)


async def test_each_ended_item_is_told_in_the_order_of_their_ends():
    network, heard = Network("a.test", "b.test"), asyncio.Queue()
    items = [account("a.test"), account("b.test"), "no object at all"]

    def progress(done, total):
        heard.put_nowait(
            (done, total, [host for host in network.gates if network.gates[host].is_set()])
        )

    batch = asyncio.ensure_future(run_batch(items, RULES, network.engine, progress))
    assert await heard.get() == (1, 3, [])
    network.gates["b.test"].set()
    assert await heard.get() == (2, 3, ["b.test"])
    network.gates["a.test"].set()
    await batch
    assert heard.get_nowait() == (3, 3, ["a.test", "b.test"])
    assert heard.empty()


async def test_the_last_progress_and_the_end_of_the_batch_are_one_moment():
    network, turned = Network("a.test"), []
    network.gates["a.test"].set()

    def progress(_done, _total):
        asyncio.get_running_loop().call_soon(turned.append, "turned")

    await run_batch([account("a.test")], RULES, network.engine, progress)
    assert not turned  # nothing else ran in between, so both leave in one exchange with Redis
