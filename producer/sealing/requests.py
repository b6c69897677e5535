"""Sealed requests: the envelope as a JWE in compact form (RFC 7516), and the keys for it.

Producers hold the public key only, workers the private one. One algorithm, two curves:
`ECDH-ES+A256KW` on X25519 or P-256, content `A256GCM`, the key named by `kid` in the header.
Whatever else a token asks for is refused before any key is touched: no other algorithm, no
compression (a small token could swell without bound), no critical extension, no oversize.
"""

import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from producer.contract.names import MAX_REQUEST_BYTES

ALGORITHM: Final = "ECDH-ES+A256KW"
ENCRYPTION: Final = "A256GCM"
CURVES: Final = ("X25519", "P-256")

MAX_HEADER_BYTES: Final = 1024
MAX_TOKEN_BYTES: Final = MAX_REQUEST_BYTES * 4 // 3 + 2 * MAX_HEADER_BYTES
"""The largest envelope in base64, and what stands around it."""

KEY_ID_CHARACTERS: Final = 16
_HEADER_FIELDS: Final = frozenset({"alg", "enc", "kid", "epk", "apu", "apv", "typ", "cty"})
_BEGINNING: Final = b"eyJ"
"""How the base64url form of every JSON object header begins; no JSON text does."""

Jwk = Mapping[str, Any]


class SealingError(Exception):
    """A key that cannot be used. Its text never quotes the key."""


class UnsealError(Exception):
    """A token that cannot be opened. Its text holds nothing of the token but its own mistakes."""


class _Registry(jwe.JWERegistry):
    max_protected_header_length = MAX_HEADER_BYTES
    max_ciphertext_length = MAX_TOKEN_BYTES


_REGISTRY: Final = _Registry(algorithms=[ALGORITHM, ENCRYPTION])


def is_sealed(request: bytes) -> bool:
    """Tell a sealed request from a plain one by its first octets."""
    return request.lstrip()[:3] == _BEGINNING


class Sealer:
    """Seals for the holders of one private key. Reads the key once, seals many times."""

    def __init__(self, public_jwk: Jwk) -> None:
        """Take a JWK of `keygen`, or one made elsewhere. Raises SealingError."""
        self._key = _agreement_key(public_jwk)
        if self._key.is_private:
            raise SealingError("is a private key: producers are given the public one only")
        self._header = {"alg": ALGORITHM, "enc": ENCRYPTION, "kid": key_id(public_jwk)}

    def seal(self, plain: bytes) -> str:
        """Seal one envelope. Raises SealingError where it is too large to be opened again."""
        if len(plain) > MAX_REQUEST_BYTES:
            raise SealingError("the request is too large to be sealed")
        return jwe.encrypt_compact(dict(self._header), plain, self._key, registry=_REGISTRY)


class Unsealer:
    """Opens what was sealed for any of its keys: two may be active while they are rotated."""

    def __init__(self, private_jwks: Iterable[Jwk]) -> None:
        """Raises SealingError where a key is no private key of a known curve."""
        self._keys: dict[str, ECKey | OKPKey] = {}
        for jwk in private_jwks:
            key = _agreement_key(jwk)
            if not key.is_private:
                raise SealingError("is a public key: the worker needs the private one")
            self._keys[key_id(jwk)] = key

    def unseal(self, token: bytes | str) -> bytes:
        """Return the plain envelope. Raises UnsealError."""
        octets = token.encode("utf-8", "replace") if isinstance(token, str) else token
        octets = octets.strip()
        if len(octets) > MAX_TOKEN_BYTES:
            raise UnsealError("The sealed request is too large.")
        key = self._key_for(_header_of(octets))
        try:
            plain = jwe.decrypt_compact(octets, key, registry=_REGISTRY).plaintext
        except (JoseError, ValueError, TypeError, KeyError, AssertionError):
            # `from None`: the library's texts are its own, but nothing of a token goes on.
            raise UnsealError("The sealed request is damaged or was sealed otherwise.") from None
        return plain or b""

    def _key_for(self, header: Jwk) -> ECKey | OKPKey:
        if header.get("alg") != ALGORITHM or header.get("enc") != ENCRYPTION:
            raise UnsealError(
                f"The sealed request must be encrypted with {ALGORITHM} and {ENCRYPTION}."
            )
        if not header.keys() <= _HEADER_FIELDS:
            raise UnsealError("The sealed request's header asks for more than is supported.")
        named = header.get("kid")
        key = self._keys.get(named) if isinstance(named, str) else None
        if key is None:
            raise UnsealError("The sealed request names no key that this worker holds.")
        return key


def _header_of(token: bytes) -> Jwk:
    encoded = token.partition(b".")[0]
    if token.count(b".") != 4 or len(encoded) > MAX_HEADER_BYTES:
        raise UnsealError("The sealed request is no JWE in compact form.")
    try:
        header = json.loads(urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        raise UnsealError("The sealed request's header cannot be read.") from None
    if not isinstance(header, dict):
        raise UnsealError("The sealed request's header cannot be read.")
    return header


def _agreement_key(jwk: Jwk) -> ECKey | OKPKey:
    if jwk.get("crv") not in CURVES:
        raise SealingError(f"must be a JWK on one of the curves {', '.join(CURVES)}")
    try:
        if jwk["crv"] == "P-256":
            return ECKey.import_key(dict(jwk))
        return OKPKey.import_key(dict(jwk))
    except (JoseError, ValueError, TypeError, KeyError):
        raise SealingError("is no usable JWK") from None


def key_id(jwk: Jwk) -> str:
    """Return the `kid` of a key, or where it has none the one that `keygen` would give it."""
    named = jwk.get("kid")
    if isinstance(named, str) and named:
        return named
    return _agreement_key(jwk).thumbprint()[:KEY_ID_CHARACTERS]


def load_jwk(path: Path) -> Jwk:
    """Read one JWK file. Raises SealingError with a reason that quotes nothing of the file."""
    try:
        jwk = json.loads(path.read_bytes())
    except OSError as error:
        raise SealingError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise SealingError(f"{path} is no JWK (a JSON object)") from None
    if not isinstance(jwk, dict):
        raise SealingError(f"{path} is no JWK (a JSON object)")
    return jwk


def make_request_keys(curve: str = CURVES[0]) -> tuple[Jwk, Jwk]:
    """Make a key pair for requests: (private, public). `kid` is a short RFC 7638 thumbprint."""
    key = ECKey.generate_key("P-256") if curve == "P-256" else OKPKey.generate_key("X25519")
    facts = {"kid": key.thumbprint()[:KEY_ID_CHARACTERS], "use": "enc", "alg": ALGORITHM}
    return {**key.as_dict(private=True), **facts}, {**key.as_dict(private=False), **facts}


def make_store_key() -> Jwk:
    """Make a 256 bit key for passwords at rest.

    Its `kid` is random: a thumbprint of a symmetric key is a hash of the secret.
    """
    key = secrets.token_bytes(32)
    encoded = urlsafe_b64encode(key).rstrip(b"=").decode()
    kid = secrets.token_hex(KEY_ID_CHARACTERS // 2)
    return {"kty": "oct", "k": encoded, "kid": kid, "use": "enc", "alg": ENCRYPTION}


def write_request_keys(folder: Path, curve: str = CURVES[0]) -> tuple[Path, Path]:
    """Write `request-<kid>.private.jwk` (mode 0600) and `.public.jwk`; return their paths."""
    private, public = make_request_keys(curve)
    return (
        _write(folder / f"request-{private['kid']}.private.jwk", private, mode=0o600),
        _write(folder / f"request-{public['kid']}.public.jwk", public, mode=0o644),
    )


def write_store_key(folder: Path) -> Path:
    """Write `store-<kid>.jwk` (mode 0600); return its path."""
    key = make_store_key()
    return _write(folder / f"store-{key['kid']}.jwk", key, mode=0o600)


def _write(path: Path, jwk: Jwk, *, mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The mode is set at birth: a chmod afterwards would leave a moment to read the key.
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(jwk, file)
        file.write("\n")
        file.flush()
        os.fsync(descriptor)  # what is sealed with it may be on the disk within a second
    return path


def oct_key_octets(jwk: Jwk) -> bytes:
    """Return the 32 octets of a store key. Raises SealingError."""
    encoded = jwk.get("k")
    try:
        octets = urlsafe_b64decode(f"{encoded}==") if isinstance(encoded, str) else b""
    except ValueError:
        octets = b""
    if jwk.get("kty") != "oct" or len(octets) != 32:
        raise SealingError("must be an oct JWK of 256 bits")
    return octets
