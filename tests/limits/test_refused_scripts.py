"""A script of the limits that Redis refuses half-way, and that is made again, is whole then.

As `tests/queue/test_refused_scripts.py`: each command of each script is refused once.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import redis as redis_py

from worker.limits.lua import ENTER, HEARTBEAT, LEAVE
from worker.redis_link.link import Script

pytestmark = pytest.mark.redis_server

ACCOUNT, PLACES, WAITING, PROCESSES = KEYS = ["account", "places", "waiting", "processes"]
TICKET, HOUR_MS, HOLD_MS, LIFE_MS = "me:1", 3_600_000, 60_000, 15_000
LATER_MS = 10 * HOUR_MS


def now_ms(client):
    return client.time()[0] * 1000


def alone(client):
    client.hset(ACCOUNT, mapping={"refused:old": "1 x", "flight:imap": "1 dead:1"})
    client.zadd(PLACES, {"dead:1": 1})
    client.zadd(WAITING, {"dead": 1})


def full(client):
    client.zadd(PLACES, {"other:1": now_ms(client)})
    client.zadd(PROCESSES, {"other": now_ms(client) + 10_000, "#seen": now_ms(client)})


def set_back(client):
    client.hset(ACCOUNT, mapping={"refused:a": f"{now_ms(client) + LATER_MS} x"})
    client.zadd(PROCESSES, {"dead": now_ms(client) + LATER_MS, "#seen": now_ms(client) + LATER_MS})


def inside(client):
    client.zadd(PLACES, {TICKET: now_ms(client)})
    client.hset(ACCOUNT, "flight:smtp", f"{now_ms(client)} {TICKET}")


def inside_again(client):
    inside(client)
    client.hset(ACCOUNT, "refused:old", f"{now_ms(client)} []")


@dataclass(frozen=True)
class Scene:
    script: Script
    prepare: Callable[[redis_py.Redis], object]
    keys: list[str]
    args: list[object]


ENTERING = [TICKET, "me", "smtp", "print", 1, 5, HOUR_MS, HOLD_MS, LIFE_MS]
SCENES = {
    "enter": Scene(ENTER, alone, KEYS, ENTERING),
    "wait": Scene(ENTER, full, KEYS, ENTERING),
    "enter after the clock was set back": Scene(ENTER, set_back, KEYS, ENTERING),
    "leave, refused": Scene(
        LEAVE, inside, KEYS[:2], [TICKET, "smtp", "print", "refused", "[]", HOUR_MS, HOLD_MS]
    ),
    "leave, proven": Scene(LEAVE, inside, KEYS[:2], [TICKET, "smtp", "print", "proven"]),
    "leave, proven after a refusal": Scene(
        LEAVE, inside_again, KEYS[:2], [TICKET, "smtp", "print", "proven"]
    ),
    "beat": Scene(HEARTBEAT, set_back, [PROCESSES], ["me", LIFE_MS, HOLD_MS]),
}


def contents(client):
    """Who is where; times aside."""
    return {
        key: set(client.hkeys(key))
        if client.type(key) == b"hash"
        else set(client.zrange(key, 0, -1))
        for key in client.scan_iter()
    }


@pytest.mark.parametrize("name", SCENES)
def test_a_script_that_was_refused_anywhere_is_whole_the_next_time(server, redis, name):
    scene = SCENES[name]

    def run(client):
        return client.eval(scene.script.source, len(scene.keys), *scene.keys, *scene.args)

    scene.prepare(redis)
    reply, wanted, refused = run(redis), contents(redis), []
    for command in sorted(set(re.findall(r"redis\.call\('([A-Z]+)'", scene.script.source))):
        redis.flushdb()
        scene.prepare(redis)
        rules = ("reset", "on", "nopass", "~*", "+@all", f"-{command.lower()}")
        redis.execute_command("ACL", "SETUSER", "restricted", *rules)
        with redis_py.Redis(port=server.port, username="restricted", password="any") as restricted:
            try:
                run(restricted)
            except redis_py.ResponseError:
                refused.append(command)
                assert run(redis) == reply, command
        assert contents(redis) == wanted, command
    assert len(refused) > 1
