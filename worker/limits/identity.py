"""Names for hosts, accounts and credentials that tell nothing to whoever reads Redis.

Each is an HMAC-SHA-256 under a key derived from the store key (HKDF, RFC 5869), which is not in
Redis: a dump of it cannot be searched for a password, nor for who tests what.
"""

import hmac
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from worker.probing.target import Credential, Protocol, Target

NAME_BYTES: Final = 16
"""128 bits: no two names meet by chance."""


class Identity:
    """All workers that share limits need the same `secret` (the first of STORE_KEYS)."""

    def __init__(self, secret: bytes) -> None:
        self._key = HKDF(
            algorithm=SHA256(), length=32, salt=None, info=b"mailvouch limits 1"
        ).derive(secret)

    def host(self, host: str) -> str:
        return self._name("host", fold_host(host))

    def account(self, host: str, user: str) -> str:
        """One name however the user's case is written: what is locked out is the mailbox."""
        return self._name("account", fold_host(host), user.casefold())

    def fingerprint(self, protocol: Protocol, target: Target, credential: Credential) -> str:
        """The very credential at the very target.

        Port and security belong to it: whoever changes a setting asks a new question.
        """
        return self._name(
            "credential",
            protocol.value,
            fold_host(target.host),
            str(target.port),
            target.security.value,
            credential.kind.value,
            credential.user,
            credential.secret.get_secret_value(),
        )

    def _name(self, *parts: str) -> str:
        # Each part with its length: ("ab", "c") and ("a", "bc") must not be one.
        text = "".join(f"{len(part)}:{part}" for part in parts)
        octets = text.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, octets, "sha256")[:NAME_BYTES].hex()


def fold_host(host: str) -> str:
    """One spelling for one host: case and the root's dot say nothing (RFC 4343)."""
    return host.strip().rstrip(".").casefold()
