"""`mailvouch-worker doctor`: is everything there that a worker needs, and if not, what to do.

Each check answers one question: `ok`, `warn` (works, but) or `fail` (will not work), a sentence,
and where it is not `ok` the remedy. Nothing is changed, no credential is sent anywhere.
"""

from collections.abc import Iterable, Iterator

from pydantic import SecretStr

from producer.redis_url import without_password
from producer.settings import PREFIX
from worker.commands.doctor.check import Check
from worker.commands.doctor.egress import check_egress
from worker.commands.doctor.gateway import GatewayAddress, check_gateway
from worker.commands.doctor.machine import check_keys, check_machine, check_trust_store
from worker.settings import Settings


def examine(settings: Settings, redis_checks: Iterable[Check], host: str | None) -> Iterator[Check]:
    """Every check, in the order in which a worker would stumble. Yields as they are done."""
    yield from check_machine(settings)
    yield from check_keys(settings)
    yield check_trust_store(settings.ca_file)
    yield check_gateway(GatewayAddress.load())
    yield from redis_checks
    yield from check_egress(settings, host)


def effective_settings(settings: Settings) -> dict[str, str]:
    """Every setting by its variable, as it is in force; a password in it is the mask."""
    return {
        PREFIX + name.upper(): _shown(getattr(settings, name))
        for name in type(settings).model_fields
    }


def _shown(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, SecretStr):  # the one there is: a URL that was read
        return without_password(value.get_secret_value())
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, range):
        return f"{value[0]}-{value[-1]}" if len(value) > 1 else str(value[0])
    return ",".join(_shown(part) for part in value) if isinstance(value, tuple) else str(value)
