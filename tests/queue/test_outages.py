"""Workers and Redis die, hang and come back. With jobs that sleep."""

import contextlib
import os
import shutil
import signal
import threading
import time

import pytest

from tests.support.queueing import (
    CLEAN,
    NS,
    residue,
    result,
    starts,
    submit,
    toy_worker,
    wait_for,
    wait_for_results,
)

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(120)]


def names(count, prefix="job"):
    return [f"{prefix}-{number}" for number in range(count)]


def test_jobs_of_killed_workers_all_run_again_within_twenty_seconds(server, client):
    jobs = names(1000)
    with toy_worker(server, concurrency=150) as one, toy_worker(server, concurrency=150) as two:
        submit(client, jobs, seconds=2)
        wait_for(lambda: len(starts(client)) == 300)
        for worker in (one, two):
            os.kill(worker.pid, signal.SIGKILL)
        began = time.monotonic()
        with toy_worker(server, concurrency=1000):
            wait_for_results(client, jobs, 40)
            seconds = time.monotonic() - began
    assert seconds < 20 + 2
    counts = starts(client)
    assert sum(count == 2 for count in counts.values()) == 300
    assert max(counts.values()) == 2
    assert residue(client) == CLEAN


def test_a_job_that_kills_its_worker_three_times_ends_as_worker_failed(server, client):
    submit(client, ["killer"], kill=True)
    for _ in range(3):
        with toy_worker(server) as worker:
            wait_for(lambda: client.llen(f"{NS}:credential-tests") == 0)
            assert worker.wait(30) == 9
        # What the janitor does after 15 s; the crash test above waits for that.
        for broker in client.zrange(f"{NS}:__heartbeats__", 0, -1):
            client.zadd(f"{NS}:__heartbeats__", {broker: 1})
    with toy_worker(server):
        wait_for_results(client, ["killer"], 60)
    assert result(client, "killer")["error"] == "WORKER_FAILED"
    assert starts(client) == {"killer": 3}
    assert residue(client) == CLEAN


def test_nothing_is_lost_when_redis_is_killed_for_five_seconds(server, client):
    jobs = names(500)
    with toy_worker(server):
        submit(client, [*jobs, *names(200, "later")], seconds=3)
        wait_for(lambda: len(starts(client)) == 700)
        server.kill()
        time.sleep(5)
        server.start()
        wait_for_results(client, [*jobs, *names(200, "later")], 30)
        wait_for(lambda: residue(client) == CLEAN)
    assert set(starts(client).values()) == {1}


def test_nothing_is_stuck_when_redis_hangs_for_twelve_seconds_under_load(server, client):
    with toy_worker(server, concurrency=50), toy_worker(server, concurrency=50):
        jobs = names(6000)
        submit(client, jobs, seconds=0.02, quiet=True)
        wait_for(lambda: client.llen(f"{NS}:credential-tests") < 5500)
        server.freeze()
        time.sleep(12)
        server.thaw()
        wait_for_results(client, jobs, 40)
        wait_for(lambda: residue(client) == CLEAN)


def test_a_worker_that_was_stopped_does_no_harm_when_it_wakes(server, client):
    jobs = names(100)
    with toy_worker(server) as stopped:
        submit(client, jobs, seconds=2)
        wait_for(lambda: len(starts(client)) == 100)
        stopped.send_signal(signal.SIGSTOP)
        with toy_worker(server) as other:
            wait_for_results(client, jobs, 40)
            stopped.send_signal(signal.SIGCONT)
            submit(client, names(50, "next"))
            wait_for_results(client, names(50, "next"))
            wait_for(lambda: residue(client) == CLEAN)
            assert stopped.poll() is None
            assert other.poll() is None
    assert max(starts(client).values()) == 2


def test_delayed_messages_run_at_their_time_though_redis_was_away(server, client):
    job, rid = "delayed", "rid-delayed"
    eta = int((time.time() + 4) * 1000)
    client.set(f"{NS}:request:{job}", "{}")
    message = (
        '{"queue_name":"credential-tests.DQ","actor_name":"test_credentials","args":["delayed"],'
        '"kwargs":{},"options":{"redis_message_id":"rid-delayed","eta":%d},'
        '"message_id":"m","message_timestamp":1}'
    )
    client.hset(f"{NS}:credential-tests.DQ.msgs", rid, message % eta)
    client.rpush(f"{NS}:credential-tests.DQ", rid)
    with toy_worker(server):
        server.kill()
        restart = threading.Timer(2, server.start)
        restart.start()
        wait_for_results(client, [job])
        assert 0 <= time.time() - eta / 1000 < 3
        restart.join()
    assert client.exists(f"{NS}:credential-tests.DQ", f"{NS}:credential-tests.DQ.msgs") == 0


def test_a_worker_that_is_told_to_stop_while_redis_is_away_stops(server, client):
    jobs = names(20)
    with toy_worker(server, shutdown_seconds=1) as worker:
        submit(client, jobs, seconds=60)
        wait_for(lambda: len(starts(client)) == 20)
        server.kill()
        worker.terminate()
        assert worker.wait(30) == 0
    server.start()
    assert client.exists(*(f"{NS}:request:{job}" for job in jobs)) == 20
    assert client.hlen(f"{NS}:credential-tests.msgs") == 20


def test_what_runs_still_gets_its_result_when_redis_comes_back_empty(server, client):
    jobs = names(50)
    with toy_worker(server):
        submit(client, jobs, seconds=2)
        wait_for(lambda: len(starts(client)) == 50)
        server.kill()
        shutil.rmtree(server.directory / "appendonlydir")
        server.start()
        wait_for_results(client, jobs)
        submit(client, ["after"])
        wait_for_results(client, ["after"])


def test_a_worker_waits_for_a_redis_that_is_not_there_yet(server, client):
    submit(client, ["early"])
    server.kill()
    restart = threading.Timer(2, server.start)
    restart.start()
    with contextlib.closing(client), toy_worker(server):
        wait_for_results(client, ["early"])
    restart.join()


def test_another_worker_takes_over_at_once_what_a_stopping_one_gives_back(server, client):
    jobs = names(50)
    with toy_worker(server, shutdown_seconds=0.2) as leaving:
        submit(client, jobs, seconds=3)
        wait_for(lambda: len(starts(client)) == 50)
        with toy_worker(server):
            leaving.terminate()
            assert leaving.wait(30) == 0
            wait_for_results(client, jobs, 6)
    assert residue(client) == CLEAN
