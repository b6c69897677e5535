"""The verdict: what a refusal or a fault means to the dealer's office."""

from dataclasses import dataclass
from enum import StrEnum

from producer.contract.codes import Code


class FieldKind(StrEnum):
    """The input to change. The caller knows how the request spells it (`smtpHost`, `host`)."""

    HOST = "host"
    PORT = "port"
    SECURITY = "security"
    USER = "user"
    PASSWORD = "password"  # noqa: S105 - a kind of field, not a password
    SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A code, whether trying again helps, and which input to change.

    `hint` is a key of `hints.HINTS`, a remedy more exact than the code's own. `recognised`
    False: nothing but the generic fall-back applied; the caller counts and logs such a reply, so
    that the tables can grow. `rule` is the name of what decided; `words` are those that weighed
    most where it is `rules.LEARNT`. The server said them: they are for who gave its reply.
    """

    code: Code
    retryable: bool
    field: FieldKind | None = None
    hint: str | None = None
    recognised: bool = True
    rule: str = ""
    words: tuple[str, ...] = ()
