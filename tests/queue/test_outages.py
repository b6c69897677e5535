"""What only jobs that sleep can show of outages; `tests/faults` breaks things under real probes."""

import contextlib
import threading
import time

import pytest

from tests.support.queueing import (
    CLEAN,
    NS,
    let_go,
    residue,
    result,
    starts,
    submit,
    toy_worker,
    wait_for,
    wait_for_results,
)
from tests.support.toy_app import UNSAYABLE
from worker.queue.results import Save, Spool
from worker.queue.watchdog import EXIT_STATUS

pytestmark = [pytest.mark.redis_server]


def names(count, prefix="job"):
    return [f"{prefix}-{number}" for number in range(count)]


def take_for_dead(client):
    """What the janitor does after 15 s; a crash test of `tests/faults` waits for that."""
    for broker in client.zrange(f"{NS}:__heartbeats__", 0, -1):
        client.zadd(f"{NS}:__heartbeats__", {broker: 1})


def test_a_worker_that_has_no_memory_to_end_a_job_ends_and_leaves_all_that_it_runs(server, client):
    jobs = [*names(20), UNSAYABLE]
    submit(client, jobs[:20], hold=True)
    with toy_worker(server) as worker:
        wait_for(lambda: len(starts(client)) == 20)
        submit(client, [UNSAYABLE], **{"memory at first": True})
        assert worker.wait(100) == EXIT_STATUS
    assert client.zcard(f"{NS}:credential-tests.XQ") == 0
    take_for_dead(client)
    let_go(client)
    with toy_worker(server):
        wait_for_results(client, jobs)
        wait_for(lambda: residue(client) == CLEAN)
    assert [result(client, job).get("ok") for job in jobs] == [True] * 21
    assert set(starts(client).values()) == {2}


@pytest.mark.slow
def test_a_job_that_kills_its_worker_three_times_ends_as_worker_failed(server, client):
    submit(client, ["killer"], kill=True)
    for _ in range(3):
        with toy_worker(server) as worker:
            wait_for(lambda: client.llen(f"{NS}:credential-tests") == 0)
            assert worker.wait(100) == 9
        take_for_dead(client)
    with toy_worker(server):
        wait_for_results(client, ["killer"], 60)
    assert result(client, "killer")["error"] == "WORKER_FAILED"
    assert starts(client) == {"killer": 3}
    assert residue(client) == CLEAN


def test_delayed_messages_run_at_their_time_though_redis_was_away(server, client):
    job, rid = "delayed", "rid-delayed"
    client.set(f"{NS}:request:{job}", "{}")
    message = (
        '{"queue_name":"credential-tests.DQ","actor_name":"test_credentials","args":["delayed"],'
        '"kwargs":{},"options":{"redis_message_id":"rid-delayed","eta":%d},'
        '"message_id":"m","message_timestamp":1}'
    )
    with toy_worker(server):
        eta = int((time.time() + 2) * 1000)
        client.hset(f"{NS}:credential-tests.DQ.msgs", rid, message % eta)
        client.rpush(f"{NS}:credential-tests.DQ", rid)
        server.kill()
        server.start()
        wait_for_results(client, [job])
        assert time.time() >= eta / 1000
    assert client.exists(f"{NS}:credential-tests.DQ", f"{NS}:credential-tests.DQ.msgs") == 0


@pytest.mark.slow
def test_a_worker_that_is_told_to_stop_while_redis_is_away_stops(server, client):
    jobs = names(20)
    with toy_worker(server, shutdown_seconds=1) as worker:
        submit(client, jobs, seconds=60)
        wait_for(lambda: len(starts(client)) == 20)
        server.kill()
        worker.terminate()
        assert worker.wait(100) == 0
    server.start()
    assert client.exists(*(f"{NS}:request:{job}" for job in jobs)) == 20
    assert client.hlen(f"{NS}:credential-tests.msgs") == 20


def test_a_worker_waits_for_a_redis_that_is_not_there_yet(server, client):
    submit(client, ["early"])
    server.kill()
    restart = threading.Timer(2, server.start)
    restart.start()
    with contextlib.closing(client), toy_worker(server):
        wait_for_results(client, ["early"])
    restart.join()


@pytest.mark.slow
def test_a_drain_with_redis_away_keeps_its_results_and_no_job_runs_again(
    server, client, tmp_path, monkeypatch
):
    monkeypatch.setenv("TOY_SPOOL", str(tmp_path / "spool"))
    jobs = names(30)
    with toy_worker(server, shutdown_seconds=3) as worker:
        submit(client, jobs, **{"until redis is away": True, "no end": True})
        wait_for(lambda: len(starts(client)) == 30)
        server.kill()
        worker.terminate()  # in the drain all come to their end, and none can be saved
        assert worker.wait(100) == 0
    (spooled,) = (tmp_path / "spool").iterdir()
    assert spooled.stat().st_mode & 0o777 == 0o600
    server.start()
    with toy_worker(server):
        wait_for_results(client, jobs)
        wait_for(lambda: residue(client) == CLEAN)
        # The file goes once Redis has answered.
        wait_for(lambda: not list((tmp_path / "spool").iterdir()))
    assert set(starts(client).values()) == {1}
    assert {result(client, job)["ok"] for job in jobs} == {True}


def test_a_result_that_redis_never_takes_holds_up_the_next_worker_for_seconds_only(
    server, client, tmp_path, monkeypatch
):
    monkeypatch.setenv("TOY_SPOOL", str(tmp_path / "spool"))
    keys = [f"{NS}:{name}:large" for name in ("result", "report", "request", "running", "attempts")]
    keys += [f"{NS}:messages", f"{NS}:acks", f"{NS}:owner:large", f"{NS}:started:w"]
    save = Save(keys, [b"x" * 3_000_000, b"{}", 1000, f"{NS}:done:large", "large", b"rid", ""])
    Spool(tmp_path / "spool", 3600).put("earlier", [save])
    client.config_set("client-query-buffer-limit", 1024 * 1024)
    submit(client, ["job"])
    with toy_worker(server):
        wait_for_results(client, ["job"])
    assert not client.exists(f"{NS}:result:large")
    assert list((tmp_path / "spool").iterdir()), "it is tried again at the next start"
