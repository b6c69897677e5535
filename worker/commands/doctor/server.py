"""The Redis server: reachable, new enough, keeps what it is given, agrees about the time."""

import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import redis

from producer.contract.names import HEARTBEAT_LIFETIME_MS, Keys
from producer.redis_failures import unavailable
from producer.redis_url import CLUSTER_SCHEMES, parse_redis_url
from worker.commands.doctor.check import Check, fail, ok, warn

OLDEST_REDIS: Final = (6, 2)
"""LPOP with a count, and SET with NX and GET."""

SKEW_WARN_SECONDS: Final = 1.0
SKEW_FAIL_SECONDS: Final = 30.0
"""Queue waits and expiry are told by both clocks."""

MEMORY_WARN_SHARE: Final = 0.8


def check_redis(client: redis.Redis, namespace: str, redis_url: str) -> Iterator[Check]:
    """Ask once; an unreachable server is one failed check."""
    try:
        info: dict[str, Any] = client.info()
        seconds, micros = client.time()
        # `time()` is the worker's clock at the reply; half a round trip is no skew to speak of.
        skew = seconds + micros / 1e6 - time.time()
        now_ms = seconds * 1000
        # One far ahead was counted by a clock that was set back since.
        living = (now_ms - HEARTBEAT_LIFETIME_MS, now_ms + HEARTBEAT_LIFETIME_MS)
        workers: Any = client.zcount(Keys(namespace).heartbeats, *living)
    except redis.RedisError as error:
        yield fail(
            "redis",
            str(unavailable(parse_redis_url(redis_url), error)),
            "without MAILVOUCH_REDIS_URL mailvouch-worker run starts one;"
            " deploy/redis/make_users.py makes users and passwords",
        )
        return
    yield _check_version(info, redis_url)
    yield _check_persistence(info)
    yield _check_eviction(info)
    yield _check_memory(info)
    yield _check_clock(skew)
    yield _check_transport(redis_url)
    yield _check_workers(int(workers))


def _check_version(info: dict[str, Any], redis_url: str) -> Check:
    name = str(info.get("server_name") or "redis")
    version = str(info.get("valkey_version") or info.get("redis_version", "0"))
    if info.get("redis_mode") == "cluster" and not redis_url.startswith(CLUSTER_SCHEMES):
        return fail(
            "redis version",
            f"{name} {version} is a node of a cluster, and MAILVOUCH_REDIS_URL does not say so",
            "redis+cluster:// or rediss+cluster:// for every program that uses it",
        )
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        return fail("redis version", f"{name} {version} is too old", "use 6.2 or newer")
    return ok("redis version", f"{name} {version}")


def _check_persistence(info: dict[str, Any]) -> Check:
    if info.get("aof_enabled") and info.get("aof_last_write_status", "ok") != "ok":
        return fail(
            "redis persistence",
            "the append-only file could not be written, so Redis takes no jobs",
            "look for a full disk; RUNBOOK: Redis is full",
        )
    if info.get("aof_enabled"):
        return ok("redis persistence", "append-only file is on")
    return warn(
        "redis persistence",
        "no append-only file: a restart of Redis loses jobs",
        "appendonly yes, appendfsync everysec (deploy/redis/redis.conf)",
    )


def _check_eviction(info: dict[str, Any]) -> Check:
    policy = info.get("maxmemory_policy", "unknown")
    if policy == "noeviction" or not info.get("maxmemory"):
        return ok("redis eviction", f"{policy}, nothing is thrown away")
    return fail(
        "redis eviction",
        f"maxmemory-policy {policy} throws queued jobs away when memory is full",
        "CONFIG SET maxmemory-policy noeviction, and in redis.conf",
    )


def _check_memory(info: dict[str, Any]) -> Check:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if most and used > most * MEMORY_WARN_SHARE:
        return warn(
            "redis memory",
            f"{used / most:.0%} of maxmemory is used",
            "RUNBOOK: Redis is full",
        )
    return ok("redis memory", f"{used / most:.0%} used" if most else "no limit set")


def _check_clock(skew_seconds: float) -> Check:
    text = f"Redis' clock is {round(skew_seconds, 1) or 0.0:+.1f} s from this machine's"
    if abs(skew_seconds) < SKEW_WARN_SECONDS:
        return ok("clock", text)
    level = fail if abs(skew_seconds) > SKEW_FAIL_SECONDS else warn
    return level("clock", text, "run NTP (chrony, systemd-timesyncd) on both machines")


def _check_transport(redis_url: str) -> Check:
    parts = urlsplit(redis_url)
    if parts.scheme.startswith(("rediss", "unix")):
        return ok("redis transport", f"{parts.scheme}: nobody on the way can listen")
    if parts.hostname in {"localhost", "127.0.0.1", "::1"}:
        return ok("redis transport", "loopback")
    return warn(
        "redis transport",
        "not encrypted: requests and results can be read on the way",
        "use rediss:// (deploy/redis/tls.conf has the lines)",
    )


def _check_workers(count: int) -> Check:
    if count:
        return ok("workers", f"worker processes with a heartbeat: {count}")
    return warn("workers", "no worker runs", "mailvouch-worker run")
