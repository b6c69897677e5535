"""Passwords at rest: AES-256-GCM (NIST SP 800-38D) under keys that never enter Redis.

The worker imports it as well as the operators' commands: both write records. Each ciphertext is
bound to its brand, its id and its field (the additional data): copied elsewhere it does not open.

The nonce is random. NIST allows 2^32 of these for a key, far beyond what operators store before
they rotate.
"""

import hashlib
import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from producer.sealing.requests import load_jwk, oct_key_octets, write_store_key

FORMAT: Final = "v1"
PASSWORD_FIELD: Final = "password"  # noqa: S105 - a field's name
NONCE_BYTES: Final = 12
KEY_PATTERN: Final = "store-*.jwk"
DEFAULT_KEY_NAME: Final = "store-default.jwk"

_MADE: Final = (
    "made the key {path} for stored passwords; every worker needs the same: "
    "copy it and name it in MAILVOUCH_STORE_KEYS"
)


class CannotOpenError(Exception):
    """A stored password that none of the keys opens, or that was moved or changed."""


class PasswordVault:
    """Seals with the first of its keys, opens with any: a rotation needs both for a while."""

    def __init__(self, keys: Iterable[tuple[str, bytes]]) -> None:
        """Take (key id, 32 octets) pairs, the sealing one first."""
        self._ciphers = {kid: AESGCM(octets) for kid, octets in keys}
        self._sealing_kid = next(iter(self._ciphers))

    @classmethod
    def load(cls, paths: Iterable[Path]) -> "PasswordVault":
        """Read JWK files (`kty` oct, 256 bit). Raises producer.sealing.requests.SealingError."""
        return cls([_named_octets(path) for path in paths])

    def seal(
        self, secret: SecretStr, *, brand: str, record_id: str, field: str = PASSWORD_FIELD
    ) -> str:
        """Return `v1.<key id>.<base64url of nonce and ciphertext>`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        cipher = self._ciphers[self._sealing_kid]
        plain = secret.get_secret_value().encode()
        sealed = nonce + cipher.encrypt(nonce, plain, _bound_to(brand, record_id, field))
        return f"{FORMAT}.{self._sealing_kid}.{urlsafe_b64encode(sealed).decode()}"

    def open(
        self, sealed: str, *, brand: str, record_id: str, field: str = PASSWORD_FIELD
    ) -> SecretStr:
        """Raises CannotOpenError."""
        version, _, rest = sealed.partition(".")  # a key id may hold dots: cut from both ends
        kid, _, encoded = rest.rpartition(".")
        cipher = self._ciphers.get(kid)
        if version != FORMAT or cipher is None:
            raise CannotOpenError("sealed with a key that is not among the store keys")
        try:
            octets = urlsafe_b64decode(encoded)
            nonce, ciphertext = octets[:NONCE_BYTES], octets[NONCE_BYTES:]
            plain = cipher.decrypt(nonce, ciphertext, _bound_to(brand, record_id, field))
        except (InvalidTag, ValueError):
            raise CannotOpenError("changed, or moved from another record") from None
        return SecretStr(plain.decode())

    def is_current(self, sealed: str) -> bool:
        """Tell whether the first key sealed this: nothing to do for a rotation."""
        return sealed.startswith(f"{FORMAT}.{self._sealing_kid}.")


def store_key_files(named: Sequence[Path], data_dir: Path) -> tuple[tuple[Path, ...], str]:
    """Return the key files: the named ones, else those under `data_dir`, of which one is made.

    The second part is a remark for the log, empty unless a key was made.
    """
    found = tuple(named) or tuple(sorted(data_dir.glob(KEY_PATTERN)))
    if found:
        return found, ""
    path = data_dir / DEFAULT_KEY_NAME
    return (path,), _MADE.format(path=path) if _make(path) else ""


def _make(path: Path) -> bool:
    """Make a key file; False where another process was faster, whose key then is the one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent) as folder:
        made = write_store_key(Path(folder))
        try:
            # A link appears whole or not at all, and never in place of a file that is there.
            os.link(made, path)
        except FileExistsError:
            return False
    with suppress(OSError):  # not every file system can
        folder_file = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder_file)  # its name, as the file before
        finally:
            os.close(folder_file)
    return True


def _named_octets(path: Path) -> tuple[str, bytes]:
    jwk = load_jwk(path)
    octets = oct_key_octets(jwk)
    named = jwk.get("kid")
    return (named if isinstance(named, str) and named else _fingerprint(octets)), octets


def _fingerprint(octets: bytes) -> str:
    # The same on every machine, unlike a file's name. A hash tells nothing of 256 random bits.
    return hashlib.sha256(b"mailvouch store key id" + octets).hexdigest()[:16]


def _bound_to(brand: str, record_id: str, field: str) -> bytes:
    # JSON keeps the parts apart whatever they hold; a bare separator could be part of any.
    place = [brand, record_id] if field == PASSWORD_FIELD else [brand, record_id, field]
    return json.dumps(place).encode()
