"""A network for tests: loopback allowed, names of the tests' own, the tests' authority trusted."""

import functools
import ssl
from collections.abc import Mapping, Sequence
from ipaddress import ip_network

from producer.contract.report import Security
from tests.support import certificates
from tests.support.servers import FakeResolver, Server
from worker.probing.target import Protocol, Target
from worker.probing.timeline import Timeline
from worker.probing.transcript import Transcript
from worker.probing.wire.dial import Network, dial
from worker.probing.wire.egress import EgressPolicy
from worker.probing.wire.session import Session
from worker.probing.wire.tls import make_context

LOOPBACK = EgressPolicy(
    allow_networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
    allow_ports=(range(1, 65536),),
)


@functools.cache
def client_context() -> ssl.SSLContext:
    return certificates.trust(make_context())


def loopback_network(
    names: Mapping[str, Sequence[str] | Exception] | None = None,
    *,
    policy: EgressPolicy = LOOPBACK,
    connect_timeout_seconds: float = 20.0,
) -> Network:
    """`mail.test` is 127.0.0.1 unless `names` says otherwise."""
    resolver = FakeResolver(names or {certificates.NAME: ["127.0.0.1"]})
    return Network(resolver, policy, client_context(), connect_timeout_seconds)


async def dial_server(
    server: Server,
    security: Security = Security.STARTTLS,
    *,
    host: str = certificates.NAME,
    deadline_seconds: float = 60.0,
    secrets: Sequence[str] = (),
    protocol: Protocol = Protocol.SMTP,
) -> Session:
    """A session with a scripted server."""
    return await dial(
        Target(host, server.port, security),
        loopback_network(),
        Timeline(deadline_seconds),
        Transcript(protocol, secrets),
    )
