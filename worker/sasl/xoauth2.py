"""XOAUTH2 (Google's and Microsoft's, before RFC 7628)."""

from worker.sasl.bearer import describe_error
from worker.sasl.mechanism import broken
from worker.target import Credential


class XOAuth2:
    """The token goes with the initial response; a challenge after it is the error."""

    name = "XOAUTH2"
    heavy = False

    def __init__(self, credential: Credential) -> None:
        token = credential.secret.get_secret_value()
        self._response = f"user={credential.user}\x01auth=Bearer {token}\x01\x01".encode()
        self.complete = False
        self.error: str | None = None

    def start(self) -> bytes:
        self.complete = True
        return self._response

    def next(self, challenge: bytes) -> bytes:
        if self.error is not None:
            raise broken("a second error in XOAUTH2")
        self.complete = False
        self.error = describe_error(challenge)
        return b""
