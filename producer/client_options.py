"""From the settings to the arguments of a client, and to where Redis is."""

from typing import Any

from producer.redis_failures import RedisUnavailableError
from producer.redis_url import RedisUrl
from producer.sealing.requests import load_jwk
from producer.settings import NoRedisError, ProducerSettings


def redis_url(settings: ProducerSettings) -> RedisUrl:
    """Return where Redis is. Raises RedisUnavailableError where none is named and none runs."""
    try:
        return settings.redis()
    except NoRedisError as error:
        raise RedisUnavailableError(str(error)) from None


def client_options(settings: ProducerSettings) -> dict[str, Any]:
    """Turn settings into the arguments of a client."""
    return {
        "url": redis_url(settings),
        "namespace": settings.namespace,
        "shards": settings.shards,
        "request_ttl_seconds": settings.request_ttl_seconds,
        "public_jwk": load_jwk(settings.public_key) if settings.public_key else None,
    }
