"""The composition root: settings -> Redis -> probes -> actors. No other module puts parts together.

Building connects nothing; what is built connects once it runs. The threads that jobs need are
started here: a limit of processes that allows none must not be found out by a job.
"""

import hashlib
import re
import socket
from collections.abc import Mapping
from functools import partial
from typing import Final

import redis.asyncio

from producer.contract.keyspace import hash_slot_of
from producer.contract.names import Queue
from producer.redis_url import parse_redis_url
from producer.sealing.at_rest import PasswordVault
from worker.jobs.actors import Actors, declare, refusal_documents
from worker.jobs.credential_test import BatchRules
from worker.jobs.integrations.rules import FIELDS
from worker.jobs.integrations.service import Integrations, Policy
from worker.jobs.integrations.store import IntegrationStore
from worker.jobs.opening import Intake
from worker.limits.gate import RedisGate
from worker.limits.identity import Identity
from worker.limits.limits import Limits
from worker.limits.shards import LimitShards
from worker.probing.classify import providers
from worker.probing.derivation import KeyDerivation
from worker.probing.prober import Prober
from worker.probing.wire.dial import Network
from worker.probing.wire.egress import EgressPolicy
from worker.probing.wire.resolver import DnsResolver
from worker.probing.wire.resumption import MAX_SESSIONS, TlsSessions
from worker.process import keys
from worker.queue.broker import HardenedBroker
from worker.queue.jobs import Jobs, Lifetimes, current_jobs
from worker.queue.layout import Layout
from worker.queue.results import Spool
from worker.queue.setup import Companion, Setup, Shard
from worker.queue.slots import waiting
from worker.queue.turns import Turns
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link
from worker.redis_link.primary import ways_to_ask
from worker.settings import Settings
from worker.telemetry.metrics import Metrics
from worker.telemetry.observer import ObservedProber, QueueEvents
from worker.telemetry.tracing import Tracing

NO_NAME: Final = "[127.0.0.1]"
"""What RFC 5321, section 4.1.3, asks of a host without a name of its own; servers take it."""

_FULL_NAME: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\Z")


def build(settings: Settings, tracing: Tracing, metrics: Metrics, *companions: Companion) -> Setup:
    """Put one worker process together; `companions` run beside its jobs, on the same loop.

    Ends the start for a key file or an authority that cannot be used.
    """
    namespaces = settings.keyspace.of_jobs
    broker = HardenedBroker(settings.redis_address, namespace=namespaces[0])
    turns = Turns(shards=settings.shards)
    shards = tuple(
        _shard(settings, Layout(name), broker.broker_id, metrics, turns) for name in namespaces
    )
    links = {shard.layout.namespace: shard.link for shard in shards}
    pools = [shard.pool for shard in shards]
    records = links.get(settings.keyspace.records)
    if records is None:
        pools.append(_pool(settings, settings.keyspace.records))
        records = Link(pools[-1])
    actors = _actors(settings, records, links, metrics, tracing)
    declare(broker, partial(_run, actors))
    return Setup(
        broker=broker,
        shards=shards,
        concurrency=settings.concurrency,
        shutdown_seconds=settings.shutdown_seconds,
        observer=QueueEvents(metrics),
        companions=(*companions, *ways_to_ask(pools)),
        other_links=() if records in links.values() else (records,),
    )


async def _run(actors: Actors, queue: Queue, job_id: str) -> None:
    await actors.run(current_jobs.get(), queue, job_id)


def _shard(
    settings: Settings, layout: Layout, broker_id: str, metrics: Metrics, turns: Turns
) -> Shard:
    pool = _pool(settings, layout.namespace)
    link = Link(pool)
    jobs = Jobs(
        link,
        layout,
        broker_id,
        partial(refusal_documents, metrics),
        Lifetimes(settings.request_ttl_seconds, settings.result_ttl_seconds),
        _spool(settings, layout.namespace),
        turns=turns,
    )
    return Shard(layout, pool, link, jobs)


def _pool(settings: Settings, namespace: str) -> redis.asyncio.ConnectionPool:
    return async_pool(settings.redis_address, hash_slot=hash_slot_of(namespace))


def _spool(settings: Settings, namespace: str) -> Spool:
    """One directory for each Redis and namespace: a result is saved where its job came from."""
    target = f"{parse_redis_url(settings.redis_address).location} {namespace}"
    name = hashlib.sha256(target.encode()).hexdigest()[:16]
    return Spool(settings.data_dir / "spool" / name, settings.request_ttl_seconds)


def network_of(settings: Settings) -> Network:
    """Build what probes need to get anywhere; reads the trust store, which takes a while."""
    return Network(
        resolver=DnsResolver(),
        policy=EgressPolicy(settings.allow_networks, settings.allow_ports),
        tls_context=keys.trust_of(settings),
        connect_timeout_seconds=settings.connect_timeout_seconds,
        tls_sessions=TlsSessions(MAX_SESSIONS if settings.tls_resumption else 0),
    )


def ehlo_name_of(settings: Settings) -> str:
    """Return the name we greet with: the setting, else this host's if it is a full one."""
    own = socket.gethostname()
    return settings.ehlo_name or (own if _FULL_NAME.match(own) else NO_NAME)


def _actors(
    settings: Settings,
    records: Link,
    shards: Mapping[str, Link],
    metrics: Metrics,
    tracing: Tracing,
) -> Actors:
    store_keys = keys.store_key_files(settings)
    gate = _gate(settings, shards, Identity(keys.limits_secret_of(store_keys)))
    core = Prober(
        network_of(settings),
        gate,
        providers.load(),
        ehlo_name_of(settings),
        settings.probe_deadline_seconds,
        derive := KeyDerivation(),
    )
    prober = ObservedProber(core, metrics, tracing)
    intake = Intake(keys.unsealer_of(settings), settings.require_sealed)
    for threads in (core.network.handshakes, derive, intake):
        threads.reserve()
    return Actors(
        intake=intake,
        rules=BatchRules(settings.max_batch, settings.allow_cleartext),
        prober=prober,
        integrations=_integrations(settings, records, keys.vault_of(store_keys), prober),
        metrics=metrics,
        tracing=tracing,
        help_page=settings.help_url,
    )


def _integrations(
    settings: Settings, records: Link, vault: PasswordVault, prober: ObservedProber
) -> Integrations:
    life_seconds = settings.request_ttl_seconds
    return Integrations(
        IntegrationStore(records, settings.keyspace.records, job_life_seconds=life_seconds),
        vault,
        partial(prober.probe, fields=FIELDS),
        Policy(settings.verify_integrations, settings.allow_cleartext),
    )


def _gate(settings: Settings, shards: Mapping[str, Link], identity: Identity) -> RedisGate:
    limits = Limits(
        settings.host_concurrency,
        settings.login_failure_limit,
        settings.login_failure_window_seconds,
        # Beyond the deadline there is the look at sibling ports and the last line.
        hold_seconds=settings.probe_deadline_seconds + 15,
    )
    return RedisGate(LimitShards(shards), identity, limits, waiting)
