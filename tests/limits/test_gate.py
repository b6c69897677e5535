import asyncio
import contextlib
from collections import Counter

import pytest

from producer.contract.codes import Code
from tests.support.command_count import counted_commands
from tests.support.gate_probes import blocked, in_line, probe_of_job
from tests.support.waiting import until
from worker.limits.gate import POLL_SECONDS
from worker.limits.lua import ENTER, HEARTBEAT, LEAVE
from worker.probing.gate import Admitted, Cooldown, Finding, Repeated
from worker.probing.target import Protocol

PROCESSES = "test:limits:processes"
REFUSED = Finding(Code.AUTHENTICATION_FAILED, field="smtpPassword", hint="some_hint")
PROVEN = Finding(Code.OK)
UNANSWERED = Finding(Code.CONNECTION_CLOSED, retryable=True, unanswered=True)

pytestmark = pytest.mark.redis_server


async def go(gate, finding, *args, **options):
    admission = await gate.enter(probe_of_job(*args, **options))
    if isinstance(admission, Admitted):
        gate.leave(admission, finding)
    return admission


async def test_a_gate_with_nobody_inside_admits_everybody_and_remembers_nothing(open_gate, redis):
    gate = open_gate()
    assert isinstance(await go(gate, PROVEN), Admitted)
    assert isinstance(await go(gate, PROVEN), Admitted)
    await gate._shards.each[0].link.execute("PING")
    assert redis.keys() == [b"test:limits:processes"]


@pytest.mark.parametrize(("places", "wanted"), [(50, 14), (0, 9)])
async def test_a_probe_that_meets_nobody_asks_little_of_redis(open_gate, redis, places, wanted):
    gate = open_gate(host_concurrency=places, life_seconds=10_000)
    await go(gate, PROVEN)
    await gate._shards.each[0].link.execute("PING")
    with counted_commands(redis) as asked:
        inside = [await gate.enter(probe_of_job(protocol=protocol)) for protocol in Protocol]
        for one in inside:
            gate.leave(one, PROVEN)
        await gate._shards.each[0].link.execute("PING")
    assert asked.count == len(Protocol) * wanted + 1, "those inside the scripts too"


async def test_a_login_that_worked_beside_another_leaves_nothing_behind(open_gate, redis):
    gate = open_gate()
    inside = [await gate.enter(probe_of_job(protocol=protocol)) for protocol in Protocol]
    for one in inside:
        gate.leave(one, PROVEN)
    await gate._shards.each[0].link.execute("PING")
    assert redis.keys() == [b"test:limits:processes"]


async def test_a_process_whose_beats_are_late_lives_on_by_its_tickets(open_gate, redis):
    gate = open_gate(life_seconds=3600)
    await go(gate, None)
    long_ago = redis.zscore(PROCESSES, gate._process) - 2_000_000
    redis.zadd(PROCESSES, {gate._process: long_ago})
    await go(gate, None)
    assert redis.zscore(PROCESSES, gate._process) > long_ago + 1_900_000


async def test_the_very_credential_that_was_refused_is_answered_from_memory(open_gate):
    gate = open_gate()
    await go(gate, REFUSED)
    assert await go(gate, REFUSED) == Repeated(REFUSED)
    assert await go(open_gate(), REFUSED) == Repeated(REFUSED)


async def test_another_port_or_protocol_is_another_question(open_gate):
    gate = open_gate()
    await go(gate, REFUSED)
    assert isinstance(await go(gate, None, port=587), Admitted)
    assert isinstance(await go(gate, None, protocol=Protocol.IMAP), Admitted)


async def test_beyond_the_limit_of_refused_logins_nothing_is_sent(open_gate):
    gate = open_gate(login_failure_limit=3)
    for number in range(3):
        assert isinstance(await go(gate, REFUSED, secret=f"guess {number}"), Admitted)
    cooldown = await go(open_gate(login_failure_limit=3), REFUSED, secret="the fourth")
    assert isinstance(cooldown, Cooldown)
    assert 890 <= cooldown.seconds <= 900


async def test_a_cooldown_is_for_one_user_of_one_host(open_gate):
    gate = open_gate(login_failure_limit=1)
    await go(gate, REFUSED)
    assert isinstance(await go(gate, None, secret="other", user="AMY"), Cooldown)
    assert isinstance(await go(gate, None, user="bob"), Admitted)
    assert isinstance(await go(gate, None, host="other.test"), Admitted)


async def test_both_protocols_count_against_one_account(open_gate):
    gate = open_gate(login_failure_limit=2)
    await go(gate, REFUSED, protocol=Protocol.SMTP)
    await go(gate, REFUSED, protocol=Protocol.IMAP)
    assert isinstance(await go(gate, None, secret="third"), Cooldown)


async def test_what_is_in_flight_may_be_refused_and_counts(open_gate):
    gate = open_gate(login_failure_limit=1)
    smtp = await gate.enter(probe_of_job())
    imap = asyncio.create_task(gate.enter(probe_of_job(protocol=Protocol.IMAP)))
    assert await blocked(imap)
    gate.leave(smtp, REFUSED)
    assert isinstance(await imap, Cooldown)


def grow_older(redis, seconds):
    """Move what is remembered of accounts into the past, as if so much time had gone by."""
    for key in redis.scan_iter("test:limits:account:*"):
        for name, record in redis.hgetall(key).items():
            at, space, rest = record.partition(b" ")
            redis.hset(key, name, b"%d" % (int(at) - 1000 * seconds) + space + rest)


async def test_refusals_leave_the_window_one_by_one(open_gate, redis):
    gate = open_gate(login_failure_limit=2, login_failure_window_seconds=900)
    await go(gate, REFUSED, secret="first")
    await gate._shards.each[0].link.execute("PING")
    grow_older(redis, 500)
    await go(gate, REFUSED, secret="second")
    cooldown = await go(gate, REFUSED, secret="third")
    assert isinstance(cooldown, Cooldown)
    assert 300 < cooldown.seconds <= 400, "until the first has left the window"
    grow_older(redis, 400)
    assert isinstance(await go(gate, REFUSED, secret="third"), Admitted)
    assert isinstance(await go(gate, REFUSED, secret="fourth"), Cooldown)


async def test_a_login_that_works_ends_the_count_and_not_the_memory(open_gate):
    gate = open_gate(login_failure_limit=2)
    await go(gate, REFUSED, secret="first")
    await go(gate, PROVEN, secret="right")
    await asyncio.sleep(0.01)
    await go(gate, REFUSED, secret="second")
    assert isinstance(await go(gate, PROVEN, secret="right"), Admitted)
    assert await go(gate, None, secret="first") == Repeated(REFUSED)


@pytest.mark.parametrize(
    "code",
    [
        Code.AUTHENTICATION_TEMPORARY,
        Code.RATE_LIMITED,
        Code.CONNECTION_REFUSED,
        Code.PROTOCOL_DISABLED,
        Code.DEADLINE_EXCEEDED,
    ],
)
async def test_what_says_nothing_of_the_credential_is_not_remembered(open_gate, code):
    gate = open_gate(login_failure_limit=1)
    await go(gate, Finding(code))
    assert isinstance(await go(gate, None), Admitted)


async def test_a_login_without_an_answer_counts_and_is_not_answered_from_memory(open_gate):
    gate = open_gate(login_failure_limit=2)
    assert isinstance(await go(gate, UNANSWERED), Admitted)
    assert isinstance(await go(gate, UNANSWERED), Admitted)
    assert isinstance(await go(gate, UNANSWERED), Cooldown)


async def test_where_logins_have_no_limit_one_without_an_answer_is_not_remembered(open_gate, redis):
    gate = open_gate(login_failure_limit=0)
    await go(gate, UNANSWERED)
    await gate._shards.each[0].link.execute("PING")
    assert redis.keys("test:limits:account:*") == []


async def test_identical_tests_are_one_login(open_gate):
    gates = [open_gate(), open_gate()]
    answers = await asyncio.gather(*(go(gates[n % 2], REFUSED, f"job-{n}") for n in range(10)))
    assert sum(isinstance(answer, Admitted) for answer in answers) == 1
    assert sum(answer == Repeated(REFUSED) for answer in answers) == 9


async def test_one_login_at_a_time_for_each_account_and_protocol(open_gate):
    ours, theirs = open_gate(), open_gate()
    first = await ours.enter(probe_of_job(secret="a"))
    second = asyncio.create_task(theirs.enter(probe_of_job(secret="b")))
    assert isinstance(await theirs.enter(probe_of_job(protocol=Protocol.IMAP)), Admitted)
    assert await blocked(second)
    ours.leave(first, None)
    assert isinstance(await second, Admitted)


async def test_a_host_has_so_many_places_over_all_workers(open_gate):
    gates = [open_gate(host_concurrency=3) for _ in range(3)]
    inside = [await gate.enter(probe_of_job(f"j{n}", f"user {n}")) for n, gate in enumerate(gates)]
    waiting = [
        asyncio.create_task(gate.enter(probe_of_job(f"k{n}", f"late {n}")))
        for n, gate in enumerate(gates)
    ]
    assert all([await blocked(task) for task in waiting])
    assert isinstance(await gates[0].enter(probe_of_job(user="else", host="other.test")), Admitted)
    for gate, admitted in zip(gates, inside, strict=True):
        gate.leave(admitted, PROVEN)
    assert all(isinstance(answer, Admitted) for answer in await asyncio.gather(*waiting))


async def test_a_probe_without_a_login_needs_a_place_too(open_gate):
    gate = open_gate(host_concurrency=1)
    first = await gate.enter(probe_of_job("a", None))
    second = asyncio.create_task(gate.enter(probe_of_job("b", None)))
    assert await blocked(second)
    gate.leave(first, PROVEN)
    assert isinstance(await second, Admitted)


async def test_without_a_host_limit_a_probe_without_a_login_asks_nobody(open_gate, redis):
    gate = open_gate(host_concurrency=0)
    gate.leave(await gate.enter(probe_of_job(user=None)), PROVEN)
    assert redis.keys() == []


async def test_a_batch_leaves_places_for_single_tests(open_gate):
    gate = open_gate(host_concurrency=4)
    batch = [asyncio.create_task(gate.enter(probe_of_job("batch", f"u{n}"))) for n in range(50)]
    await until(lambda: sum(task.done() for task in batch) == 2)
    assert await blocked(batch[-1])
    single = await asyncio.wait_for(gate.enter(probe_of_job("single", "somebody")), 5)
    assert isinstance(single, Admitted)
    assert sum(task.done() for task in batch) == 2
    for task in batch:
        task.cancel()
    await asyncio.gather(*batch, return_exceptions=True)


async def test_workers_take_turns_at_a_full_host(open_gate):
    many, one = open_gate(host_concurrency=1), open_gate(host_concurrency=1)
    order, all_wait = [], asyncio.Event()

    async def probe(gate, name, user):
        admitted = await gate.enter(probe_of_job(user, user))
        order.append(name)
        await all_wait.wait()
        gate.leave(admitted, PROVEN)

    others = [asyncio.create_task(probe(many, "many", f"m{n}")) for n in range(12)]
    await until(lambda: order == ["many"])
    single = asyncio.create_task(probe(one, "one", "single"))
    assert await blocked(single)
    all_wait.set()
    await asyncio.gather(single, *others)
    assert order.index("one") <= 5


async def test_who_stops_waiting_holds_nothing(open_gate):
    gate = open_gate(host_concurrency=1)
    inside = await gate.enter(probe_of_job("a", "a"))
    waiting = [asyncio.create_task(gate.enter(probe_of_job(f"w{n}", f"w{n}"))) for n in range(5)]
    await asyncio.sleep(0.05)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    gate.leave(inside, None)
    other = open_gate(host_concurrency=1)
    assert isinstance(await asyncio.wait_for(other.enter(probe_of_job("z", "z")), 5), Admitted)


class InLine:
    """How many say that they wait."""

    def __init__(self):
        self.now = self.ever = 0

    @contextlib.contextmanager
    def __call__(self):
        self.now += 1
        self.ever += 1
        try:
            with in_line():
                yield
        finally:
            self.now -= 1


@pytest.mark.parametrize("ending", ["admitted", "answered", "cancelled"])
async def test_a_probe_says_that_it_waits_for_as_long_as_it_stands_in_line(open_gate, ending):
    in_line = InLine()
    gate = open_gate(in_line)
    first = await gate.enter(probe_of_job("a"))
    assert in_line.ever == 0
    second = asyncio.create_task(gate.enter(probe_of_job("b")))
    assert await blocked(second)
    assert in_line.now == 1
    if ending == "cancelled":
        second.cancel()
    else:
        gate.leave(first, REFUSED if ending == "answered" else None)
    await asyncio.wait([second])
    assert (in_line.now, in_line.ever) == (0, 1)


@pytest.mark.parametrize("moment", range(6))
async def test_a_cancel_at_any_moment_leaves_nothing_behind(open_gate, redis, moment):
    gate = open_gate(host_concurrency=1)
    tasks = [asyncio.create_task(gate.enter(probe_of_job(f"j{n}", "amy"))) for n in range(3)]
    for _ in range(moment):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            gate.leave(await task, None)
    await asyncio.wait_for(go(gate, None), 5)
    await gate._shards.each[0].link.execute("PING")
    assert redis.keys() == [b"test:limits:processes"]


async def test_a_place_that_got_lost_is_free_again_after_the_hold(open_gate):
    lost = open_gate(host_concurrency=1, hold_seconds=0.2)
    await lost.enter(probe_of_job())
    gate = open_gate(host_concurrency=1, hold_seconds=0.2)
    assert isinstance(await asyncio.wait_for(gate.enter(probe_of_job(secret="b")), 5), Admitted)


async def test_nothing_in_redis_tells_who_is_tested(open_gate, redis):
    gate = open_gate()
    await gate.enter(probe_of_job("a", "canary-user", "canary-secret", host="canary.test"))
    await go(gate, REFUSED, "b", "canary-user-2", "canary-secret", host="canary.test")
    await gate._shards.each[0].link.execute("PING")
    assert any(b"account" in key for key in redis.scan_iter())
    for key in redis.scan_iter():
        kept = redis.hgetall(key) if b"account" in key else redis.zrange(key, 0, -1)
        assert b"canary" not in key + repr(kept).encode()
        assert redis.pttl(key) > 0


@pytest.mark.parametrize("script", [ENTER, LEAVE])
async def test_a_call_that_arrives_twice_counts_once(open_gate, redis, script):
    gate = open_gate(host_concurrency=2)
    call = gate._shards.each[0].link.call

    async def twice(what, keys, words):
        if what is script:
            await call(what, keys, words)
        return await call(what, keys, words)

    gate._shards.each[0].link.call = twice
    admitted = await gate.enter(probe_of_job())
    assert isinstance(admitted, Admitted)
    gate.leave(admitted, REFUSED)
    assert await gate.enter(probe_of_job()) == Repeated(REFUSED)
    assert redis.keys("test:limits:places:*") == []


async def test_a_probe_that_nothing_stops_costs_two_calls(open_gate):
    gate = open_gate()
    calls = []
    call = gate._shards.each[0].link.call

    async def counted(what, keys, words):
        calls.append(what.name)
        return await call(what, keys, words)

    gate._shards.each[0].link.call = counted
    await go(gate, PROVEN)
    await gate._shards.each[0].link.execute("PING")
    assert calls == ["enter", "leave"]


async def test_while_redis_is_away_a_probe_waits_for_its_place(open_gate, server):
    gate = open_gate()
    inside = await gate.enter(probe_of_job("a", "a"))
    server.freeze()
    try:
        waiting = asyncio.create_task(gate.enter(probe_of_job("b", "b")))
        gate.leave(inside, REFUSED)
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
    finally:
        server.thaw()
    assert isinstance(await asyncio.wait_for(waiting, 10), Admitted)
    assert await go(gate, None, "c", "a") == Repeated(REFUSED)


async def test_a_thousand_waiting_for_one_account_are_in_nobodys_way(open_gate):
    """What they cost: one question per login and poll; strangers pass them at once."""
    theirs, ours = open_gate(), open_gate()
    busy = await theirs.enter(probe_of_job("busy", "amy"))
    waiting = [
        asyncio.create_task(ours.enter(probe_of_job(f"j{n}", "amy", f"s{n}"))) for n in range(1000)
    ]
    calls = Counter()
    call = ours._shards.each[0].link.call

    async def counted(what, keys, words):
        calls[what.name] += 1
        return await call(what, keys, words)

    ours._shards.each[0].link.call = counted
    loop = asyncio.get_running_loop()
    began = loop.time()
    questions = []
    for number in range(200):
        asked = calls["enter"]
        ours.leave(await ours.enter(probe_of_job(f"k{number}", f"stranger {number}")), PROVEN)
        questions.append(calls["enter"] - asked)
        await asyncio.sleep(0)
    polls = (loop.time() - began) / POLL_SECONDS
    assert calls["enter"] - 200 <= polls + 2
    assert sorted(questions)[190] <= 2, "its own, and one of a poll that came meanwhile"
    assert not any(task.done() for task in waiting)
    theirs.leave(busy, REFUSED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_those_who_wait_for_one_account_go_in_one_after_the_other(open_gate):
    gates = [open_gate(), open_gate()]
    inside = most = 0

    async def probe(number):
        nonlocal inside, most
        admitted = await gates[number % 2].enter(probe_of_job(f"j{number}", "amy", f"s{number}"))
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        gates[number % 2].leave(admitted, PROVEN)

    async with asyncio.timeout(20):
        await asyncio.gather(*(probe(number) for number in range(40)))
    assert most == 1


async def test_an_outage_longer_than_a_life_makes_nobody_forget_the_living(open_gate, server):
    ours, theirs = open_gate(life_seconds=1), open_gate(life_seconds=1)
    inside = await ours.enter(probe_of_job(secret="a"))
    waiting = asyncio.create_task(theirs.enter(probe_of_job(secret="b")))
    assert await blocked(waiting)
    server.freeze()
    try:
        await asyncio.sleep(1.5)
    finally:
        server.thaw()
    await asyncio.sleep(1)
    assert not waiting.done(), "one login at a time, though Redis was away"
    ours.leave(inside, PROVEN)
    assert isinstance(await asyncio.wait_for(waiting, 10), Admitted)


@pytest.mark.parametrize("script", ["enter", "heartbeat"])
async def test_after_a_gap_the_listed_count_as_living_for_half_a_life(open_gate, redis, script):
    """The one that lives is heard again; the one that died in the gap is given up then."""
    key = "test:limits:processes"
    gate = open_gate(host_concurrency=1, life_seconds=2)
    dead = open_gate(host_concurrency=1, life_seconds=2)
    await dead.enter(probe_of_job("dead", "bob"))
    dead._heartbeats.tasks[dead._shards.each[0]].cancel()
    for name in redis.zrange(key, 0, -1):
        redis.zincrby(key, -5000, name)
    if script == "heartbeat":
        await gate._shards.each[0].link.call(HEARTBEAT, [key], ["me", 2000, 1000])
    began = asyncio.get_running_loop().time()
    assert isinstance(await asyncio.wait_for(gate.enter(probe_of_job("a", "a")), 30), Admitted)
    assert asyncio.get_running_loop().time() - began > 0.8


class Clocked:
    """A wait queue in which nobody may go yet; hears by which clock it is asked."""

    registered = False
    served = True
    someone_waits = True

    def __init__(self):
        self.asked = []

    def next(self, now):
        self.asked.append(now)

    def soonest(self, now):
        self.asked.append(now)

    async def change(self, until):
        self.someone_waits = False


async def test_nobody_is_forgotten_whose_time_comes_between_two_looks_at_the_clock(open_gate):
    queue = Clocked()
    await open_gate()._serve(queue, "host")
    first, second = queue.asked
    assert first == second
