"""The worker's key files: private request keys, and the keys of stored passwords."""

from pathlib import Path

import structlog

from producer.at_rest import PasswordVault
from producer.sealing import Unsealer, load_jwk, oct_key_octets, write_store_key
from worker.settings import Settings

_log = structlog.get_logger("worker")


def unsealer_of(settings: Settings) -> Unsealer | None:
    """Open the PRIVATE_KEYS; None where there are none. Raises producer.sealing.SealingError."""
    if not settings.private_keys:
        return None
    return Unsealer(load_jwk(path) for path in settings.private_keys)


def store_key_files(settings: Settings) -> tuple[Path, ...]:
    """Return the STORE_KEYS; unset, the one under DATA_DIR, made where it is missing.

    Call it before there is more than one process: two that make a key at once make two keys.
    """
    if settings.store_keys:
        return settings.store_keys
    found = tuple(sorted(settings.data_dir.glob("store-*.jwk")))
    if found:
        return found
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = write_store_key(settings.data_dir)
    _log.warning(
        "store_key_made",
        path=str(made),
        remedy="give the same file to every worker, as MAILVOUCH_STORE_KEYS",
    )
    return (made,)


def vault_of(files: tuple[Path, ...]) -> PasswordVault:
    """Open the stored passwords with these keys."""
    return PasswordVault.load(files)


def limits_secret_of(files: tuple[Path, ...]) -> bytes:
    """Secret from which the names in the login limits are made: the same for every worker."""
    return oct_key_octets(load_jwk(files[0]))
