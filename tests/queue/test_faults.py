"""Faults of Redis under load that `tests/faults` has not: every job ends and nothing stays."""

import threading
import time

import pytest

from tests.support.queueing import (
    CLEAN,
    let_go,
    residue,
    starts,
    submit,
    toy_worker,
    wait_for,
    wait_for_results,
)

pytestmark = [pytest.mark.redis_server]


def refuse_writes(server, client):
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    time.sleep(2)
    client.execute_command("REPLICAOF", "NO", "ONE")


def pause_clients(server, client):
    client.execute_command("CLIENT", "PAUSE", "7000", "ALL")
    time.sleep(7.5)


def restart_quickly(server, client):
    for _ in range(3):
        server.kill()
        server.start()
        time.sleep(0.3)


@pytest.mark.parametrize(
    "fault",
    [refuse_writes, pytest.param(pause_clients, marks=pytest.mark.slow), restart_quickly],
    ids=["refuse_writes", "pause_clients", "restart_quickly"],
)
def test_every_job_ends_though(server, client, fault):
    jobs = [f"job-{number}" for number in range(3000)]
    submit(client, jobs, seconds=0.2, quiet=True)
    with toy_worker(server, concurrency=100), toy_worker(server, concurrency=100):
        trouble = threading.Thread(target=fault, args=(server, server.client()))
        trouble.start()
        trouble.join()
        wait_for_results(client, jobs, 60)
        wait_for(lambda: residue(client) == CLEAN)


def test_jobs_that_were_taken_off_the_books_by_hand_end_too(server, client):
    """An operator, or a script gone wrong, deletes the ack sets under the running worker."""
    jobs = [f"job-{number}" for number in range(100)]
    with toy_worker(server):
        submit(client, jobs, hold=True)
        wait_for(lambda: len(starts(client)) == 100)
        for key in client.scan_iter("*__acks__*"):
            client.delete(key)
        let_go(client)
        wait_for_results(client, jobs)
    assert set(starts(client).values()) == {1}
    assert residue(client) == CLEAN
