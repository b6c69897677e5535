"""What an operator sees of one shard: queues, workers, failures, dead letters. No secrets.

Everything is read in a few round trips, nothing is scanned. Failures are those of the jobs that
this gateway heard end: every gateway hears of every job, whoever submitted it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from producer.contract.flaws import REASONS
from producer.contract.names import HEARTBEAT_LIFETIME_MS, Keys, Queue, is_job_id
from producer.gateway.arrivals import EndedJob
from producer.gateway.redis_calls import Command, RedisCalls
from producer.verdicts.reading import mapping, objects
from producer.verdicts.words import PROTOCOLS

MOST_WORKERS: Final = 100
MOST_LETTERS: Final = 20
"""Of each queue, the newest."""

DOCUMENTS_AT_ONCE: Final = 16
MOST_CODE_CHARACTERS: Final = 64
NOTHING_RUN: Final = "REQUEST_REFUSED"
"""Stands for a job whose request could not be run at all; its result says why."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """`oldest_seconds`: how long the first message has waited; None where none does."""

    name: str
    waiting: int
    delayed: int
    running: int
    dead: int
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker process by its last heartbeat."""

    name: str
    seconds: float
    lives: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """How often a code was found, when last (unix time) and by which job."""

    code: str
    count: int
    last: float
    job_id: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be run. `reason` is "" where it is not one that we know."""

    queue: str
    message_id: str
    died: float
    job_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows, as of `at` (unix time, by Redis' clock)."""

    at: float
    queues: Sequence[QueueState]
    workers: Sequence[WorkerState]
    heard: int
    failures: Sequence[Failure]
    letters: Sequence[DeadLetter]


async def read_shard(redis: RedisCalls, keys: Keys, ended: Sequence[EndedJob]) -> Overview:
    """Read what the page shows of one shard. Raises RedisUnavailableError."""
    now, beats, *counts = await redis.ask_all(
        ("TIME", ""),
        ("ZREVRANGE", keys.heartbeats, 0, MOST_WORKERS - 1, "WITHSCORES"),
        *(command for queue in Queue for command in _counts(keys, queue)),
    )
    at = now[0] + now[1] / 1e6
    size = len(counts) // len(Queue)
    rows = [counts[start : start + size] for start in range(0, len(counts), size)]
    return Overview(
        at=at,
        queues=await _queues(redis, keys, rows, at),
        workers=[_worker(name, score, at) for name, score in _scored(beats)],
        heard=len(ended),
        failures=await _failures(redis, keys, ended),
        letters=await _letters(redis, keys, [row[-1] for row in rows]),
    )


def _counts(keys: Keys, queue: str) -> Iterator[Command]:
    yield "LLEN", keys.queue(queue)
    yield "HLEN", keys.messages(f"{queue}.DQ")
    yield "HLEN", keys.messages(queue)
    yield "ZCARD", keys.dead(queue)
    yield "LINDEX", keys.queue(queue), 0
    yield "ZREVRANGE", keys.dead(queue), 0, MOST_LETTERS - 1, "WITHSCORES"


async def _queues(
    redis: RedisCalls, keys: Keys, rows: Sequence[Sequence[Any]], at: float
) -> list[QueueState]:
    heads = await redis.ask_all(
        *(
            ("HGET", keys.messages(queue), row[4] or "")
            for queue, row in zip(Queue, rows, strict=True)
        )
    )
    return [
        QueueState(queue, row[0], row[1], max(0, row[2] - row[0]), row[3], _age(head, at))
        for queue, row, head in zip(Queue, rows, heads, strict=True)
    ]


def _age(message: bytes | None, at: float) -> float | None:
    stamp = _parsed(message).get("message_timestamp")
    if not isinstance(stamp, int | float):
        return None
    try:
        return max(0.0, at - stamp / 1000)
    except OverflowError:
        return None


def _worker(name: bytes, score: float, at: float) -> WorkerState:
    seconds = at - score / 1000
    shown = name.decode("utf-8", "backslashreplace")[:MOST_CODE_CHARACTERS]
    # One that is further ahead was counted by a clock that was set back since.
    lives = abs(seconds) * 1000 <= HEARTBEAT_LIFETIME_MS
    return WorkerState(shown, max(0.0, seconds), lives)


async def _failures(redis: RedisCalls, keys: Keys, ended: Sequence[EndedJob]) -> list[Failure]:
    counted: Counter[str] = Counter()
    last: dict[str, EndedJob] = {}
    for start in range(0, len(ended), DOCUMENTS_AT_ONCE):
        jobs = ended[start : start + DOCUMENTS_AT_ONCE]
        reports = await redis.ask("MGET", *(keys.report(job.job_id) for job in jobs))
        for job, report in zip(jobs, reports, strict=True):
            found = [*_codes(objects(_parsed(report).get("items")))]
            counted.update(found)
            last |= dict.fromkeys(found, job)
    return [
        Failure(code, count, last[code].at, last[code].job_id)
        for code, count in counted.most_common()
    ]


def _codes(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what the probes found wrong, with their protocol; what could not be read as such."""
    item = None
    for item in items:
        for protocol in PROTOCOLS:
            code = mapping(item.get(protocol)).get("code", "OK")
            if code != "OK" and isinstance(code, str):
                yield f"{protocol.upper()}_{code}"[:MOST_CODE_CHARACTERS]
    if item is None:
        yield NOTHING_RUN


async def _letters(redis: RedisCalls, keys: Keys, dead: Iterable[list[Any]]) -> list[DeadLetter]:
    found: list[DeadLetter] = []
    for queue, scores in zip(Queue, dead, strict=True):
        scored = _scored(scores)
        if scored:
            names = (name for name, _ in scored)
            bodies = await redis.ask("HMGET", keys.dead_messages(queue), *names)
            found += [
                _letter(queue, name, score, body)
                for (name, score), body in zip(scored, bodies, strict=True)
            ]
    return sorted(found, key=lambda letter: -letter.died)


def _letter(queue: str, name: bytes, score: float, body: bytes | None) -> DeadLetter:
    """Show what is known to be no secret: a message that is not ours may hold anything."""
    fields = _parsed(body)
    args, flaw = fields.get("args"), mapping(fields.get("options")).get("flaw")
    job_id = args[0] if isinstance(args, list) and len(args) == 1 else None
    return DeadLetter(
        queue=queue,
        message_id=name.decode("utf-8", "backslashreplace")[:MOST_CODE_CHARACTERS],
        died=score / 1000,
        job_id=job_id if isinstance(job_id, str) and is_job_id(job_id) else "",
        reason=flaw if isinstance(flaw, str) and flaw in REASONS else "",
    )


def _scored(reply: Sequence[Any]) -> list[tuple[bytes, float]]:
    """Read members with scores: pairs in RESP3, in RESP2 one after the other."""
    nested = (one if isinstance(one, list | tuple) else (one,) for one in reply)
    flat = list(chain.from_iterable(nested))
    return [(name, float(score)) for name, score in zip(flat[::2], flat[1::2], strict=True)]


def _parsed(stored: bytes | None) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(stored or b"null"))
    except (ValueError, RecursionError):
        return {}
