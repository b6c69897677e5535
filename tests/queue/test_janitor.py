"""The janitor's scripts at a real Redis, with workers that are only names."""

import asyncio
import json
from statistics import median

import pytest

from tests.support.queueing import NS
from tests.support.toy_app import make_setup
from tests.support.waiting import until
from worker.queue import lua
from worker.queue.janitor import MOST_STRAYS, SCAN_COUNT, STRAY_SECONDS, ClockCheck, Janitor
from worker.queue.layout import Layout, delayed
from worker.queue.message import MAX_MESSAGE_BYTES
from worker.queue.observer import Observer

pytestmark = pytest.mark.redis_server

QUEUE = "credential-tests"
LAYOUT = Layout(NS)
PERIOD, DEAD, QUIET, LETTERS = 2000, 15_000, 5000, 7 * 86400 * 1000
DAY_MS = 86_400_000


@pytest.fixture
def maintain(client):
    script = client.register_script(lua.source("maintain"))

    def run(broker="me"):
        args = [broker, NS, PERIOD, DEAD, QUIET, LETTERS, QUEUE, "integration-updates"]
        return script(keys=[LAYOUT.heartbeats, LAYOUT.janitor], args=args)[2]

    return run


def now_ms(client):
    seconds, microseconds = client.time()
    return seconds * 1000 + microseconds // 1000


def passed(client, seconds_ago=PERIOD / 1000):
    """The janitors have been at work, last so many seconds ago."""
    client.hset(LAYOUT.janitor, "pass", int(now_ms(client) - seconds_ago * 1000))


def hold(client, broker, *ids, queue=QUEUE, silent_seconds=60):
    client.zadd(LAYOUT.heartbeats, {broker: now_ms(client) - silent_seconds * 1000})
    client.sadd(LAYOUT.acks(broker, queue), *ids)
    for name in ids:
        client.hset(LAYOUT.messages(queue), name, "{}")


def test_what_the_dead_held_comes_first(client, maintain):
    passed(client)
    client.rpush(LAYOUT.queue(QUEUE), "young")
    hold(client, "dead", "old")
    hold(client, "dead", "update", queue="integration-updates")
    hold(client, "dead", "later", queue=delayed(QUEUE))
    assert maintain() == 3
    assert client.lrange(LAYOUT.queue(QUEUE), 0, -1) == [b"old", b"young"]
    assert client.lrange(LAYOUT.queue("integration-updates"), 0, -1) == [b"update"]
    assert client.lrange(LAYOUT.queue(delayed(QUEUE)), 0, -1) == [b"later"]
    assert client.zrange(LAYOUT.heartbeats, 0, -1) == [b"me"]
    assert not client.exists(LAYOUT.acks("dead", QUEUE))


def test_what_the_dead_ran_is_remembered_for_a_day(client, maintain):
    passed(client)
    hold(client, "dead", "old")
    hold(client, "living", "young", silent_seconds=0)
    for broker in ("dead", "living"):
        client.sadd(LAYOUT.started(broker), "job")
        client.sadd(LAYOUT.retried(broker), "job")
    maintain()
    for key in (LAYOUT.started("dead"), LAYOUT.retried("dead")):
        assert 86_000 < client.ttl(key) <= 86_400
    for key in (LAYOUT.started("living"), LAYOUT.retried("living")):
        assert client.ttl(key) == -1, "it goes with its last job"


def test_ids_without_a_message_are_dropped(client, maintain):
    passed(client)
    hold(client, "dead", "a", "b")
    client.hdel(LAYOUT.messages(QUEUE), "b")
    assert maintain() == 1
    assert client.lrange(LAYOUT.queue(QUEUE), 0, -1) == [b"a"]


def test_the_living_keep_what_they_hold(client, maintain):
    passed(client)
    hold(client, "alive", "a", silent_seconds=14)
    assert maintain() == 0
    assert client.smembers(LAYOUT.acks("alive", QUEUE)) == {b"a"}


def test_after_a_gap_nobody_is_taken_for_dead_for_a_while(client, maintain):
    passed(client, seconds_ago=20)
    hold(client, "alive", "a", silent_seconds=20)
    assert maintain() == 0
    passed(client)
    assert maintain() == 0
    client.hset(LAYOUT.janitor, "quiet_until", 0)
    passed(client)
    assert maintain() == 1


def test_one_pass_in_a_period_is_enough_for_all_workers(client, maintain):
    passed(client, seconds_ago=0.5)
    hold(client, "dead", "a")
    assert maintain() == 0
    assert client.zscore(LAYOUT.heartbeats, "me") > now_ms(client) - 5000


def test_a_clock_that_was_set_back_does_not_stop_the_janitor(client, maintain):
    passed(client, seconds_ago=-3600)
    client.hset(LAYOUT.janitor, "quiet_until", now_ms(client) + 3_600_000)
    hold(client, "dead", "a", silent_seconds=-3600)
    assert maintain() == 0
    assert int(client.hget(LAYOUT.janitor, "quiet_until")) <= now_ms(client) + QUIET
    client.hset(LAYOUT.janitor, "quiet_until", 0)
    passed(client)
    assert maintain() == 1


def test_short_lived_producers_are_forgotten(client, maintain):
    passed(client)
    client.zadd(LAYOUT.heartbeats, {f"producer-{n}": 1 for n in range(150)})
    maintain()
    assert client.zrange(LAYOUT.heartbeats, 0, -1) == [b"me"]


def test_keys_is_never_asked(client, maintain):
    passed(client)
    hold(client, "dead", "a")
    maintain()
    assert "cmdstat_keys" not in client.info("commandstats")


def test_old_dead_letters_are_dropped(client, maintain):
    passed(client)
    dead, bodies = LAYOUT.dead(QUEUE), LAYOUT.dead_messages(QUEUE)
    client.zadd(dead, {"old": now_ms(client) - LETTERS - 1000, "new": now_ms(client)})
    client.hset(bodies, mapping={"old": "{}", "new": "{}"})
    maintain()
    assert (client.zrange(dead, 0, -1), client.hkeys(bodies)) == ([b"new"], [b"new"])


@pytest.fixture
def release(client):
    script = client.register_script(lua.source("release"))
    later = delayed(QUEUE)
    keys = [
        LAYOUT.queue(later),
        LAYOUT.messages(later),
        LAYOUT.queue(QUEUE),
        LAYOUT.messages(QUEUE),
        LAYOUT.janitor,
        LAYOUT.delayed_index(QUEUE),
    ]

    def run(most=500):
        client.hdel(LAYOUT.janitor, f"looked:{QUEUE}")
        return script(keys=keys, args=[QUEUE, 400, most, 1000, DAY_MS])

    return run


def delay(client, name, seconds):
    body = {"options": {"eta": now_ms(client) + seconds * 1000}}
    client.hset(LAYOUT.messages(delayed(QUEUE)), name, json.dumps(body))
    client.rpush(LAYOUT.queue(delayed(QUEUE)), name)


def index_of_delayed(client):
    return client.zrange(LAYOUT.delayed_index(QUEUE), 0, -1)


def test_delayed_messages_move_when_they_are_due(client, release):
    for name, seconds in (("a", 60), ("b", -1), ("c", 30), ("d", -1)):
        delay(client, name, seconds)
    assert release() == [2, 0]
    assert sorted(client.lrange(LAYOUT.queue(QUEUE), 0, -1)) == [b"b", b"d"]
    assert index_of_delayed(client) == [b"c", b"a"]
    assert set(client.hkeys(LAYOUT.messages(delayed(QUEUE)))) == {b"a", b"c"}


def test_a_call_looks_at_so_many_and_says_that_there_are_more(client, release):
    for number in range(25):
        delay(client, str(number), 60)
    delay(client, "due", -1)
    assert [release(most=10) for _ in range(3)] == [[0, 1], [0, 1], [1, 0]]
    assert len(index_of_delayed(client)) == 25
    for number in range(20):
        delay(client, f"next-{number}", -1)
    assert [release(most=10) for _ in range(3)] == [[10, 1], [10, 1], [0, 0]]


def test_two_hundred_thousand_delayed_messages_do_not_hold_redis(client, release):
    """Measured by Redis itself, in one run: a call costs no more with many than with few."""
    body = json.dumps({"options": {"eta": now_ms(client) + 3_600_000}})
    due = json.dumps({"options": {"eta": 1}})

    def usual_call(count):
        client.flushall()
        for start in range(0, count, 10_000):
            ids = [str(number) for number in range(start, min(count, start + 10_000))]
            bodies = {one: due if int(one) % 2 else body for one in ids}
            client.hset(LAYOUT.messages(delayed(QUEUE)), mapping=bodies)
            client.rpush(LAYOUT.queue(delayed(QUEUE)), *ids)
        took = []
        for _ in range(20):
            client.config_resetstat()
            release()
            took.append(client.info("commandstats")["cmdstat_evalsha"]["usec"])
        return median(took)

    assert usual_call(200_000) < 5 * usual_call(10_000)


@pytest.mark.parametrize(
    "body",
    [
        *("{", "[]", "{}", '{"options":1}', '{"options":{"eta":"x"}}', '{"options":{"eta":null}}'),
        *('{"options":{"eta":NaN}}', '{"options":{"eta":-nan}}', '{"options":{"eta":-1e999}}'),
        '{"options":{"eta":9e15},"large":"' + "x" * 1000 + '"}',
    ],
)
def test_a_delayed_message_that_says_no_time_is_due_and_holds_up_no_other(client, release, body):
    delay(client, "before", -1)
    client.hset(LAYOUT.messages(delayed(QUEUE)), "odd", body)
    client.rpush(LAYOUT.queue(delayed(QUEUE)), "odd")
    delay(client, "after", -1)
    assert release() == [3, 0]
    assert set(client.lrange(LAYOUT.queue(QUEUE), 0, -1)) == {b"before", b"odd", b"after"}


@pytest.mark.parametrize("eta", ["9e15", "1e308", "1e999", "9" * 400])
def test_a_delayed_message_waits_no_longer_than_its_request_lives(client, release, eta):
    """Then its job ends, and its sender is told so; a date of no calendar would never come."""
    client.hset(LAYOUT.messages(delayed(QUEUE)), "odd", '{"options":{"eta":' + eta + "}}")
    client.rpush(LAYOUT.queue(delayed(QUEUE)), "odd")
    assert release() == [0, 0]
    assert client.zscore(LAYOUT.delayed_index(QUEUE), "odd") <= now_ms(client) + DAY_MS


def test_a_delayed_id_without_a_message_is_dropped(client, release):
    client.rpush(LAYOUT.queue(delayed(QUEUE)), "nothing")
    release()
    assert not client.exists(LAYOUT.queue(delayed(QUEUE)), LAYOUT.queue(QUEUE))


class Clock(Observer):
    def __init__(self):
        self.skews = []

    def clock_skewed(self, seconds):
        self.skews.append(seconds)


def test_a_clock_that_is_off_is_told_once_until_it_is_right_again():
    clock = Clock()
    check = ClockCheck(clock)
    for seconds in (1.0, 60.0, 61.0, 0.0, -30.0):
        check.compare(seconds, 0.0)
    assert clock.skews == [60.0, -30.0]


@pytest.fixture
async def janitor(server):
    setup = make_setup(server.url)
    janitor = Janitor(
        setup, setup.shards[0], [QUEUE], lambda _: janitor.in_hand, lambda: janitor.now
    )
    janitor.in_hand, janitor.now = (), 0.0
    janitor.broker_id = setup.broker.broker_id
    janitor.acks = LAYOUT.acks(janitor.broker_id, QUEUE)
    yield janitor
    await janitor._link.close()


async def clean_until_strays_are_due(janitor):
    await janitor.clean()
    janitor.now += STRAY_SECONDS
    await janitor.clean()


async def test_any_number_of_ids_without_messages_is_looked_at_in_portions(client, janitor):
    client.sadd(janitor.acks, *(f"stray-{number}" for number in range(25_000)))
    await clean_until_strays_are_due(janitor)
    assert "cmdstat_smembers" not in client.info("commandstats")
    assert MOST_STRAYS <= 25_000 - client.scard(janitor.acks) <= MOST_STRAYS + 2 * SCAN_COUNT


async def test_all_that_have_been_stray_for_long_go_at_once(client, janitor):
    strays = [b"stray-%d" % number for number in range(2500)]
    client.sadd(janitor.acks, *strays)
    client.hset(LAYOUT.messages(QUEUE), mapping=dict.fromkeys(strays[:10], "{}"))
    await clean_until_strays_are_due(janitor)
    assert client.exists(janitor.acks) == 0
    assert set(client.lrange(LAYOUT.queue(QUEUE), 0, -1)) == set(strays[:10])


async def test_what_is_stray_is_found_beside_tasks_that_have_just_ended(client, janitor):
    """A busy process always holds some that are acknowledged and have not heard of it yet."""
    client.sadd(janitor.acks, "held", "stray")
    janitor.in_hand = {b"held", b"acknowledged", b"acknowledged too"}
    await clean_until_strays_are_due(janitor)
    assert client.smembers(janitor.acks) == {b"held"}


async def test_a_stray_whose_job_ran_here_may_run_anywhere_at_once(client, janitor):
    """Redis has lost its end, in a failover, say; nobody else may run what we seem to run."""
    stray, running, started = b"stray", LAYOUT.running("job"), LAYOUT.started(janitor.broker_id)
    client.sadd(janitor.acks, stray)
    client.hset(LAYOUT.messages(QUEUE), stray, '{"args":["job"]}')
    client.set(running, f"{janitor.broker_id} stray")
    client.sadd(started, "job", "other")
    await clean_until_strays_are_due(janitor)
    assert client.lrange(LAYOUT.queue(QUEUE), 0, -1) == [stray]
    assert client.get(running) is None
    assert client.smembers(started) == {b"other"}


@pytest.mark.parametrize(
    ("holder", "message"),
    [
        ("other stray", '{"args":["job"]}'),
        ("{me} another", '{"args":["job"]}'),
        ("{me} stray", '{"args":["job"]}' + " " * MAX_MESSAGE_BYTES),
        ("{me} stray", "no JSON"),
        ("{me} stray", '{"args":"job"}'),
        ("{me} stray", '{"args":[["job"]]}'),
        ("{me} stray", "[" * 2000),
    ],
)
async def test_a_stray_ends_no_run_but_its_own(client, janitor, holder, message):
    held = holder.format(me=janitor.broker_id)
    client.sadd(janitor.acks, "stray")
    client.hset(LAYOUT.messages(QUEUE), "stray", message)
    client.set(LAYOUT.running("job"), held)
    await clean_until_strays_are_due(janitor)
    assert client.lrange(LAYOUT.queue(QUEUE), 0, -1) == [b"stray"]
    assert client.get(LAYOUT.running("job")) == held.encode()


class Surprised(Janitor):
    """Its first pass meets what nobody has thought of."""

    passes = releases = 0

    async def clean(self):
        self.passes += 1
        raise TypeError("as ordered")

    async def _release_due(self, queue):
        self.releases += 1
        raise TypeError("as ordered")


async def test_whatever_goes_wrong_in_a_pass_ends_neither_beats_nor_releases(server, caplog):
    setup = make_setup(server.url)
    janitor = Surprised(setup, setup.shards[0], [QUEUE], lambda _: ())
    running = asyncio.create_task(janitor.run())
    await until(lambda: janitor.passes == 2 and janitor.releases > 1)
    assert not running.done()
    running.cancel()
    assert {one.message for one in caplog.records} == {"janitor_failed", "release_failed"}
