"""This machine: open files, folders, key files, trusted authorities."""

import os
import resource
import ssl
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from producer.sealing.requests import SealingError, Unsealer, load_jwk, oct_key_octets
from producer.setting_names import unknown_settings
from worker.commands.doctor.check import Check, fail, ok, warn
from worker.probing.wire.tls import make_context
from worker.process.open_files import needed_files
from worker.settings import Settings


def check_machine(settings: Settings) -> Iterator[Check]:
    yield from _check_setting_names()
    yield _check_open_files(settings.concurrency)
    yield _check_data_dir(settings.data_dir)


def _check_setting_names() -> Iterator[Check]:
    for line in unknown_settings():
        yield warn("settings", line, "correct the name, or unset the variable")


def _check_open_files(concurrency: int) -> Check:
    """The hard limit counts: a worker raises the soft one itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = needed_files(concurrency)
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return ok("open files", f"{needed} needed for CONCURRENCY={concurrency}, enough allowed")
    return fail(
        "open files",
        f"CONCURRENCY={concurrency} needs {needed}, the hard limit is {hard}",
        "raise the limit (LimitNOFILE=, ulimit -Hn) or lower MAILVOUCH_CONCURRENCY",
    )


def _check_data_dir(folder: Path) -> Check:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(existing, os.W_OK | os.X_OK):
        return ok("data folder", f"{folder} can be written")
    return warn(
        "data folder",
        f"{existing} cannot be written by this user",
        "set MAILVOUCH_DATA_DIR, or set REDIS_URL and STORE_KEYS so that none is needed",
    )


def check_keys(settings: Settings) -> Iterator[Check]:
    """The request keys open what producers seal; the store keys what is stored."""
    if not settings.private_keys:
        yield warn(
            "request keys",
            "no MAILVOUCH_PRIVATE_KEYS: requests wait in Redis unsealed",
            "mailvouch keygen request; give workers the private and producers the public key",
        )
    for path in settings.private_keys:
        yield _check_key("request key", path, lambda path: Unsealer([load_jwk(path)]))
    if settings.private_keys and not settings.require_sealed:
        yield warn(
            "sealing",
            "plain requests are still taken",
            "once every producer seals, set MAILVOUCH_REQUIRE_SEALED=true",
        )
    yield from _check_store_keys(settings)


def _check_store_keys(settings: Settings) -> Iterator[Check]:
    if not settings.store_keys:
        yield warn(
            "store keys",
            f"no MAILVOUCH_STORE_KEYS: the first worker makes one under {settings.data_dir}",
            "with workers on more than one machine: mailvouch keygen store, the same file for all",
        )
    for path in settings.store_keys:
        yield _check_key("store key", path, lambda path: oct_key_octets(load_jwk(path)))


def _check_key(name: str, path: Path, read: Callable[[Path], object]) -> Check:
    try:
        read(path)
        mode = stat.S_IMODE(path.stat().st_mode)
    except (SealingError, OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return fail(name, f"{path}: {reason}", "mailvouch keygen makes a good one")
    if mode & 0o007 and _is_reached_by_everyone(path):
        return warn(name, f"{path} can be read by everyone ({mode:04o})", f"chmod 0600 {path}")
    return ok(name, f"{path} is a good key")


def _is_reached_by_everyone(path: Path) -> bool:
    """Tell whether no folder on the way keeps others out, as that of make_users.py does."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


def check_trust_store(ca_file: Path | None) -> Check:
    """Without authorities every certificate is untrusted."""
    try:
        context = make_context(ca_file)
    except (OSError, ssl.SSLError) as error:
        return fail("trust store", f"{ca_file}: {error}", "MAILVOUCH_CA_FILE must be a PEM file")
    folder = Path(ssl.get_default_verify_paths().capath or "/nonexistent")
    # A folder of authorities is read when a certificate is judged, not counted before.
    in_folder = len(list(folder.glob("*.0"))) if folder.is_dir() else 0
    count = max(context.cert_store_stats()["x509_ca"], in_folder)
    if count == 0:
        return fail(
            "trust store",
            "no certificate authority is known",
            "install the ca-certificates package",
        )
    return ok("trust store", f"{count} authorities, {ssl.OPENSSL_VERSION}")
