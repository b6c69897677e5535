"""PLAIN (RFC 4616)."""

from worker.probing.sasl.mechanism import WithoutDerivation, exchange_fault
from worker.probing.target import Credential


class Plain(WithoutDerivation):
    """`authzid NUL authcid NUL passwd`, the authzid empty: act as the user who logs in."""

    name = "PLAIN"
    used_secret = True

    def __init__(self, credential: Credential) -> None:
        self._user = credential.user.encode()
        self._password = credential.secret.get_secret_value().encode()
        # A NUL would shift the fields. The request refuses it; here it must not depend on that.
        if b"\0" in self._user + self._password:
            raise ValueError("a NUL in a user name or password")
        self.complete = False

    def start(self) -> bytes:
        self.complete = True
        return b"\0" + self._user + b"\0" + self._password

    def next(self, challenge: bytes) -> bytes:  # noqa: ARG002 - the mechanism has no challenge
        raise exchange_fault("a challenge after the whole of PLAIN")
