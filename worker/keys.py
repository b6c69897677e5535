"""The worker's key files: private request keys, and the keys of stored passwords."""

from pathlib import Path

import structlog

from producer import at_rest
from producer.at_rest import PasswordVault
from producer.sealing import Unsealer, load_jwk, oct_key_octets
from worker.settings import Settings

_log = structlog.get_logger("worker")


def unsealer_of(settings: Settings) -> Unsealer | None:
    """Open the PRIVATE_KEYS; None where there are none. Raises producer.sealing.SealingError."""
    if not settings.private_keys:
        return None
    return Unsealer(load_jwk(path) for path in settings.private_keys)


def store_key_files(settings: Settings) -> tuple[Path, ...]:
    """Return the STORE_KEYS; unset, those under DATA_DIR, where one is made if there is none."""
    files, remark = at_rest.store_key_files(settings.store_keys, settings.data_dir)
    if remark:
        _log.warning("store_key_made", path=str(files[0]), remedy=remark)
    return files


def vault_of(files: tuple[Path, ...]) -> PasswordVault:
    """Open the stored passwords with these keys."""
    return PasswordVault.load(files)


def limits_secret_of(files: tuple[Path, ...]) -> bytes:
    """Secret from which the names in the login limits are made: the same for every worker."""
    return oct_key_octets(load_jwk(files[0]))
