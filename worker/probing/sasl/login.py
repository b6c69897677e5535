"""LOGIN, which no RFC defines: two prompts, the user name, then the password."""

from worker.probing.sasl.mechanism import WithoutDerivation, exchange_fault
from worker.probing.target import Credential


class Login(WithoutDerivation):
    """The prompts' words vary (localised, empty, with a NUL): they are counted, not read."""

    name = "LOGIN"

    def __init__(self, credential: Credential) -> None:
        self._answers = [credential.user.encode(), credential.secret.get_secret_value().encode()]

    @property
    def complete(self) -> bool:
        return not self._answers

    @property
    def used_secret(self) -> bool:
        return self.complete

    def start(self) -> None:
        """Return nothing: the server prompts first."""

    def next(self, challenge: bytes) -> bytes:  # noqa: ARG002 - see the class
        if not self._answers:
            raise exchange_fault("a third prompt in LOGIN")
        return self._answers.pop(0)
