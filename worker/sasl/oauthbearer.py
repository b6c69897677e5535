"""OAUTHBEARER (RFC 7628)."""

from worker.sasl.bearer import describe_error
from worker.sasl.mechanism import broken
from worker.target import Credential


class OAuthBearer:
    """The token goes with the initial response; a challenge after it is the error."""

    name = "OAUTHBEARER"
    heavy = False

    def __init__(self, credential: Credential, *, host: str, port: int) -> None:
        user = credential.user.replace("=", "=3D").replace(",", "=2C")
        token = credential.secret.get_secret_value()
        fields = (f"n,a={user},", f"host={host}", f"port={port}", f"auth=Bearer {token}", "", "")
        self._response = "\x01".join(fields).encode()
        self.complete = False
        self.error: str | None = None

    def start(self) -> bytes:
        self.complete = True
        return self._response

    def next(self, challenge: bytes) -> bytes:
        if self.error is not None:
            raise broken("a second error in OAUTHBEARER")
        self.complete = False
        self.error = describe_error(challenge)
        return b"\x01"  # RFC 7628, section 3.2.3: the client's dummy response
