"""A script that Redis refuses half-way, and that is made again, does what one whole call does.

Redis takes nothing back of a script that fails: an operator who forgets one command in an ACL must
lose no message. Each command of each script is refused once here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import redis

from tests.support.queueing import NS
from worker.queue import lua
from worker.queue.layout import Layout, delayed

pytestmark = pytest.mark.redis_server

QUEUE = "credential-tests"
ME = "me"
JOB = "job"
LAYOUT = Layout(NS)
LIST, MESSAGES = LAYOUT.queue(QUEUE), LAYOUT.messages(QUEUE)
ACKS = LAYOUT.acks(ME, QUEUE)
LATER, LATER_MESSAGES = LAYOUT.queue(delayed(QUEUE)), LAYOUT.messages(delayed(QUEUE))
DEAD, DEAD_MESSAGES = LAYOUT.dead(QUEUE), LAYOUT.dead_messages(QUEUE)
RUNNING, ATTEMPTS = LAYOUT.running(JOB), LAYOUT.attempts(JOB)
STARTED, RETRIED = LAYOUT.started(ME), LAYOUT.retried(ME)
REQUEST, RESULT = LAYOUT.request(JOB), LAYOUT.result(JOB)
REPORT, OWNER, DONE = LAYOUT.report(JOB), LAYOUT.owner(JOB), LAYOUT.done(JOB)


@dataclass(frozen=True)
class Scene:
    """A script, the state that it finds, and how it is called."""

    prepare: Callable[[redis.Redis], object]
    keys: list[str]
    args: list[object] = field(default_factory=list)


def waiting(client):
    client.rpush(LIST, "a", "b", "c")
    client.hset(MESSAGES, mapping={"a": "A", "b": "B", "c": "C"})


def fetched(client):
    client.sadd(ACKS, "a")
    client.hset(MESSAGES, "a", "A")
    client.set(REQUEST, "{}")


def running(client):
    fetched(client)
    client.set(RUNNING, f"{ME} a")
    client.hset(ATTEMPTS, "starts", 1)
    client.sadd(STARTED, JOB)
    client.sadd(RETRIED, JOB)


def unended(client):
    """Redis has lost that the job came to its end."""
    running(client)
    client.hset(MESSAGES, "a", f'{{"args":["{JOB}"]}}')


def finished(client):
    fetched(client)
    client.set(RESULT, "{}")


def taken_over(client):
    """Another worker runs the very message."""
    fetched(client)
    client.set(RUNNING, "other a")
    client.zadd(LAYOUT.heartbeats, {"other": 1})


def postponed(client):
    client.rpush(LATER, "a", "b")
    client.hset(LATER_MESSAGES, mapping={"a": '{"options":{"eta":1}}', "b": "{}"})


def buried(client):
    client.zadd(DEAD, {"a": 1})
    client.hset(DEAD_MESSAGES, "a", "A")


START = (
    [
        *(REQUEST.replace("request", "result"), REQUEST, RUNNING, ATTEMPTS, LAYOUT.heartbeats),
        *(MESSAGES, ACKS, STARTED, RETRIED),
    ],
    [
        *(ME, "a", LAYOUT.ack_prefix, QUEUE, 3, 60, JOB, 0),
        *(LAYOUT.started_prefix, LAYOUT.retried_prefix, 1000),
    ],
)
BURY = [LIST, MESSAGES, ACKS, DEAD, DEAD_MESSAGES]
SCENES = {
    "fetch": Scene(waiting, [LIST, MESSAGES, ACKS, LAYOUT.heartbeats], [ME, 2, 1000]),
    "start": Scene(fetched, *START),
    "start a finished job": Scene(finished, *START),
    "start what another runs": Scene(taken_over, *START),
    "finish": Scene(
        running,
        [RESULT, REPORT, REQUEST, RUNNING, ATTEMPTS, MESSAGES, ACKS, OWNER, STARTED, RETRIED],
        ["{}", "report", 60, DONE, JOB, "a", "owner"],
    ),
    "give_back": Scene(
        running, [LIST, MESSAGES, ACKS, RUNNING, ATTEMPTS, STARTED, RETRIED], [ME, "a", JOB]
    ),
    "requeue": Scene(
        unended, [LIST, MESSAGES, ACKS, STARTED, RETRIED], [ME, LAYOUT.running_prefix, 1000, "a"]
    ),
    "leave": Scene(running, [LAYOUT.heartbeats, STARTED, RETRIED], [ME, NS, QUEUE]),
    "release": Scene(
        postponed,
        [LATER, LATER_MESSAGES, LIST, MESSAGES, LAYOUT.janitor, LAYOUT.delayed_index(QUEUE)],
        [QUEUE, 0, 500, 1000, 60_000],
    ),
    "bury": Scene(fetched, BURY, ["a", "flaw", "next", "N", ME, JOB]),
    "bury what runs": Scene(
        running, [*BURY, RUNNING, STARTED, RETRIED], ["a", "flaw", "", "", ME, JOB]
    ),
    "resurrect": Scene(buried, [LIST, MESSAGES, DEAD, DEAD_MESSAGES], ["a", "next", "N"]),
}


def contents(client):
    """All that is stored but times; an id that a list has twice does no harm."""
    readers = {
        b"string": client.get,
        b"list": lambda key: set(client.lrange(key, 0, -1)),
        b"set": client.smembers,
        b"hash": client.hgetall,
        b"zset": lambda key: client.zrange(key, 0, -1),
    }
    keys = set(client.keys()) - {LAYOUT.janitor.encode()}
    return {key: readers[client.type(key)](key) for key in keys}


def without_time(reply):
    """What `start` answers ends with the time."""
    return reply[:3] if isinstance(reply, list) else reply


def refusing(server, client, command):
    client.execute_command(
        *("ACL", "SETUSER", "restricted", "reset", "on", "nopass", "~*", "&*", "+@all"),
        f"-{command.lower()}",
    )
    return redis.Redis(port=server.port, username="restricted", password="any")


@pytest.mark.parametrize("name", SCENES)
def test_a_script_that_was_refused_anywhere_is_whole_the_next_time(server, client, name):
    scene, text = SCENES[name], lua.source(name.split(maxsplit=1)[0])
    scene.prepare(client)
    reply = client.eval(text, len(scene.keys), *scene.keys, *scene.args)
    wanted = contents(client)
    refused = []
    for command in sorted(set(re.findall(r"redis\.call\('([A-Z]+)'", text))):
        client.flushdb()
        scene.prepare(client)
        with refusing(server, client, command) as restricted:
            try:
                restricted.eval(text, len(scene.keys), *scene.keys, *scene.args)
            except redis.ResponseError:
                refused.append(command)
                again = client.eval(text, len(scene.keys), *scene.keys, *scene.args)
                if name != "leave":  # it counts what it gives back this time
                    assert without_time(again) == without_time(reply), command
        assert contents(client) == wanted, command
    assert len(refused) > 1


def test_a_result_whose_announcement_was_refused_is_announced_the_next_time(server, client):
    scene, text = SCENES["finish"], lua.source("finish")
    scene.prepare(client)
    with client.pubsub() as listener, refusing(server, client, "PUBLISH") as restricted:
        listener.subscribe(DONE)
        assert listener.get_message(timeout=5)["type"] == "subscribe"
        with pytest.raises(redis.ResponseError, match="permission"):
            restricted.eval(text, len(scene.keys), *scene.keys, *scene.args)
        assert client.eval(text, len(scene.keys), *scene.keys, *scene.args) == 1
        assert listener.get_message(timeout=5)["data"] == JOB.encode()
