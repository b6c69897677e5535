"""What goes wrong, with the real worker, and what was measured.

Each takes a world of its own and returns what it counted: `tests/faults` asserts, `bench.faults`
prints. Logins are counted per account and protocol: {1: 2000} says that each of 2,000 came once.
"""

import os
import resource
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from producer.contract.names import Queue
from tests.support.fault_world import Workers, World, names, percentile
from tests.support.mail_farm import KILLER
from tests.support.malformed import MALFORMED, NAMELESS
from tests.support.queueing import NS, wait_for
from tests.support.redis_process import redis_process
from tests.support.redis_sentinel import name_another, sentinel

LIST = f"{NS}:{Queue.CREDENTIAL_TESTS}"
Measured = dict[str, Any]
TWO = {"PROCESSES": "2", "CONCURRENCY": "150"}


def all_workers_killed(world: World) -> Measured:
    """300 jobs in flight and 700 in the queue, then kill -9 of every process."""
    jobs = names("job", 1000)
    with _logging_in(world, jobs, 300, **TWO) as workers:
        workers.kill()
    world.farm.answer(1)
    with world.workers(PROCESSES="2", CONCURRENCY="400"):
        return _ended(world, jobs)


def redis_killed(world: World) -> Measured:
    """500 jobs in flight, Redis gone for 5 s; all servers answer while it is away."""
    jobs = names("job", 500)
    with _logging_in(world, jobs, 500, PROCESSES="2", CONCURRENCY="400"):
        world.server.kill()
        world.farm.answer(0.5)
        time.sleep(5)
        world.server.start()
        return _ended(world, jobs)


def redis_hangs(world: World) -> Measured:
    """Redis is stopped for 12 s while two processes are busy."""
    jobs = names("job", 1500)
    world.farm.answer(0.1)
    with world.workers(PROCESSES="2", CONCURRENCY="50"):
        world.submit_all(jobs)
        wait_for(lambda: world.finished(jobs) > 200)
        world.server.freeze()
        time.sleep(12)
        world.server.thaw()
        return _ended(world, jobs)


def group_terminated(world: World) -> Measured:
    """300 jobs in flight and 200 in the queue, then SIGTERM to the process group, twice."""
    jobs = names("job", 500)
    with _logging_in(world, jobs, 300, **TWO) as leaving:
        leaving.terminate()
        time.sleep(0.2)
        leaving.terminate()
        world.farm.answer(1)  # before others start: a login waits for 25 s, a busy machine longer
        status = leaving.exit_status()
    with world.workers(**TWO):
        measured = _ended(world, jobs)
    drained = leaving.log.count('"job_done"')
    return measured | {"status": status, "drained": drained}


def drain_too_short(world: World) -> Measured:
    """As before, but no server answers within SHUTDOWN_SECONDS: another worker takes all over."""
    jobs = names("job", 100)
    with _logging_in(world, jobs, 100, SHUTDOWN_SECONDS="1") as leaving:
        leaving.terminate()
        status = leaving.exit_status()
    given_back = world.redis.llen(LIST)
    world.farm.answer()
    with world.workers():
        measured = _ended(world, jobs)
    return measured | {"status": status, "given_back": given_back}


def same_job_twenty_times(world: World) -> Measured:
    """Twenty producers submit one job id at the same moment, to two processes."""
    world.farm.answer(0.5)
    with world.workers(PROCESSES="2"), ThreadPoolExecutor(20) as producers:
        list(producers.map(world.submit, ["job"] * 20))
        seconds = world.await_results(["job"])
        world.submit("job")
        world.await_order()
    return _measured(world, ["job"], seconds)


def silent_server(world: World, silent: int = 200, good: int = 50, **settings: str) -> Measured:
    """200 jobs at a server that never answers, beside 50 at good ones; all at the defaults."""
    world.farm.answer(0.3)
    settings = {"HOST_CONCURRENCY": "50", "PROBE_DEADLINE_SECONDS": "6"} | settings
    with world.workers(**settings):
        world.submit("warm-up")
        world.await_results(["warm-up"])
        alone = _pace(world, names("alone", good))
        stuck = names("silent", silent)
        _submit_silent(world, stuck)
        time.sleep(1)
        beside = _pace(world, names("beside", good))
        seconds = world.await_results(stuck, 55)
        world.await_order()
    p95 = {"p95_alone_ms": percentile(alone, 0.95), "p95_beside_ms": percentile(beside, 0.95)}
    ratio = p95["p95_beside_ms"] / p95["p95_alone_ms"]
    return _measured(world, stuck, seconds) | p95 | {"ratio": round(ratio, 2)}


def full_server(world: World, silent: int = 40) -> Measured:
    """40 jobs at a silent server that takes one connection at a time, in a process of four places.

    They would take 400 s, two probes of 5 s each. Then one job at a good server, then SIGTERM.
    """
    stuck = names("silent", silent)
    few = {"CONCURRENCY": "4", "HOST_CONCURRENCY": "1", "PROBE_DEADLINE_SECONDS": "5"}
    with world.workers(**few, SHUTDOWN_SECONDS="60") as workers:
        _submit_silent(world, stuck)
        world.submit("good")
        world.await_results(["good"])
        in_flight, ended = workers.in_flight(), world.finished(stuck)
        workers.terminate()
        wait_for(lambda: world.redis.llen(LIST) >= 30)
        ended_meanwhile = world.finished(stuck) - ended
        status = workers.exit_status()
    return {
        "jobs": silent + 1,
        "outcomes": dict(world.outcomes(["good"])),
        "good_ms": world.milliseconds("good"),
        "unfinished": silent - ended,
        "in_flight": in_flight,
        "ended_meanwhile": ended_meanwhile,
        "left_to_others": world.redis.llen(LIST) + world.finished(stuck),
        "status": status,
    }


def _submit_silent(world: World, jobs: list[str]) -> None:
    port = world.farm.silent
    dead = {"smtpPort": port, "imapPort": port, "smtpHost": "127.0.0.9", "imapHost": "127.0.0.9"}
    for job in jobs:
        world.submit(job, world.account(job, **dead))


def _pace(world: World, jobs: list[str]) -> list[int]:
    world.submit_all(jobs)
    world.await_results(jobs)
    return [world.milliseconds(job) for job in jobs]


def large_batch(world: World) -> Measured:
    """A batch of 50 and then ten single tests, all at one server that takes ten at a time."""
    world.farm.answer(0.3)
    singles = names("single", 10)
    with world.workers(HOST_CONCURRENCY="10"):
        world.submit("batch", *(world.account(user) for user in names("user", 50)))
        time.sleep(0.3)
        paces = _pace(world, singles)
        world.await_results(["batch"])
        batch_ms = world.milliseconds("batch")
        world.await_order()
    return _measured(world, ["batch", *singles], 0) | {
        "batch_ms": batch_ms,
        "slowest_single_ms": max(paces),
    }


def one_child_killed(world: World) -> Measured:
    """Kill -9 of one of two processes with 200 jobs in flight."""
    jobs = names("job", 300)
    with _logging_in(world, jobs, 200, PROCESSES="2", CONCURRENCY="100") as workers:
        first, second = workers.children
        os.kill(first, signal.SIGKILL)
        world.farm.answer(0.5)
        seconds = world.await_results(jobs)
        wait_for(lambda: len(workers.children) == 2)
        survived = second in workers.children and first not in workers.children
        world.await_order()
    return _measured(world, jobs, seconds) | {"survived": survived}


def dramatiqs_command(world: World) -> Measured:
    """`dramatiq worker.app`: SIGTERM to the group with 40 in flight and 20 in the queue."""
    jobs = names("job", 60)
    world.farm.hold()
    with world.workers("dramatiq", "--processes", "2", "--threads", "20", PROCESSES="2") as workers:
        world.submit_all(jobs)
        world.await_logins(40)
        workers.terminate()
        time.sleep(1.5)  # Dramatiq looks once a second whether it is to stop
        world.farm.answer()
        status = workers.exit_status()
    drained = world.finished(jobs)
    with world.workers("dramatiq", "--processes", "1"):
        measured = _ended(world, jobs)
    return measured | {"status": status, "drained": drained}


def connections_and_scripts_lost(world: World) -> Measured:
    """Under load Redis drops every connection and forgets every script, thirty times."""
    jobs = names("job", 1000)
    world.farm.answer(0.1)
    with world.workers(PROCESSES="2", CONCURRENCY="50"):
        world.submit_all(jobs)
        for _ in range(30):
            world.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            world.redis.script_flush()
            time.sleep(0.1)
        return _ended(world, jobs)


def redis_full(world: World) -> Measured:
    """Redis refuses every write for lack of memory for 4 s, with 200 jobs in flight."""
    jobs = names("job", 300)
    with _logging_in(world, jobs, 200, CONCURRENCY="200"):
        world.redis.config_set("maxmemory", "1")
        world.farm.answer()
        time.sleep(4)
        world.redis.config_set("maxmemory", "0")
        return _ended(world, jobs)


def redis_comes_back_empty(world: World) -> Measured:
    """Everything that Redis knew is gone: what runs still gets its result, new jobs run."""
    jobs, later = names("job", 200), names("later", 50)
    with _logging_in(world, jobs, 200):
        world.redis.flushall()
        world.redis.script_flush()
        world.farm.answer()
        world.submit_all(later)
        return _ended(world, [*jobs, *later])


def worker_asleep(world: World) -> Measured:
    """A worker hangs for 20 s, is taken for dead, wakes and goes on."""
    jobs = names("job", 100)
    with _logging_in(world, jobs, 100, CONCURRENCY="100") as sleeping:
        # Its supervisor too, which replaces what hangs for long.
        asleep = (sleeping.process.pid, *sleeping.children)
        for pid in asleep:
            os.kill(pid, signal.SIGSTOP)
        with world.workers():
            world.farm.answer()
            seconds = world.await_results(jobs)
            for pid in asleep:
                os.kill(pid, signal.SIGCONT)
            world.submit_all(names("later", 20))
            world.await_results(names("later", 20))
            world.await_order()
    return _measured(world, jobs, seconds)


def mail_servers_killed(world: World) -> Measured:
    """Every mail server drops dead with 200 logins under way: a result says so."""
    jobs = names("job", 200)
    with _logging_in(world, jobs, 200):
        world.farm.process.kill()
        return _ended(world, jobs)


def three_kills(world: World) -> Measured:
    """200 ordinary jobs in flight at each of three kills, as of a machine that is out of memory."""
    jobs = names("job", 200)
    world.farm.hold()
    world.submit_all(jobs)
    for _ in range(3):
        before = len(world.farm.log.read_text())
        with world.workers(CONCURRENCY="400") as workers:
            wait_for(lambda before=before: len(world.farm.log.read_text()) > before, 60)
            time.sleep(2)
            workers.kill()
    world.farm.answer()
    with world.workers(CONCURRENCY="400"):
        return _ended(world, jobs)


def killer_job(world: World, innocent: int = 100) -> Measured:
    """One job ends the process that runs it, each time, with 100 ordinary jobs in flight beside."""
    jobs = names("job", innocent)
    world.farm.answer(1)
    with world.workers(CONCURRENCY="400") as workers:
        world.submit_all(jobs[: innocent // 2])
        world.submit(KILLER)
        world.submit_all(jobs[innocent // 2 :])
        world.await_results([KILLER], 300)
        measured = _ended(world, jobs)
        deaths = workers.log.count('"worker_process_ended"')
    return measured | {"killer": dict(world.outcomes([KILLER])), "deaths": deaths}


def worker_paused(world: World) -> Measured:
    """The whole worker stands still for 25 s, as on a machine that is moved; its servers answer."""
    jobs = names("job", 200)
    with _logging_in(world, jobs, 200) as workers:
        group = workers.process.pid
        os.killpg(group, signal.SIGSTOP)
        world.farm.answer()
        time.sleep(25)
        os.killpg(group, signal.SIGCONT)
        return _ended(world, jobs)


def redis_demoted(world: World) -> Measured:
    """Redis is a replica for 5 s and cuts no connection; 200 logins are answered meanwhile."""
    jobs = names("job", 200)
    with _logging_in(world, jobs, 200) as workers:
        ready = [workers.is_ready()]
        world.redis.execute_command("REPLICAOF", "127.0.0.1", "1")
        world.farm.answer()
        time.sleep(5)
        ready.append(workers.is_ready())
        world.redis.execute_command("REPLICAOF", "NO", "ONE")
        seconds = world.await_results(jobs)
        world.await_order()
        ready.append(workers.is_ready())
    return _measured(world, jobs, seconds) | {"ready": ready}


def primary_replaced(world: World) -> Measured:
    """Sentinels name a promoted replica with 200 logins in flight; the old primary goes on."""
    jobs, primary = names("job", 200), f"127.0.0.1 {world.server.port}"
    with (
        redis_process(world.folder / "replica", "--replicaof", primary) as replica,
        sentinel(world.folder, world.server) as world.by_way_of,
        _logging_in(world, jobs, 200, PROCESSES="2") as workers,
    ):
        world.redis.set("mark", 1)
        wait_for(lambda: world.redis.wait(1, 1000) == 1)
        world.redis.close()
        world.redis = replica.client()
        world.redis.replicaof("NO", "ONE")
        before = _beats(world)
        name_another(world.by_way_of, replica)
        wait_for(lambda: not before & _beats(world))
        world.farm.answer()
        seconds = world.await_results(jobs)
        world.await_order()
        return _measured(world, jobs, seconds) | {"ready": workers.is_ready()}


def _beats(world: World) -> set[tuple[bytes, float]]:
    return set(world.redis.zrange(f"{NS}:__heartbeats__", 0, -1, withscores=True))


def drain_without_redis(world: World) -> Measured:
    """SIGTERM while Redis is away, and it stays away until the worker has ended."""
    jobs = names("job", 100)
    with _logging_in(world, jobs, 100, SHUTDOWN_SECONDS="6") as leaving:
        world.server.kill()
        world.farm.answer()
        leaving.terminate()
        status = leaving.exit_status()
    world.server.start()
    with world.workers():
        measured = _ended(world, jobs)
    return measured | {"status": status}


def busy_account(world: World, busy: int = 1000, strangers: int = 50) -> Measured:
    """1,000 jobs of one mailbox wait, in two processes; 50 others at the same host go through."""
    world.farm.answer(0.3)
    others = names("stranger", strangers)
    with world.workers(PROCESSES="2", HOST_CONCURRENCY="50"):
        world.submit("warm-up")
        world.await_results(["warm-up"])
        alone = percentile(_pace(world, names("alone", strangers)), 0.95)
        for job in names("busy", busy):
            world.submit(job, world.account("one-mailbox", password=job))
        wait_for(lambda: not world.redis.llen(LIST), 60)
        time.sleep(1)
        calls = _scripts_run(world)
        began = time.monotonic()
        paces = _pace(world, others)
        rate = (_scripts_run(world) - calls) / (time.monotonic() - began)
    return {
        "jobs": strangers,
        "results": world.finished(others),
        "outcomes": dict(world.outcomes(others)),
        "p95_alone_ms": alone,
        "p95_ms": percentile(paces, 0.95),
        "ratio": round(percentile(paces, 0.95) / alone, 2),
        "scripts_per_second": round(rate),
    }


def _scripts_run(world: World) -> int:
    statistics: Any = world.redis.info("commandstats")
    return sum(one["calls"] for name, one in statistics.items() if "cmdstat_eval" in name)


def malformed_messages(world: World, each: int = 1000) -> Measured:
    """So many malformed messages of 20 kinds between as many good ones."""
    alone, good = names("alone", each), names("good", each)
    readable: list[str] = []
    for job in alone:
        world.submit(job)
    with world.workers():
        seconds_alone = world.await_results(alone)
    for number, job in enumerate(good):
        world.submit(job)
        kind = list(MALFORMED)[number % len(MALFORMED)]
        bad = f"bad-{number}"
        MALFORMED[kind](world, bad)
        if kind not in NAMELESS:
            readable.append(bad)
    with world.workers():
        seconds = world.await_results(good)
        world.await_results(readable)
        world.await_order()
    letters = [world.redis.zcard(f"{LIST}.XQ"), world.redis.hlen(f"{LIST}.XQ.msgs")]
    return _measured(world, good, seconds) | {
        "seconds_alone": round(seconds_alone, 1),
        "bad_readable": len(readable),
        "bad_outcomes": dict(world.outcomes(readable)),
        "dead_letters": letters,
    }


def queues_beside_each_other(world: World) -> Measured:
    """Either queue full of jobs that hang at their server; one job of the other goes through."""
    world.farm.hold()
    update = world.integration()
    with world.workers(CONCURRENCY="20"):
        world.submit_all(names("job", 100))
        world.await_logins(20)
        world.submit_update("quick", "unknown", auth_key="wrong")
        tests_full = world.await_results(["quick"])
        ended_before = [world.finished(names("job", 100))]
        world.farm.answer()
        world.await_results(names("job", 100))
        world.farm.hold()
        before = len(world.farm.logins())
        for job in names("update", 100):
            world.submit_update(job, update, username=job)
        wait_for(lambda: len(world.farm.logins()) >= before + 20)
        world.submit("test", world.account("test", smtpPort=1, imapPort=1))
        updates_full = world.await_results(["test"])
        ended_before.append(world.finished(names("update", 100)))
        world.farm.answer()
        seconds = world.await_results(names("update", 100))
        world.await_order()
    return {
        "results": world.finished([*names("job", 100), *names("update", 100), "quick", "test"]),
        "update_beside_tests_seconds": round(tests_full, 2),
        "test_beside_updates_seconds": round(updates_full, 2),
        "ended_before": ended_before,
        "seconds": round(seconds, 1),
        "logins": dict(world.times_logged_in()),
    }


def few_open_files(world: World) -> Measured:
    """400 jobs at once in a process that the shell allows 300 files, as `ulimit -Sn` does."""
    jobs = names("job", 400)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    world.farm.hold()
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
    try:
        with world.workers(CONCURRENCY="400"):
            world.submit_all(jobs)
            wait_for(lambda: len(world.farm.logins()) == 800 or world.finished(jobs) > 0)
            world.farm.answer()
            seconds = world.await_results(jobs)
            world.await_order()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return _measured(world, jobs, seconds)


@contextmanager
def _logging_in(world: World, jobs: list[str], logins: int, **settings: str) -> Iterator[Workers]:
    """Jobs of which so many have logged in; their servers answer when they are told to."""
    world.farm.hold()
    with world.workers(**settings) as workers:
        world.submit_all(jobs)
        world.await_logins(logins)
        yield workers


def _ended(world: World, jobs: list[str]) -> Measured:
    """Wait until every job has its result and Redis is in order."""
    seconds = world.await_results(jobs)
    world.await_order()
    return _measured(world, jobs, seconds)


def _measured(world: World, jobs: list[str], seconds: float) -> Measured:
    return {
        "jobs": len(jobs),
        "results": world.finished(jobs),
        "outcomes": dict(world.outcomes(jobs)),
        "seconds": round(seconds, 1),
        "logins": dict(world.times_logged_in()),
    }
