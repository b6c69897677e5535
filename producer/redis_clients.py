"""From a Redis URL to redis-py clients, for both sides.

How a URL is reached (TLS, user, sentinels, time-outs) is told here, once. How often a call is made
again is the caller's: a producer's client repeats once, for a pooled connection that went stale; a
worker's never, for a repeated fetch loses messages (`worker.redis_link`).
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff, NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from producer.contract.keyspace import hash_slot_of
from producer.contract.names import Keys
from producer.redis_cluster.connections import (
    AsyncSlotConnection,
    AsyncTlsSlotConnection,
    SlotConnection,
    TlsSlotConnection,
)
from producer.redis_cluster.nodes import Nodes
from producer.redis_cluster.patience import AsyncPatientRetry, PatientRetry
from producer.redis_sentinel import of_primary, of_primary_async
from producer.redis_url import ClusterUrl, PlainUrl, RedisUrl, SentinelUrl

TIMEOUT_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 1.0
_RETRY_PAUSE_SECONDS: Final = 0.1
_UNBOUNDED: Final = 2**31


@dataclass(frozen=True, slots=True)
class Calling:
    """How calls are made. `timeout_seconds` None: the caller bounds each call itself.

    `retries` 1 is enough for a pooled connection that went stale; an outage is the caller's to see.
    With `max_connections` a call that finds all of them in use waits for one. Without, there are as
    many as calls and subscriptions at once; redis-py's own 100 would be a bound, and then an error.
    """

    timeout_seconds: float | None = TIMEOUT_SECONDS
    retries: int = 1
    max_connections: int | None = None


_PRODUCER: Final = Calling()


def connect(url: RedisUrl, calling: Calling = _PRODUCER, *, hash_slot: int = 0) -> redis.Redis:
    """Return a client for threads that connects on first use. Replies are bytes.

    Of a cluster it is a client of the one `hash_slot` (`producer.contract.keyspace.hash_slot_of`).
    """
    if isinstance(url, ClusterUrl):
        return _slot_client(url, calling, hash_slot)
    retry = Retry(ConstantBackoff(_RETRY_PAUSE_SECONDS), calling.retries)
    options = {**_transport_options(url, calling), "retry": retry}
    if isinstance(url, SentinelUrl):
        sentinels = _sentinel_options(url) | {"retry": retry}
        return of_primary(url, sentinels, **options, **_data_options(url))
    if calling.max_connections is None:
        return redis.Redis.from_url(url.url, **options)
    pool = redis.BlockingConnectionPool.from_url(
        url.url, timeout=calling.timeout_seconds, **options
    )
    return redis.Redis(connection_pool=pool)


def connect_async(
    url: RedisUrl, calling: Calling = _PRODUCER, *, hash_slot: int = 0
) -> redis.asyncio.Redis:
    """Do as `connect` does, for asyncio; an excess of connections is an error there."""
    if isinstance(url, ClusterUrl):
        return _async_slot_client(url, calling, hash_slot)
    retry = AsyncRetry(ConstantBackoff(_RETRY_PAUSE_SECONDS), calling.retries)
    options = {**_transport_options(url, calling), "retry": retry}
    if not isinstance(url, SentinelUrl):
        return redis.asyncio.Redis.from_url(url.url, **options)
    sentinels = _sentinel_options(url) | {"retry": retry}
    return of_primary_async(url, sentinels, **options, **_data_options(url))


def connect_each(url: RedisUrl, namespaces: Sequence[str]) -> list[tuple[redis.Redis, Keys]]:
    """Return a client for each namespace, beside its keys; one and the same where that will do."""
    clients = {slot: connect(url, hash_slot=slot) for slot in _hash_slots(url, namespaces)}
    return [(clients[_hash_slot(url, name)], Keys(name)) for name in namespaces]


def connect_each_async(
    url: RedisUrl, namespaces: Sequence[str]
) -> list[tuple[redis.asyncio.Redis, Keys]]:
    """Do as `connect_each` does, for asyncio."""
    clients = {slot: connect_async(url, hash_slot=slot) for slot in _hash_slots(url, namespaces)}
    return [(clients[_hash_slot(url, name)], Keys(name)) for name in namespaces]


def _hash_slots(url: RedisUrl, namespaces: Sequence[str]) -> set[int]:
    return {_hash_slot(url, name) for name in namespaces}


def _hash_slot(url: RedisUrl, namespace: str) -> int:
    return hash_slot_of(namespace) if isinstance(url, ClusterUrl) else 0


def _slot_client(url: ClusterUrl, calling: Calling, hash_slot: int) -> redis.Redis:
    options = _transport_options(url, calling) | _cluster_options(url)
    options |= {
        "connection_class": TlsSlotConnection if url.tls else SlotConnection,
        "nodes": Nodes(hash_slot, _cluster_options(url), url.hosts),
        "retry": PatientRetry() if calling.retries else Retry(NoBackoff(), 0),
    }
    if calling.max_connections is None:
        return redis.Redis.from_pool(redis.ConnectionPool(**options))
    pool = redis.BlockingConnectionPool(timeout=calling.timeout_seconds, **options)
    return redis.Redis.from_pool(pool)


def _async_slot_client(url: ClusterUrl, calling: Calling, hash_slot: int) -> redis.asyncio.Redis:
    options = _transport_options(url, calling) | _cluster_options(url)
    options |= {
        "connection_class": AsyncTlsSlotConnection if url.tls else AsyncSlotConnection,
        "nodes": Nodes(hash_slot, _cluster_options(url), url.hosts),
        "retry": AsyncPatientRetry() if calling.retries else AsyncRetry(NoBackoff(), 0),
    }
    return redis.asyncio.Redis.from_pool(redis.asyncio.ConnectionPool(**options))


def _cluster_options(url: ClusterUrl) -> dict[str, Any]:
    """How each node is reached, without its address. The scheme tells no more than TLS."""
    read = parse_url(f"redis://node?{url.options}")
    del read["host"]
    return {**read, "username": url.username, "password": url.password}


def is_primary(client: redis.Redis) -> bool:
    """Tell whether the server that answers takes writes.

    A demoted primary goes on answering PING and reads, without cutting a connection. Where it is
    one, the connections are closed: the next call asks the name or the sentinels anew.
    """
    try:
        replication: Any = client.info("replication")
    except redis.ResponseError:  # INFO is not this user's: nothing speaks against the server
        return True
    if replication.get("role") == "master":
        return True
    client.connection_pool.disconnect()
    return False


def exchange(client: redis.Redis, octets: bytes, replies: int) -> Any:
    """Write packed commands, read so many replies and return the last, past redis-py's pipeline."""
    pool = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_packed_command([octets])
        for _ in range(replies - 1):
            connection.read_response()
        return connection.read_response()
    except BaseException:
        connection.disconnect()  # replies may be left unread in it
        raise
    finally:
        pool.release(connection)


def close(client: redis.Redis) -> None:
    """Close a client, and what it asks for its primary: redis-py leaves the latter open."""
    client.close()
    for sentinel in _sentinels(client):
        sentinel.close()


async def close_async(client: redis.asyncio.Redis) -> None:
    """Do as `close` does, for asyncio.

    A server that hangs does not end its TLS either: nobody waits for that.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            closing = (one.aclose() for one in (client, *_sentinels(client)))
            await asyncio.gather(*closing)


def _sentinels(client: redis.Redis | redis.asyncio.Redis) -> list[Any]:
    manager = getattr(client.connection_pool, "sentinel_manager", None)
    return manager.sentinels if manager is not None else []


def _transport_options(url: RedisUrl, calling: Calling) -> dict[str, Any]:
    options: dict[str, Any] = {
        "socket_timeout": calling.timeout_seconds,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "max_connections": calling.max_connections or _UNBOUNDED,
    }
    if isinstance(url, PlainUrl) and url.url.startswith("unix:"):
        return options
    # Tells of a peer that is gone without a word; a unix socket has no such peer, nor the option.
    return options | {"socket_keepalive": True}


def _sentinel_options(url: SentinelUrl) -> dict[str, Any]:
    """For the sentinels themselves: always bounded in time, the next one is asked."""
    options: dict[str, Any] = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
    }
    return options | _tls(url)


def _data_options(url: SentinelUrl) -> dict[str, Any]:
    return {
        "db": url.database,
        "username": url.username,
        "password": url.password,
        **_tls(url),
    }


def _tls(url: SentinelUrl) -> dict[str, Any]:
    return {"ssl": True, "ssl_cert_reqs": "required"} if url.tls else {}
