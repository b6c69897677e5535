"""SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding.

The GS2 header is `n,,`: this client has no channel binding. `y,,` ("I could, but you do not offer
it") is refused by a server that does offer -PLUS, as the RFC wants.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from producer.contract.codes import Code
from worker.probing.errors import AuthFault
from worker.probing.patterns import octet_pattern
from worker.probing.sasl.mechanism import WEAK_SCRAM, exchange_fault
from worker.probing.sasl.saslprep import saslprep
from worker.probing.target import Credential

MIN_ITERATIONS: Final = 4096
"""Below it the proof that we would send could be cracked offline (RFC 7677, section 4)."""
MAX_ITERATIONS: Final = 600_000
"""What OWASP's Password Storage Cheat Sheet asks of PBKDF2-HMAC-SHA256, the most that anybody does:
0.25 s of computing. 2^31 would be a quarter of an hour (CVE-2026-42256 of net-imap).
"""
MAX_SALT_OCTETS: Final = 1024

_GS2_HEADER: Final = b"n,,"
_NONCE_OCTETS: Final = 24
_SERVER_FIRST: Final = octet_pattern(
    rb"r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([0-9]{1,10})"
    rb"(?:,.*)?\z"
)
_SERVER_FINAL: Final = octet_pattern(rb"v=([A-Za-z0-9+/=]+)(?:,.*)?\z")


class Scram:
    """Client first, server first, client final, server final (RFC 5802, section 5).

    `complete` once the server has proved that it knows the password's verifier, too.
    """

    error = ""

    def __init__(
        self, credential: Credential, *, hash_name: str, nonce: bytes | None = None
    ) -> None:
        self.name = f"SCRAM-SHA-{hash_name.removeprefix('sha')}"
        self.complete = False
        self._hash = hash_name
        self._password = saslprep(credential.secret.get_secret_value()).encode()
        self._nonce = nonce or base64.b64encode(secrets.token_bytes(_NONCE_OCTETS))
        self._client_first = b"n=" + _escaped(credential.user) + b",r=" + self._nonce
        self._server_signature: bytes | None = None
        self._ended = False

    @property
    def used_secret(self) -> bool:
        return self._server_signature is not None

    def start(self) -> bytes:
        return _GS2_HEADER + self._client_first

    def iterations(self, challenge: bytes) -> int:
        match = None if self._server_signature else _SERVER_FIRST.match(challenge)
        count = int(match[3]) if match else 0
        return count if count <= MAX_ITERATIONS else 0  # `next` refuses it at once

    def next(self, challenge: bytes) -> bytes:
        """Raises ProtocolFault, with the hint WEAK_SCRAM where the iteration count is too low.

        Raises AuthFault AUTH_UNPROVEN for a final message that proves nothing.
        """
        if self._ended:
            raise exchange_fault("a challenge after the end of SCRAM")
        if challenge.startswith(b"e="):  # the server's error; the refusal follows
            self._ended = True
            return b""
        if self._server_signature is None:
            return self._client_final(challenge)
        self._ended = True
        self._verify(challenge, self._server_signature)
        self.complete = True
        return b""

    def _client_final(self, server_first: bytes) -> bytes:
        nonce, salt, count = self._parse(server_first)
        without_proof = b"c=" + base64.b64encode(_GS2_HEADER) + b",r=" + nonce
        message = b",".join((self._client_first, server_first, without_proof))
        salted = hashlib.pbkdf2_hmac(self._hash, self._password, salt, count)
        client_key = self._hmac(salted, b"Client Key")
        stored_key = hashlib.new(self._hash, client_key).digest()
        signature = self._hmac(stored_key, message)
        proof = bytes(key ^ mask for key, mask in zip(client_key, signature, strict=True))
        self._server_signature = self._hmac(self._hmac(salted, b"Server Key"), message)
        return without_proof + b",p=" + base64.b64encode(proof)

    def _parse(self, server_first: bytes) -> tuple[bytes, bytes, int]:
        # `m=`, a mandatory extension, would stand first and so fails to match, as it must.
        match = _SERVER_FIRST.match(server_first)
        if match is None:
            raise exchange_fault("a SCRAM challenge that cannot be read")
        nonce, count = match[1], int(match[3])
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise exchange_fault("a SCRAM nonce that does not extend ours")
        if count < MIN_ITERATIONS:
            raise exchange_fault("a SCRAM iteration count below 4096", hint=WEAK_SCRAM)
        if count > MAX_ITERATIONS:
            raise exchange_fault("a SCRAM iteration count above 600000")
        return nonce, _decoded(match[2]), count

    def _verify(self, server_final: bytes, expected: bytes) -> None:
        match = _SERVER_FINAL.match(server_final)
        if match is None:
            raise exchange_fault("a SCRAM server signature that is missing")
        if not hmac.compare_digest(_decoded(match[1]), expected):
            # The server's yes, from somebody who does not know the password.
            raise AuthFault(Code.AUTH_UNPROVEN, "a SCRAM server signature that is wrong")

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash)


def _escaped(user: str) -> bytes:
    return saslprep(user).replace("=", "=3D").replace(",", "=2C").encode()


def _decoded(text: bytes) -> bytes:
    try:
        octets = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise exchange_fault("a SCRAM attribute that is no base64") from None
    if not 0 < len(octets) <= MAX_SALT_OCTETS:
        raise exchange_fault("a SCRAM attribute that is empty or too long")
    return octets
