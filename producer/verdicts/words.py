"""A result in words for people: what the command line and the pages both show."""

from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code

PROTOCOLS: Final = ("smtp", "imap")
PHASE_WORDS: Final = {
    "dns": "name lookup",
    "connect": "connect",
    "tls": "TLS",
    "greeting": "greeting",
    "capability": "capabilities",
    "starttls": "STARTTLS",
    "auth": "login",
    "mailbox": "open mailbox",
    "sender": "sender check",
}
SECURITY_WORDS: Final = {
    "implicit_tls": "SSL/TLS",
    "starttls": "STARTTLS",
    "cleartext": "no encryption",
}
FIELD_WORDS: Final = {
    "Host": "host",
    "Port": "port",
    "UserID": "user",
    "Password": "password",
    "UseSSLOrTLS": "encryption",
    "EnableStartTLS": "encryption",
    "UseAuth": "login",
}
MARKS: Final = {"ok": "✔", "failed": "✘", "skipped": "-"}


@dataclass(frozen=True, slots=True)
class Step:
    """A phase of a probe. `state` is ok, failed or skipped; a skipped one took no time."""

    name: str
    state: str
    milliseconds: float | None

    @property
    def mark(self) -> str:
        """How the state is shown where there is no room for a word."""
        return MARKS.get(self.state, "?")


@dataclass(frozen=True, slots=True)
class Advice:
    """What is wrong, and what to do about it; `remedy` is empty where there is nothing to do."""

    cause: str
    remedy: str = ""
    code: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.cause}. {self.remedy}" if self.remedy else self.cause


@dataclass(frozen=True, slots=True)
class Instead:
    """Settings that a server was seen to answer on."""

    host: str
    port: str
    security: str

    @property
    def words(self) -> str:
        how = SECURITY_WORDS.get(self.security, "")
        return f"{self.host} port {self.port} with {how}: a server answers there"


@dataclass(frozen=True, slots=True)
class ProtocolVerdict:
    """What came of one protocol of an account."""

    protocol: str
    where: str
    security: str
    works: bool
    logged_in: bool
    code: str
    advice: tuple[Advice, ...]
    field: str
    retryable: bool
    instead: Instead | None
    steps: tuple[Step, ...]
    server_reply: str
    help_url: str
    facts: tuple[tuple[str, str], ...]

    @property
    def outcome(self) -> str:
        """The verdict in a few words."""
        if not self.works and self.code == Code.INTERNAL_SERVER_ERROR:
            return "could not be tested"
        if not self.works:
            return "does not work" if self.steps else "was not tested"
        return "login works" if self.logged_in else "works"

    @property
    def without_steps(self) -> str:
        """What to say in place of an empty timeline; after an error of ours it is lost."""
        if self.code == Code.INTERNAL_SERVER_ERROR:
            return "how far the test came is not known"
        return "nothing was sent"

    @property
    def found_fault(self) -> bool:
        """Tell whether the probe itself found something, be it only about the sender."""
        return self.code not in {"OK", ""}

    @property
    def field_words(self) -> str:
        """The input to change as people call it: `imapUseSSLOrTLS` is the IMAP encryption."""
        for protocol in PROTOCOLS:
            rest = self.field.removeprefix(protocol)
            if rest != self.field and rest in FIELD_WORDS:
                return f"{protocol.upper()} {FIELD_WORDS[rest]}"
        return "the password" if self.field == "password" else ""

    @property
    def trying_again(self) -> str:
        """Whether the same test may end otherwise later."""
        return "may help" if self.retryable else "will not help: something must change"


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """What came of one account. `advice` and `remarks` are those of no single protocol."""

    number: int
    address: str
    works: bool
    milliseconds: str
    protocols: tuple[ProtocolVerdict, ...]
    advice: tuple[Advice, ...]
    remarks: tuple[str, ...]
    transcript: str

    @property
    def outcome(self) -> str:
        """The verdict in a few words."""
        return "works" if self.works else "does not work"


@dataclass(frozen=True, slots=True)
class TestVerdict:
    """What came of a whole request."""

    __test__ = False  # for pytest: its name begins like a test's

    items: tuple[ItemVerdict, ...]
    errors: tuple[Advice, ...]
    remarks: tuple[str, ...]
    facts: str

    @property
    def working(self) -> int:
        """How many of the accounts work."""
        return sum(item.works for item in self.items)
