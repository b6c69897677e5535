"""CRAM-MD5 (RFC 2195). Last in the order: its response can be cracked offline."""

import hmac
from typing import Final

from worker.probing.sasl.mechanism import WithoutDerivation, exchange_fault
from worker.probing.target import Credential

MAX_CHALLENGE_OCTETS: Final = 1024


class CramMd5(WithoutDerivation):
    """One challenge, answered with `user SP hex(HMAC-MD5(password, challenge))`."""

    name = "CRAM-MD5"
    used_secret = True

    def __init__(self, credential: Credential) -> None:
        self._user = credential.user.encode()
        self._password = credential.secret.get_secret_value().encode()
        self.complete = False

    def start(self) -> None:
        """Return nothing: the server challenges first."""

    def next(self, challenge: bytes) -> bytes:
        if self.complete:
            raise exchange_fault("a second challenge in CRAM-MD5")
        # An empty challenge would make the response the same for ever: a password equivalent.
        if not 0 < len(challenge) <= MAX_CHALLENGE_OCTETS:
            raise exchange_fault("a CRAM-MD5 challenge that is empty or too long")
        self.complete = True
        digest = hmac.new(self._password, challenge, "md5").hexdigest()
        return self._user + b" " + digest.encode()
