"""`MAILVOUCH_REDIS_URL`, read into plain data (docs/CONTRACT.md section 8). Opens nothing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from producer.contract.names import MASK

SENTINEL_SCHEMES: Final = ("redis+sentinel", "rediss+sentinel")
CLUSTER_SCHEMES: Final = ("redis+cluster", "rediss+cluster")
PLAIN_SCHEMES: Final = ("redis", "rediss", "unix")
SENTINEL_PORT: Final = 26379
CLUSTER_PORT: Final = 6379

_OPTIONS: Final = {
    "db": r"[0-9]+",
    "protocol": r"[23]",
    "client_name": r"\S+",
    "health_check_interval": r"[0-9]+",
    "ssl_cert_reqs": r"none|optional|required",
    "ssl_check_hostname": r"(?i:true|false)",
    "ssl_ca_certs": r".+",
    "ssl_certfile": r".+",
    "ssl_keyfile": r".+",
}
"""What may stand after the question mark; redis-py would stumble over others on first use."""


class RedisUrlError(ValueError):
    """A URL that names no Redis. Its text never quotes the URL, which may hold a password."""


@dataclass(frozen=True, slots=True)
class SentinelUrl:
    """`redis+sentinel://[user:password@]h1:26379,h2:26379/<service>/<db>`.

    The credential is the data servers'; TLS (`rediss+sentinel`) is for both.
    """

    hosts: tuple[tuple[str, int], ...]
    service: str
    database: int
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    tls: bool

    @property
    def location(self) -> str:
        """Where it is, for people; no credential."""
        return f"{_listed(self.hosts)} (sentinels of {self.service})"


@dataclass(frozen=True, slots=True)
class PlainUrl:
    """`redis://`, `rediss://` or `unix://`, as redis-py's `from_url` takes it."""

    url: str

    @property
    def location(self) -> str:
        """Where it is, for people; no credential."""
        parts = urlsplit(self.url)
        return unquote(parts.path) if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]

    def __repr__(self) -> str:
        return f"PlainUrl({urlsplit(self.url).scheme}://{self.location})"


@dataclass(frozen=True, slots=True)
class ClusterUrl:
    """`redis+cluster://[user:password@]h1:6379,h2:6379`: some nodes of a Redis or Valkey Cluster.

    The other nodes are learned from these. TLS (`rediss+cluster`) is for all of them; `options` is
    what stood after the question mark.
    """

    hosts: tuple[tuple[str, int], ...]
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    tls: bool
    options: str

    @property
    def location(self) -> str:
        """Where it is, for people; no credential."""
        return f"{_listed(self.hosts)} (nodes of a cluster)"


RedisUrl = PlainUrl | SentinelUrl | ClusterUrl


def _listed(hosts: Iterable[tuple[str, int]]) -> str:
    return ",".join(f"{host}:{port}" for host, port in hosts)


def parse_redis_url(url: str) -> RedisUrl:
    """Raises RedisUrlError with the reason."""
    scheme = url.partition("://")[0]
    if scheme in PLAIN_SCHEMES:
        return _plain(url)
    if scheme in SENTINEL_SCHEMES:
        return _sentinel(url)
    if scheme in CLUSTER_SCHEMES:
        return _cluster(url)
    known = ", ".join((*PLAIN_SCHEMES, *SENTINEL_SCHEMES, *CLUSTER_SCHEMES))
    raise RedisUrlError(f"must start with one of {known}, followed by ://")


def without_password(url: str) -> str:
    """Show a URL that was read without trouble, its password masked; a name with none is masked."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    credential, at, hosts = authority.rpartition("@")
    name, colon, _ = credential.partition(":")
    masked = f"{name}:{MASK}" if colon else MASK
    return f"{scheme}://{masked if at else ''}{at}{hosts}{slash}{path}"


def _plain(url: str) -> PlainUrl:
    if "#" in url:
        raise RedisUrlError("has a # in it; in a password or a path that is %23")
    try:
        parts = urlsplit(url)
        port = parts.port
        _require_name(unquote(parts.hostname or ""))
    except ValueError:
        raise RedisUrlError("names no valid host and port (1 to 65535)") from None
    _check_options(parts.query, tls=parts.scheme == "rediss")
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise RedisUrlError("needs the socket's path: unix:///run/redis.sock")
        return PlainUrl(url)
    if port == 0:
        raise RedisUrlError("names no valid host and port (1 to 65535)")
    if not re.fullmatch(r"(/[0-9]*)?", parts.path):
        raise RedisUrlError("must end in /<database number>, if in anything")
    return PlainUrl(url)


def _check_options(query: str, *, tls: bool) -> None:
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS or (name.startswith("ssl_") and not tls):
            known = ", ".join(option for option in _OPTIONS if tls or not option.startswith("ssl_"))
            raise RedisUrlError(f"has an option that it cannot have; it can have {known}")
        if not re.fullmatch(_OPTIONS[name], value):
            raise RedisUrlError(f"has a wrong value for its option {name}")


def _sentinel(url: str) -> SentinelUrl:
    scheme, _, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    credential, _, hosts = authority.rpartition("@")
    service, _, database = path.partition("/")
    if not service:
        raise RedisUrlError("a sentinel URL needs /<service name> after the hosts")
    if not re.fullmatch(r"[0-9]*", database):
        raise RedisUrlError("a sentinel URL ends in /<service name>/<database number>")
    username, password = _credential(credential)
    return SentinelUrl(
        hosts=_hosts(hosts, "sentinel", SENTINEL_PORT),
        service=unquote(service),
        database=int(database or 0),
        username=username,
        password=password,
        tls=scheme == "rediss+sentinel",
    )


def _cluster(url: str) -> ClusterUrl:
    scheme, _, rest = url.partition("://")
    tls = scheme == "rediss+cluster"
    location, _, query = rest.partition("?")
    _check_options(query, tls=tls)
    authority, _, path = location.partition("/")
    if path not in ("", "0") or "db" in dict(parse_qsl(query)):
        raise RedisUrlError("a cluster has no databases: its URL ends after the nodes")
    credential, _, hosts = authority.rpartition("@")
    username, password = _credential(credential)
    nodes = _hosts(hosts, "cluster node", CLUSTER_PORT)
    return ClusterUrl(nodes, username, password, tls, query)


def _credential(text: str) -> tuple[str | None, str | None]:
    username, _, password = text.partition(":")
    return unquote(username) or None, unquote(password) or None


def _hosts(text: str, kind: str, standard_port: int) -> tuple[tuple[str, int], ...]:
    return tuple(_host_and_port(host, kind, standard_port) for host in text.split(","))


def _host_and_port(text: str, kind: str, standard_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        port = standard_port if parts.port is None else parts.port
    except ValueError:
        raise RedisUrlError(f"a {kind}'s port is no number from 1 to 65535") from None
    if port == 0:
        raise RedisUrlError(f"a {kind}'s port is no number from 1 to 65535")
    if not parts.hostname:
        raise RedisUrlError(f"a {kind} has no host name")
    try:
        _require_name(parts.hostname)
    except ValueError:
        raise RedisUrlError(f"a {kind} has no valid host name") from None
    return parts.hostname, port


def _require_name(host: str) -> None:
    """Raise ValueError for what Python's look-up would stumble over: a label empty or too long."""
    host.encode("idna")
