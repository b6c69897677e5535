"""The files a worker reads: private request keys, the keys of stored passwords, authorities."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from producer.sealing import at_rest
from producer.sealing.at_rest import PasswordVault
from producer.sealing.requests import Sealer, SealingError, Unsealer, load_jwk, oct_key_octets
from worker.probing.wire.tls import make_context
from worker.settings import Settings, refuse

_log = structlog.get_logger("worker")


def check_files(settings: Settings) -> None:
    """End the start where a file cannot be used; the workers would die of it one by one."""
    trust_of(settings)
    unsealer_of(settings)
    _check_store_keys(settings.store_keys)
    if settings.public_key is not None:  # the producers', who read the same .env
        with _naming("public_key", settings.public_key):
            Sealer(load_jwk(settings.public_key))


def unsealer_of(settings: Settings) -> Unsealer | None:
    """Open the PRIVATE_KEYS; None where there are none. Ends the start where one is no good."""
    if not settings.private_keys:
        return None
    for path in settings.private_keys:
        with _naming("private_keys", path):
            Unsealer([load_jwk(path)])
    return Unsealer(load_jwk(path) for path in settings.private_keys)


def trust_of(settings: Settings) -> ssl.SSLContext:
    """Read the trust store and the CA_FILE. Ends the start where that is no good."""
    try:
        return make_context(settings.ca_file)
    except OSError:  # ssl.SSLError is one
        refuse(f"{settings.ca_file} holds no certificate in PEM form", "ca_file")


def store_key_files(settings: Settings) -> tuple[Path, ...]:
    """Return the STORE_KEYS; unset, those under DATA_DIR, where one is made if there is none."""
    try:
        files, remark = at_rest.store_key_files(settings.store_keys, settings.data_dir)
    except OSError as error:
        refuse(f"{error.filename or settings.data_dir}: {error.strerror}", "data_dir")
    if remark:
        _log.warning("store_key_made", path=str(files[0]), remedy=remark)
    return files


def vault_of(files: tuple[Path, ...]) -> PasswordVault:
    """Open the stored passwords with these keys. Ends the start where one is no good."""
    _check_store_keys(files)
    return PasswordVault.load(files)


def limits_secret_of(files: tuple[Path, ...]) -> bytes:
    """Secret from which the names in the login limits are made: the same for every worker."""
    return oct_key_octets(load_jwk(files[0]))


def _check_store_keys(files: tuple[Path, ...]) -> None:
    for path in files:
        with _naming("store_keys", path):
            oct_key_octets(load_jwk(path))


@contextmanager
def _naming(setting: str, path: Path) -> Iterator[None]:
    try:
        yield
    except SealingError as error:
        refuse(str(error) if str(path) in str(error) else f"{path} {error}", setting)
