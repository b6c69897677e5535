"""What a handshake costs is the stranger's choice, and nobody else's loss."""

import _thread
import asyncio
import os
import ssl
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support import certificates
from tests.support.costly_keys import costly_flight
from tests.support.garbage import garbage_of_the_worker
from tests.support.probing import client_context, loopback_network
from tests.support.servers import serve
from tests.support.waiting import until
from worker.probing.errors import NetworkFault, TlsFault
from worker.probing.priority import NICENESS
from worker.probing.target import Protocol, Target
from worker.probing.timeline import Timeline
from worker.probing.transcript import Transcript
from worker.probing.wire.channel import TlsChannel
from worker.probing.wire.dial import dial
from worker.probing.wire.handshake_places import (
    COSTLY_SECONDS,
    MAX_AT_ONCE,
    MAX_CHEAP_NETWORKS,
    MAX_LASTING,
    MAX_LASTING_OF_CHEAP,
    MAX_PER_HONEST_NETWORK,
    MAX_PER_NETWORK,
)
from worker.probing.wire.handshakes import LASTING_SECONDS, Handshakes
from worker.probing.wire.patience import MAX_PATIENCE_IN_TURN_SECONDS, PATIENCE_SECONDS, Patience

STRANGER, NEIGHBOUR, OTHER = map(ip_address, ("203.0.113.5", "203.0.113.77", "192.0.2.1"))


class Slow:
    """A handshake that lasts until it is let go."""

    def __init__(self) -> None:
        self.running = 0
        self.threads = []
        self._go = threading.Event()

    def __call__(self) -> bool:
        self.threads.append(threading.get_native_id())
        self.running += 1
        self._go.wait(200)  # no test ends by it, however slow the machine
        return True

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def slow():
    one = Slow()
    yield one
    one.let_go()


class Unhurried(Timeline):
    """Has no budgets: the thread of a costly handshake gives way to whatever else is running."""

    def phase(self, name, **others):
        return super().phase(name, **(others | {"seconds": self.seconds_left}))


async def test_keys_that_take_long_to_decode_do_not_hold_up_the_loop():
    async def script(wire):
        await wire.read(5)
        await wire.send_raw(costly_flight(1))

    async with serve(script) as server:
        target = Target(certificates.NAME, server.port, Security.IMPLICIT_TLS)
        transcript = Transcript(Protocol.SMTP, ())
        of_loop, of_all = time.thread_time(), time.process_time()
        with pytest.raises(TlsFault) as raised:
            await dial(target, loopback_network(), Unhurried(300), transcript)
        of_loop, of_all = time.thread_time() - of_loop, time.process_time() - of_all
    assert raised.value.code is Code.CERTIFICATE_UNTRUSTED
    assert of_all > 0.1, "the flight is not as costly as it is meant to be"
    assert of_loop < of_all / 2


async def test_one_network_takes_few_of_the_threads_however_many_ask(slow):
    handshakes = Handshakes()
    peers = [STRANGER, NEIGHBOUR] * 50
    strangers = [asyncio.create_task(handshakes(peer, slow)) for peer in peers]
    assert await handshakes(OTHER, lambda: True)
    assert slow.running <= MAX_PER_NETWORK
    slow.let_go()
    assert all(await asyncio.gather(*strangers))


def networks(count):
    return [ip_address(f"10.{number >> 8}.{number & 255}.1") for number in range(count)]


async def test_handshakes_that_last_give_their_places_to_others(slow):
    handshakes = Handshakes()
    peers = networks(MAX_AT_ONCE // MAX_PER_NETWORK) * MAX_PER_NETWORK
    lasting = [asyncio.create_task(handshakes(peer, slow)) for peer in peers]
    await until(lambda: slow.running == MAX_AT_ONCE)
    async with asyncio.timeout(10):
        assert await handshakes(OTHER, lambda: True)
    slow.let_go()
    assert all(await asyncio.gather(*lasting))
    await until(lambda: not handshakes._limits)
    assert handshakes._places.free._value == MAX_AT_ONCE


MOST = MAX_AT_ONCE + MAX_LASTING
"""Of networks of which nothing is known."""


async def test_there_is_a_limit_to_those_that_last(slow):
    handshakes = Handshakes()
    lasting = [asyncio.create_task(handshakes(peer, slow)) for peer in networks(MOST + 9)]
    await until(lambda: slow.running == MOST)
    await asyncio.sleep(2 * LASTING_SECONDS)
    assert slow.running == MOST
    slow.let_go()
    assert all(await asyncio.gather(*lasting))


@pytest.mark.parametrize("count", [MOST, 3 * MOST])
async def test_a_network_that_was_cheap_is_held_up_by_none_however_many_strangers_last(slow, count):
    handshakes = Handshakes()
    assert await handshakes(OTHER, lambda: True)
    lasting = [asyncio.create_task(handshakes(peer, slow)) for peer in networks(count)]
    await until(lambda: slow.running == MOST)
    async with asyncio.timeout(20):
        for _ in range(MAX_AT_ONCE + 1):
            assert await handshakes(OTHER, lambda: True)
    slow.let_go()
    assert all(await asyncio.gather(*lasting))


async def test_there_is_a_limit_to_those_that_last_of_networks_that_were_cheap(slow):
    handshakes, most = Handshakes(Patience(20)), MAX_AT_ONCE + MAX_LASTING_OF_CHEAP
    for peer in networks(most + 9):
        assert await handshakes(peer, lambda: True)
    handshakes._patience = Patience()
    lasting = [asyncio.create_task(handshakes(peer, slow)) for peer in networks(most + 9)]
    await until(lambda: slow.running == most)
    await asyncio.sleep(2 * LASTING_SECONDS)
    assert slow.running == most
    slow.let_go()
    assert all(await asyncio.gather(*lasting))


async def test_as_many_cheap_networks_are_remembered_as_there_may_be_those_of_late():
    handshakes = Handshakes(Patience(20))
    for peer in networks(MAX_CHEAP_NETWORKS + 9):
        await handshakes(peer, lambda: True)
    assert len(handshakes._cheap._networks) == MAX_CHEAP_NETWORKS
    assert next(map(str, handshakes._cheap._networks)) == "10.0.9.0/24"


async def test_the_loop_does_not_wait_until_a_new_thread_gets_a_core(monkeypatch):
    monkeypatch.setattr(_thread, "start_new_thread", lambda *_: 0)
    step = asyncio.create_task(Handshakes()(STRANGER, lambda: True))
    await asyncio.sleep(0)
    assert not step.done()
    step.cancel()
    await asyncio.wait([step])


def niceness_of(thread):
    return os.getpriority(os.PRIO_PROCESS, thread)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process has one for all")
async def test_the_thread_of_a_handshake_that_lasts_gives_way_to_all_others_and_ends_with_it(slow):
    handshakes, usual = Handshakes(), niceness_of(threading.get_native_id())
    lasting = asyncio.create_task(handshakes(STRANGER, slow))
    await until(lambda: slow.running == 1)
    (thread,) = slow.threads
    await until(lambda: handshakes._places._lasting)
    assert niceness_of(thread) == min(19, usual + NICENESS)
    later = []
    await handshakes(OTHER, lambda: not later.append(threading.get_native_id()))
    assert niceness_of(later[0]) == niceness_of(threading.get_native_id()) == usual
    slow.let_go()
    assert await lasting
    await until(lambda: not Path(f"/proc/self/task/{thread}").exists())


def costly():
    before = time.thread_time()
    while time.thread_time() - before < 2 * COSTLY_SECONDS:
        pass
    return True


@pytest.mark.parametrize("advance", [lambda: False, costly])
async def test_only_a_whole_and_cheap_handshake_makes_a_network_a_cheap_one(advance):
    handshakes = Handshakes()
    await handshakes(OTHER, lambda: True)
    await handshakes(STRANGER, advance)
    assert len(handshakes._cheap._networks) == 1


async def require_at_once(expected, *before):
    """So many run at once after `before`, while the network is in use all along."""
    handshakes, slow = Handshakes(), Slow()
    tasks = [asyncio.create_task(handshakes(STRANGER, slow))]
    await until(lambda: slow.running == 1)
    for advance in before:
        await handshakes(STRANGER, advance)
    tasks += [asyncio.create_task(handshakes(STRANGER, slow)) for _ in range(40)]
    await until(lambda: slow.running == expected)
    assert await handshakes(OTHER, lambda: True)
    assert slow.running == expected
    slow.let_go()
    assert all(await asyncio.gather(*tasks))


async def test_cheap_handshakes_get_a_network_more_at_once_and_costly_ones_take_it_back():
    cheap = [lambda: True] * 30
    await require_at_once(MAX_PER_NETWORK)
    await require_at_once(MAX_PER_NETWORK, *[lambda: False] * 30)  # the pieces of one flight
    await require_at_once(MAX_PER_HONEST_NETWORK, *cheap)
    await require_at_once(MAX_PER_NETWORK, *cheap, *[costly] * MAX_PER_HONEST_NETWORK)


async def test_a_handshake_that_ends_at_once_is_over_before_the_loop_turns_again():
    turned = []
    asyncio.get_running_loop().call_soon(turned.append, "turned")
    assert await Handshakes(Patience(20))(STRANGER, lambda: True)
    assert not turned


class Counting(Patience):
    """Counts how often the loop stood still; a wait takes as long as the test says."""

    def __init__(self, seconds=PATIENCE_SECONDS, *, seconds_each):
        super().__init__(seconds, clock=lambda: self.now)
        self.now, self.each = 0.0, seconds_each
        self.stood = []

    def waits_for(self, ends_within):
        def wait(seconds):
            self.stood.append(seconds)
            self.now += self.each
            return ends_within(seconds)

        return super().waits_for(wait)


async def test_the_loop_stands_still_for_no_neighbour_of_a_handshake_that_lasts(slow):
    patience = Counting(seconds_each=PATIENCE_SECONDS)
    handshakes = Handshakes(patience)
    lasting = asyncio.create_task(handshakes(STRANGER, slow))
    await until(lambda: slow.running == 1 and len(patience.stood) == 1)
    assert await handshakes(NEIGHBOUR, lambda: True)
    assert len(patience.stood) == 1
    assert await handshakes(OTHER, lambda: True)
    assert len(patience.stood) == 2, "it does for whoever is of another network"
    slow.let_go()
    assert await lasting


async def one_turn(handshakes, advance, networks):
    """The handshakes of so many networks, each begun in the same turn of the loop."""
    peers = [ip_address(f"10.0.{number}.1") for number in range(networks)]
    tasks = [asyncio.create_task(handshakes(peer, advance)) for peer in peers]
    await asyncio.sleep(0)
    return tasks


async def test_the_loop_stands_still_in_vain_once_a_turn_however_many_networks_are_slow(slow):
    patience = Counting(seconds_each=PATIENCE_SECONDS)
    tasks = await one_turn(Handshakes(patience), slow, networks=40)
    assert len(patience.stood) == 1
    slow.let_go()
    assert all(await asyncio.gather(*tasks))


async def test_the_loop_turns_between_handshakes_that_end_in_time_where_there_are_many():
    patience = Counting(20, seconds_each=MAX_PATIENCE_IN_TURN_SECONDS / 3.5)
    handshakes = Handshakes(patience)
    tasks = await one_turn(handshakes, lambda: True, networks=40)
    assert len(patience.stood) == 4
    for turns in range(2, 11):
        await asyncio.sleep(0)
        assert len(patience.stood) <= 4 * turns
    assert all(await asyncio.gather(*tasks))
    assert len(patience.stood) == 40


async def test_who_gives_up_while_the_loop_has_to_turn_leaves_its_place():
    patience = Counting(20, seconds_each=MAX_PATIENCE_IN_TURN_SECONDS)
    handshakes = Handshakes(patience)
    for _ in range(3):
        tasks = await one_turn(handshakes, lambda: False, networks=MAX_AT_ONCE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert len(patience.stood) < MAX_AT_ONCE
    assert not handshakes._limits
    assert handshakes._places.free._value == MAX_AT_ONCE


def lasting_longer_than_patience():
    before = time.thread_time()
    while time.thread_time() - before < 2 * PATIENCE_SECONDS:
        pass
    return True


async def test_a_network_whose_handshakes_last_longer_gets_no_patience_until_one_took_less(slow):
    patience = Counting(seconds_each=0)
    handshakes = Handshakes(patience)
    other = asyncio.create_task(handshakes(NEIGHBOUR, slow))  # the network stays in use
    await until(lambda: slow.running == 1)
    del patience.stood[:]
    for _ in range(3):
        await handshakes(STRANGER, lasting_longer_than_patience)
        await asyncio.sleep(0)
    assert not patience.stood
    slow.let_go()
    assert await other


async def test_an_error_of_a_handshake_reaches_its_caller_at_once_or_later(slow):
    def fails():
        slow()
        raise TlsFault(Code.TLS_HANDSHAKE_FAILED, "of the test")

    later = asyncio.create_task(Handshakes(Patience(0))(STRANGER, fails))
    await until(lambda: slow.running == 1)
    slow.let_go()
    for waiting in (later, Handshakes(Patience(20))(STRANGER, fails)):
        with pytest.raises(TlsFault, match="of the test"):
            await waiting


async def test_who_gives_up_does_not_free_the_thread_that_is_still_at_work(slow):
    handshakes = Handshakes()
    given_up = [asyncio.create_task(handshakes(STRANGER, slow)) for _ in range(9)]
    await until(lambda: slow.running == MAX_PER_NETWORK)
    for task in given_up:
        task.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    later = asyncio.create_task(handshakes(STRANGER, slow))
    assert await handshakes(OTHER, lambda: True)
    assert slow.running == MAX_PER_NETWORK
    slow.let_go()
    assert await later


@asynccontextmanager
async def lasting(handshakes, slow, advance):
    """A step that outlasts the patience of the loop; in the end it is let go and awaited."""
    step = asyncio.create_task(handshakes(STRANGER, advance))
    await until(lambda: slow.running == 1)
    yield step
    slow.let_go()
    await asyncio.wait([step])
    await until(lambda: not handshakes._limits)


async def test_a_handshake_that_lasted_leaves_nothing_to_the_garbage_collector(slow):
    with garbage_of_the_worker() as garbage:
        async with lasting(Handshakes(), slow, slow):
            pass
    assert not garbage


async def test_nor_does_one_that_fails_when_nobody_waits_for_it_any_more(slow):
    def fails():
        slow()
        raise TlsFault(Code.TLS_HANDSHAKE_FAILED, "of the test")

    with garbage_of_the_worker() as garbage:
        async with lasting(Handshakes(), slow, fails) as step:
            step.cancel()
        del step
    assert not garbage


ENDS_WHILE_A_STEP_RUNS = """
import asyncio, time
from ipaddress import ip_address
from worker.probing.wire.handshakes import Handshakes

async def main():
    step = asyncio.create_task(Handshakes()(ip_address("203.0.113.5"), lambda: time.sleep(600)))
    await asyncio.sleep(0)
    step.cancel()

asyncio.run(main())
"""


def test_the_end_of_the_process_waits_for_no_handshake():
    ended = subprocess.run([sys.executable, "-c", ENDS_WHILE_A_STEP_RUNS], timeout=60, check=False)
    assert ended.returncode == 0


async def test_a_network_that_nobody_shakes_hands_with_is_forgotten():
    handshakes = Handshakes()
    for last in range(20):
        await handshakes(ip_address(f"2001:db8:{last}::1"), lambda: False)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not handshakes._limits


async def test_what_comes_while_a_thread_works_on_the_handshake_waits_for_its_end():
    channel = TlsChannel(client_context(), certificates.NAME, Security.IMPLICIT_TLS)
    assert not channel.advance()
    channel.feed(b"\x16\x03\x03\x00")
    held = []

    async def elsewhere(advance):
        channel.feed(b"\x04")
        channel.feed_eof()
        held.append((channel._incoming.pending, channel._incoming.eof, channel.outgoing()))
        return False

    assert not await channel.advance_in_thread(elsewhere)
    assert held == [(4, False, b"")]
    assert channel._incoming.pending == 5
    assert channel.outgoing()


async def test_a_handshake_that_resumes_brings_no_keys_and_needs_no_thread():
    tls = certificates.only_version(ssl.TLSVersion.TLSv1_3)

    async def elsewhere(advance):
        asked.append(1)
        return advance()

    session, counted = None, []
    for _ in range(2):
        asked = []
        channel = TlsChannel(client_context(), certificates.NAME, Security.IMPLICIT_TLS, session)
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = tls.wrap_bio(to_server, to_client, server_side=True)
        while not await channel.advance_in_thread(elsewhere):
            to_server.write(channel.outgoing())
            with suppress(ssl.SSLWantReadError):
                server.do_handshake()
            channel.feed(to_client.read())
        to_server.write(channel.outgoing())
        server.do_handshake()
        channel.feed(to_client.read())
        channel.read()
        session = channel.ssl_object.session
        counted.append(len(asked))
    assert counted == [1, 0]


@pytest.fixture
def no_more_threads(monkeypatch):
    """Has the system allow no thread beyond those that there are, as a limit of processes does."""

    def refuse():
        def start(*_):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(_thread, "start_new_thread", start)

    yield refuse
    monkeypatch.undo()


async def test_where_no_thread_can_be_started_those_that_there_are_take_all_steps(
    slow, no_more_threads
):
    handshakes = Handshakes()
    first = asyncio.create_task(handshakes(STRANGER, slow))
    await until(lambda: slow.running == 1)
    no_more_threads()
    rest = [asyncio.create_task(handshakes(OTHER, lambda: True)) for _ in range(100)]
    await asyncio.sleep(0)
    slow.let_go()
    async with asyncio.timeout(30):
        assert await asyncio.gather(first, *rest) == [True] * 101


async def test_the_only_thread_stays_where_it_can_have_no_successor(slow, no_more_threads):
    handshakes = Handshakes()
    first = asyncio.create_task(handshakes(STRANGER, slow))
    await until(lambda: slow.running == 1)
    no_more_threads()
    await asyncio.sleep(2 * LASTING_SECONDS)
    slow.let_go()
    async with asyncio.timeout(30):
        assert await first
        assert await handshakes(OTHER, lambda: True)


async def test_a_handshake_for_which_there_is_no_thread_fails_and_keeps_no_place(
    no_more_threads, monkeypatch
):
    handshakes = Handshakes()
    no_more_threads()
    async with asyncio.timeout(30):
        for _ in range(MAX_AT_ONCE + 1):
            with pytest.raises(NetworkFault) as failed:
                await handshakes(STRANGER, lambda: True)
            assert failed.value.code is Code.INTERNAL_SERVER_ERROR
    monkeypatch.undo()
    async with asyncio.timeout(30):
        assert await handshakes(STRANGER, lambda: True)


async def test_a_thread_that_was_reserved_makes_handshakes_where_no_other_can_be_started(
    no_more_threads,
):
    handshakes = Handshakes()
    handshakes.reserve()
    no_more_threads()
    async with asyncio.timeout(30):
        assert await handshakes(STRANGER, lambda: True)
