"""The worker under the Redis user that `deploy/redis/` gives it."""

import re

import pytest

from tests.support.queueing import (
    NS,
    let_go,
    result,
    submit,
    toy_worker,
    wait_for,
    wait_for_results,
)
from tests.support.redis_users import make_users

pytestmark = [pytest.mark.redis_server]


def grant_worker(client):
    lines = make_users.users({"worker": ">secret"})
    (rules,) = (rules for line in lines if (rules := split_acl(line))[0] == "worker")
    client.execute_command("ACL", "SETUSER", *rules)


def split_acl(line):
    """What Redis itself takes a line of an ACL file apart into: a selector is one word."""
    return re.findall(r"\([^)]*\)|\S+", line)[1:]


class AsWorker:
    def __init__(self, server):
        self.url = f"redis://worker:secret@127.0.0.1:{server.port}/0"
        self.client = server.client


def test_the_shipped_user_may_do_all_that_the_queue_does(server, client):
    grant_worker(client)
    with toy_worker(AsWorker(server), shutdown_seconds=0.2) as worker:
        submit(client, ["good"], quiet=True)
        client.hset(f"{NS}:credential-tests.msgs", "bad", '{"args":["bad"]}')
        client.rpush(f"{NS}:credential-tests", "bad")
        wait_for_results(client, ["good", "bad"])
        submit(client, ["long"], quiet=True, seconds=60)
        wait_for(lambda: client.exists(f"{NS}:running:long") == 1)
        worker.terminate()
        assert worker.wait(100) == 0
    assert client.llen(f"{NS}:credential-tests") == 1
    assert result(client, "bad")["error"] == "REQUEST_UNREADABLE"
    log = client.acl_log()
    assert [entry["object"] for entry in log if entry["username"] == "worker"] == []


def test_a_user_that_is_mended_while_jobs_wait_loses_none(server, client):
    grant_worker(client)
    client.execute_command("ACL", "SETUSER", "worker", "(~toy:* +exists)")
    with toy_worker(AsWorker(server)):
        submit(client, ["long"], quiet=True, hold=True)
        wait_for(lambda: client.exists(f"{NS}:running:long") == 1)
        client.execute_command("ACL", "SETUSER", "worker", "resetkeys", "~toy:*", "+exists")
        submit(client, ["next"], quiet=True)
        let_go(client)
        wait_for(lambda: any(":long" in entry["object"] for entry in client.acl_log()))
        grant_worker(client)
        wait_for_results(client, ["long", "next"])
