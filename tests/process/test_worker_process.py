"""Whole worker processes at a real Redis, with toy jobs."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.queueing import (
    CLEAN,
    NS,
    RUN_PREFIXES,
    finished,
    residue,
    result,
    starts,
    submit,
    toy_worker,
    wait_for,
    wait_for_results,
)

pytestmark = pytest.mark.redis_server


def names(count, prefix="job"):
    return [f"{prefix}-{number}" for number in range(count)]


def test_jobs_of_a_foreign_client_end_with_a_result_and_leave_nothing_behind(server, client):
    jobs = names(200)
    with toy_worker(server):
        submit(client, jobs, seconds=0.01)
        wait_for_results(client, jobs)
    assert starts(client) == dict.fromkeys(jobs, 1)
    assert residue(client) == CLEAN


def test_one_job_handed_in_twenty_times_at_once_runs_once(server, client):
    with toy_worker(server), toy_worker(server):
        for copy in range(20):
            submit(client, ["same"], prefix=f"copy-{copy}-", seconds=0.3)
        wait_for_results(client, ["same"])
        wait_for(lambda: residue(client) == CLEAN)
    assert starts(client) == {"same": 1}


def test_a_finished_job_handed_in_again_does_not_run_and_leaves_no_request(server, client):
    with toy_worker(server):
        submit(client, ["again"])
        wait_for_results(client, ["again"])
        submit(client, ["again"], prefix="second-")
        wait_for(lambda: residue(client) == CLEAN)
    assert starts(client) == {"again": 1}


def test_an_actor_that_raises_ends_its_job_with_an_internal_error(server, client):
    with toy_worker(server):
        submit(client, ["boom"], crash=True)
        wait_for_results(client, ["boom"])
    assert result(client, "boom")["error"] == "INTERNAL_SERVER_ERROR"
    assert starts(client) == {"boom": 1}
    assert residue(client) == CLEAN


def test_a_message_whose_request_is_gone_ends_as_expired(server, client):
    submit(client, ["late"])
    client.delete(f"{NS}:request:late")
    with toy_worker(server):
        wait_for_results(client, ["late"])
    assert result(client, "late")["error"] == "REQUEST_EXPIRED"
    assert residue(client) == CLEAN


def test_sigterm_to_the_group_twice_drains_and_exits_with_zero(server, client):
    jobs = names(300)
    with toy_worker(server, concurrency=300) as worker:
        submit(client, [*jobs, *names(50, "rest")], seconds=2)
        wait_for(lambda: len(starts(client)) == 300)
        os.killpg(worker.pid, signal.SIGTERM)
        os.killpg(worker.pid, signal.SIGTERM)
        assert worker.wait(100) == 0
        wait_for_results(client, jobs, 1)
        assert client.llen(f"{NS}:credential-tests") == 50
    assert starts(client) == dict.fromkeys(jobs, 1)


def test_what_a_drain_cannot_finish_goes_back_in_order_and_does_not_count_as_a_start(
    server, client
):
    jobs = names(20)
    with toy_worker(server, shutdown_seconds=0.5) as worker:
        submit(client, jobs, seconds=60)
        wait_for(lambda: len(starts(client)) == 20)
        worker.terminate()
        assert worker.wait(100) == 0
    waiting = [rid.decode() for rid in client.lrange(f"{NS}:credential-tests", 0, -1)]
    assert waiting == [f"rid-{job}" for job in jobs]
    assert not client.exists(*(start + job for job in jobs for start in RUN_PREFIXES))
    assert not client.exists(f"{NS}:__heartbeats__")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_five_thousand_jobs_in_flight_fit_in_one_small_process(server, client):
    jobs = names(5000)
    with toy_worker(server, concurrency=5000) as worker:
        submit(client, jobs, hold=True, quiet=True)
        wait_for(lambda: client.llen(f"{NS}:credential-tests") == 0)
        lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        assert finished(client, jobs) == 0
        client.set("toy:go", 1)
        wait_for_results(client, jobs)
    assert int(status["VmRSS"].split()[0]) < 200 * 1024
    assert int(status["Threads"]) <= 20


@pytest.mark.parametrize("order", ["break loop", "exit"])
def test_a_process_that_cannot_go_on_leaves_its_jobs_to_be_redelivered(server, client, order):
    with toy_worker(server) as worker:
        submit(client, ["neighbour"], seconds=60)
        wait_for(lambda: starts(client) == {"neighbour": 1})
        submit(client, ["breaks"], **{order: True})
        assert worker.wait(100) == 70
    for job in ("neighbour", "breaks"):
        assert not client.exists(f"{NS}:result:{job}")
        assert client.exists(f"{NS}:request:{job}")
    (acks,) = client.keys(f"{NS}:__acks__.*")
    assert client.smembers(acks) == {b"rid-neighbour", b"rid-breaks"}
