"""Everything breaks, again and again, under load: what becomes of the jobs?

    python -m bench.chaos --minutes 15 --seed 7

Three workers at 100 jobs a second, each job one login over SMTP and one over IMAP at a server that
counts them. Meanwhile, by the seed's dice: whole workers are killed and come back at once or after
a while, single children are killed, workers terminated and stopped; Redis is killed, hangs, is
full, is demoted, drops its connections; mail servers dawdle; messages that no worker can run come
in, and jobs that end the process that runs them. In the end all is mended and each job is looked
at: one result, of its own account, and no login twice without a reason; each of those that kill is
condemned, and nobody beside them.

A reason is that a process was killed, terminated or stopped for long between the job's submission
and its end. Kills are half a minute apart but for a job that kills: it does so up to five times,
and what ran beside it each time logs in as often.
"""

import argparse
import os
import random
import signal
import sys
import threading
import time
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Final

import redis

from bench.judging import Account, judge
from producer.client import Client, credential_test
from producer.redis_failures import RedisUnavailableError
from tests.support.fault_world import Workers, World, fault_world
from tests.support.mail_farm import KILLER
from tests.support.malformed import MALFORMED, NAMELESS
from tests.support.threads import beside

WORKERS: Final = 3
SETTINGS: Final = {"CONCURRENCY": "200", "SHUTDOWN_SECONDS": "5", "LOG_LEVEL": "WARNING"}
BETWEEN_KILLS_SECONDS: Final = 30
MEND_SECONDS: Final = 240
TAKEN_FOR_DEAD_SECONDS: Final = 15


class Fleet:
    """The workers; any of them may be away for a moment."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stacks = [ExitStack() for _ in range(WORKERS)]
        self.workers: list[Workers] = []
        for slot in range(WORKERS):
            self.workers.append(self._start(slot))

    def _start(self, slot: int) -> Workers:
        return self._stacks[slot].enter_context(self._world.workers(**SETTINGS))

    def replace(self, slot: int, after_seconds: float = 0) -> None:
        self._stacks[slot].close()
        time.sleep(after_seconds)
        self.workers[slot] = self._start(slot)

    def close(self) -> None:
        for stack in self._stacks:
            stack.close()


class Chaos:
    """One fault at a time, each mended by itself."""

    def __init__(self, world: World, account: Account, dice: random.Random) -> None:
        self._world = world
        self._account = account
        self._dice = dice
        self._fleet = Fleet(world)
        self._last_kill = time.monotonic()
        self._faults = [
            self.stop_worker,
            self.redis_killed,
            self.redis_hangs,
            self.redis_full,
            self.redis_demoted,
            self.connections_lost,
            self.servers_dawdle,
            self.poison,
        ]
        self._kills = [
            self.kill_worker,
            self.kill_worker_for_a_while,
            self.killer_job,
            self.kill_child,
            self.terminate_worker,
            self.stop_worker_for_long,
        ]

    def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self._dice.uniform(1, 4))
            due = time.monotonic() - self._last_kill > BETWEEN_KILLS_SECONDS
            action = self._dice.choice(self._kills if due else self._faults)
            self._account.actions[action.__name__.replace("_", " ")] += 1
            print(f"{time.strftime('%X')} {action.__name__}", file=sys.stderr, flush=True)
            action()
            if due:
                self._last_kill = time.monotonic()

    def close(self) -> None:
        self._fleet.close()

    def _any(self) -> int:
        return self._dice.randrange(WORKERS)

    def _note(self) -> None:
        self._account.reasons.append(time.time())

    def kill_worker(self) -> None:
        slot = self._any()
        self._note()
        self._fleet.workers[slot].kill()
        self._fleet.replace(slot)

    def kill_worker_for_a_while(self) -> None:
        """The others take its jobs over before it comes back."""
        slot = self._any()
        self._note()
        self._fleet.workers[slot].kill()
        self._fleet.replace(slot, TAKEN_FOR_DEAD_SECONDS + self._dice.uniform(3, 10))

    def killer_job(self) -> None:
        job = f"{KILLER}-{len(self._account.killers)}"
        with suppress(RedisUnavailableError):
            self._world.submit(job)
            self._account.killers.append(job)

    def kill_child(self) -> None:
        (child, *_) = self._fleet.workers[self._any()].children or [0]  # none after a killer
        self._note()
        if child:
            os.kill(child, signal.SIGKILL)

    def terminate_worker(self) -> None:
        slot = self._any()
        self._fleet.workers[slot].terminate()
        status = self._fleet.workers[slot].exit_status()
        self._note()  # what the drain broke off
        self._account.actions[f"exit status {status} of a drain"] += 1
        self._fleet.replace(slot)

    def stop_worker(self) -> None:
        self._stopped(self._dice.uniform(1, 8))

    def stop_worker_for_long(self) -> None:
        self._note()
        self._stopped(TAKEN_FOR_DEAD_SECONDS + self._dice.uniform(3, 10))

    def _stopped(self, seconds: float) -> None:
        group = self._fleet.workers[self._any()].process.pid
        os.killpg(group, signal.SIGSTOP)
        time.sleep(seconds)
        os.killpg(group, signal.SIGCONT)

    def redis_killed(self) -> None:
        self._world.server.kill()
        time.sleep(self._dice.uniform(0.2, 5))
        self._world.server.start()

    def redis_hangs(self) -> None:
        self._world.server.freeze()
        time.sleep(self._dice.uniform(1, 8))
        self._world.server.thaw()

    def redis_full(self) -> None:
        self._world.redis.config_set("maxmemory", "1")
        time.sleep(self._dice.uniform(0.5, 4))
        self._world.redis.config_set("maxmemory", "0")

    def redis_demoted(self) -> None:
        self._world.redis.execute_command("REPLICAOF", "127.0.0.1", "1")
        time.sleep(self._dice.uniform(0.5, 4))
        self._world.redis.execute_command("REPLICAOF", "NO", "ONE")

    def connections_lost(self) -> None:
        for _ in range(5):
            self._world.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            self._world.redis.script_flush()
            time.sleep(0.2)

    def servers_dawdle(self) -> None:
        self._world.farm.answer(self._dice.uniform(0.5, 3))
        time.sleep(self._dice.uniform(1, 5))
        self._world.farm.answer(0.2)

    def poison(self) -> None:
        for kind in self._dice.sample(sorted(MALFORMED), 5):
            job = f"poison-{len(self._account.poison)}-{kind.replace(' ', '-')}"
            MALFORMED[kind](self._world, job)
            if kind not in NAMELESS:
                self._account.poison.append(job)


def load(world: World, account: Account, rate: int) -> AbstractContextManager[None]:
    """Submit at a steady pace from a thread, through every outage."""

    def submit(over: threading.Event) -> None:
        began, number = time.monotonic(), 0
        with Client(world.server.url) as client:
            while not over.wait(0.1):
                target = int((time.monotonic() - began) * rate)
                jobs = [f"job-{n}" for n in range(number, target)]
                envelopes = [
                    credential_test({"emailCredentialsRequests": [world.account(job)]}, "d")
                    for job in jobs
                ]
                account.submitted.update(dict.fromkeys(jobs, time.time()))
                number = target
                while True:
                    with suppress(RedisUnavailableError):
                        client.submit_many(envelopes, job_ids=jobs)
                        break
                    time.sleep(0.2)

    return beside(submit)


def await_all(world: World, jobs: list[str]) -> float:
    """Until all have ended, or for MEND_SECONDS none: a busy machine has a backlog."""
    began = moved = time.monotonic()
    most = 0
    while time.monotonic() - moved < MEND_SECONDS:
        with suppress(redis.RedisError):
            finished = world.finished(jobs)
            if finished == len(jobs):
                break
            if finished > most:
                most, moved = finished, time.monotonic()
        time.sleep(0.5)
    return time.monotonic() - began


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=100, help="jobs a second")
    chosen = parser.parse_args(arguments)
    account = Account()
    with fault_world() as world:
        world.farm.answer(0.2)
        chaos = Chaos(world, account, random.Random(chosen.seed))
        try:
            with load(world, account, chosen.rate):
                chaos.run(60 * chosen.minutes)
            ids = [*account.submitted, *account.poison, *account.killers]
            seconds = await_all(world, ids)
            findings = judge(world, account) | {"seconds until all had ended": round(seconds, 1)}
        finally:
            chaos.close()
    print(f"| {chosen.minutes:g} minutes, seed {chosen.seed}, {chosen.rate} jobs/s | |")
    print("| --- | --- |")
    for name, value in findings.items():
        print(f"| {name} | {value} |")
    lost = len(account.submitted) - int(str(findings["results"]))
    bad = lost or any(value for name, value in findings.items() if name.startswith("*"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
