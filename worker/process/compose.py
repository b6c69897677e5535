"""The composition root: settings -> Redis -> probes -> actors. No other module puts parts together.

Building connects nothing; what is built connects once it runs.
"""

import hashlib
import re
import socket
from functools import partial
from typing import Final

from producer.redis_url import parse_redis_url
from worker.jobs.actors import Actors, declare, refusal_documents
from worker.jobs.credential_test import BatchRules
from worker.jobs.integrations.rules import FIELDS
from worker.jobs.integrations.service import Integrations, Policy
from worker.jobs.integrations.store import IntegrationStore
from worker.jobs.opening import Intake
from worker.limits.gate import Limits, RedisGate
from worker.limits.identity import Identity
from worker.probing.classify import providers
from worker.probing.prober import Prober
from worker.probing.wire.dial import Network
from worker.probing.wire.egress import EgressPolicy
from worker.probing.wire.resolver import DnsResolver
from worker.probing.wire.resumption import MAX_SESSIONS, TlsSessions
from worker.process import keys
from worker.queue.broker import HardenedBroker
from worker.queue.jobs import Jobs, Lifetimes
from worker.queue.results import Spool
from worker.queue.setup import Companion, Setup
from worker.queue.slots import waiting
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link
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
    url = settings.redis_address
    broker = HardenedBroker(url, namespace=settings.namespace)
    pool = async_pool(url)
    link = Link(pool)
    jobs = Jobs(
        link,
        broker.layout,
        broker.broker_id,
        partial(refusal_documents, metrics),
        Lifetimes(settings.request_ttl_seconds, settings.result_ttl_seconds),
        _spool(settings),
    )
    actors = _actors(settings, link, metrics, tracing)
    declare(broker, partial(actors.run, jobs))
    return Setup(
        broker=broker,
        pool=pool,
        link=link,
        jobs=jobs,
        concurrency=settings.concurrency,
        shutdown_seconds=settings.shutdown_seconds,
        observer=QueueEvents(metrics),
        companions=companions,
    )


def _spool(settings: Settings) -> Spool:
    """One directory for each Redis and namespace: a result is saved where its job came from."""
    target = f"{parse_redis_url(settings.redis_address).location} {settings.namespace}"
    name = hashlib.sha256(target.encode()).hexdigest()[:16]
    return Spool(settings.data_dir.expanduser() / "spool" / name, settings.request_ttl_seconds)


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


def _actors(settings: Settings, link: Link, metrics: Metrics, tracing: Tracing) -> Actors:
    store_keys = keys.store_key_files(settings)
    vault = keys.vault_of(store_keys)
    gate = _gate(settings, link, Identity(keys.limits_secret_of(store_keys)))
    prober = ObservedProber(
        Prober(
            network_of(settings),
            gate,
            providers.load(),
            ehlo_name_of(settings),
            settings.probe_deadline_seconds,
        ),
        metrics,
        tracing,
    )
    return Actors(
        intake=Intake(keys.unsealer_of(settings), settings.require_sealed),
        rules=BatchRules(settings.max_batch, settings.allow_cleartext),
        prober=prober,
        integrations=Integrations(
            IntegrationStore(
                link, settings.namespace, job_life_seconds=settings.request_ttl_seconds
            ),
            vault,
            partial(prober.probe, fields=FIELDS),
            Policy(settings.verify_integrations, settings.allow_cleartext),
        ),
        metrics=metrics,
        tracing=tracing,
        help_page=settings.help_url,
    )


def _gate(settings: Settings, link: Link, identity: Identity) -> RedisGate:
    limits = Limits(
        settings.host_concurrency,
        settings.login_failure_limit,
        settings.login_failure_window_seconds,
        # Beyond the deadline there is the look at sibling ports and the last line.
        hold_seconds=settings.probe_deadline_seconds + 15,
    )
    return RedisGate(link, settings.namespace, identity, limits, waiting)
