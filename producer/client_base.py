"""What `Client` and `AsyncClient` share: how they are made, and which shard a job is in."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Self, TypeVar

from producer.contract.keyspace import Keyspace
from producer.contract.names import NAMESPACE, REQUEST_TTL_SECONDS, Keys
from producer.redis_failures import RedisUnavailableError
from producer.redis_url import ClusterUrl, RedisUrl, parse_redis_url
from producer.sealing.requests import Sealer, load_jwk
from producer.settings import NoRedisError, ProducerSettings
from producer.submission import Submitter

R = TypeVar("R")


class ClientBase(Generic[R]):
    """`R` is redis-py's client for threads, or the one for asyncio."""

    def __init__(
        self,
        url: RedisUrl | str,
        *,
        namespace: str = NAMESPACE,
        shards: int = 1,
        request_ttl_seconds: int = REQUEST_TTL_SECONDS,
        public_jwk: Mapping[str, Any] | None = None,
    ) -> None:
        """Take where to talk to. With `public_jwk` every request is sealed for its holder."""
        self.url = parse_redis_url(url) if isinstance(url, str) else url
        self._keyspace = Keyspace(namespace, shards, isinstance(self.url, ClusterUrl))
        sealer = Sealer(public_jwk) if public_jwk is not None else None
        self._submitter = Submitter(self._keyspace, request_ttl_seconds, sealer)
        self._shards = self._connect_each(self._keyspace.of_jobs)

    @classmethod
    def from_settings(cls, settings: ProducerSettings | None = None) -> Self:
        """Read `MAILVOUCH_*`. Raises SettingsError, SealingError, RedisUnavailableError."""
        settings = settings or ProducerSettings.load()
        return cls(
            redis_url(settings),
            namespace=settings.namespace,
            shards=settings.shards,
            request_ttl_seconds=settings.request_ttl_seconds,
            public_jwk=load_jwk(settings.public_key) if settings.public_key else None,
        )

    def _connect_each(self, namespaces: Sequence[str]) -> list[tuple[R, Keys]]:
        raise NotImplementedError

    def _shard(self, job_id: str) -> tuple[R, Keys]:
        return self._shards[self._keyspace.shard_of_job(job_id)]


def redis_url(settings: ProducerSettings) -> RedisUrl:
    """Return where Redis is. Raises RedisUnavailableError where none is named and none runs."""
    try:
        return settings.redis()
    except NoRedisError as error:
        raise RedisUnavailableError(str(error)) from None
