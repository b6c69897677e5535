"""A result and its report in words for people: what the command line and the pages both show.

What Redis holds is taken for what anybody may have written: a value of the wrong shape is left out,
never an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from producer.contract.credentials import SUCCESS
from producer.printable import plain, plain_lines

Json = Mapping[str, Any]

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


@dataclass(frozen=True, slots=True)
class Instead:
    """Settings that a server was seen to answer on."""

    host: str
    port: str
    security: str

    @property
    def words(self) -> str:
        """As one phrase."""
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
        """The verdict in two words."""
        if not self.works:
            return "does not work"
        return "login works" if self.logged_in else "works"

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
        """The verdict in one or three words."""
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


def read_test(result: Json, report: Json | None) -> TestVerdict:
    """Read the result of a credential test, and the report where there is one."""
    items = objects(result.get("emailCredentialsResponses"))
    found = objects(mapping(report).get("items"))
    pairs: Iterator[tuple[Json, Json]] = zip_longest(items, found[: len(items)], fillvalue={})
    return TestVerdict(
        items=tuple(_item(number, *pair) for number, pair in enumerate(pairs, start=1)),
        errors=tuple(map(advice_of, objects(result.get("errors")))),
        remarks=tuple(map(remark_of, objects(result.get("warnings")))),
        facts=_summary_facts(report),
    )


def read_probe(protocol: str, probe: Json, where: str = "", security: str = "") -> ProtocolVerdict:
    """Read a probe of a report, without the advice that stands in the result."""
    code = plain(probe.get("code", ""))
    return ProtocolVerdict(
        protocol=protocol.upper(),
        where=where,
        security=security,
        works=code in {"OK", ""},
        logged_in=bool(probe.get("mechanism")),
        code=code,
        advice=(),
        field=plain(probe.get("field") or ""),
        retryable=probe.get("retryable") is True,
        instead=_instead(mapping(probe.get("suggestion"))),
        steps=tuple(map(_step, objects(probe.get("phases")))),
        server_reply=plain(probe.get("serverReply") or ""),
        help_url=plain(probe.get("helpUrl") or ""),
        facts=tuple(_facts(probe)),
    )


def advice_of(error: Json) -> Advice:
    """Split an error's sentence: what is wrong; then, after a semicolon, what to do."""
    sentence = plain(error.get("errorDescription") or error.get("errorCode") or "")
    cause, _, remedy = sentence.partition("; ")
    return Advice(cause, remedy[:1].upper() + remedy[1:], plain(error.get("errorCode") or ""))


def remark_of(warning: Json) -> str:
    """The sentence of a warning."""
    return plain(warning.get("warningDescription") or warning.get("warningCode") or "")


def mapping(value: object) -> Json:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object) -> Sequence[Json]:
    """Those of a list that are objects; nothing where there is no list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _item(number: int, item: Json, probes: Json) -> ItemVerdict:
    tested = [protocol for protocol in PROTOCOLS if mapping(probes.get(protocol))]
    errors = objects(item.get("errors"))
    own = tuple(f"{protocol.upper()}_" for protocol in tested)
    return ItemVerdict(
        number=number,
        address=plain(item.get("dealerEmail") or "no address"),
        works=item.get("outcome") == SUCCESS,
        milliseconds=plain(item.get("testDuration", "")),
        protocols=tuple(
            _protocol(protocol, item, mapping(probes[protocol]), errors) for protocol in tested
        ),
        advice=tuple(
            advice_of(error)
            for error in errors
            if not (own and str(error.get("errorCode", "")).startswith(own))
        ),
        remarks=tuple(map(remark_of, objects(item.get("warnings")))),
        transcript=plain_lines(str(item.get("serverLogs") or "")),
    )


def _protocol(protocol: str, item: Json, probe: Json, errors: Sequence[Json]) -> ProtocolVerdict:
    prefix = f"{protocol.upper()}_"
    own = [error for error in errors if str(error.get("errorCode", "")).startswith(prefix)]
    parts = [plain(item.get(f"{protocol}{part}") or "") for part in ("host", "port")]
    read = read_probe(protocol, probe, ":".join(filter(None, parts)), _security(protocol, item))
    fields = {name: getattr(read, name) for name in read.__dataclass_fields__}
    return ProtocolVerdict(**{**fields, "advice": tuple(map(advice_of, own)), "works": not own})


def _security(protocol: str, item: Json) -> str:
    if item.get(f"{protocol}useSSLOrTLS") == "true":
        return SECURITY_WORDS["implicit_tls"]
    starttls = item.get(f"{protocol}enableStartTLS") == "true"
    return SECURITY_WORDS["starttls" if starttls else "cleartext"]


def _instead(suggestion: Json) -> Instead | None:
    if not suggestion:
        return None
    return Instead(*(plain(suggestion.get(name, "")) for name in ("host", "port", "security")))


def _step(phase: Json) -> Step:
    name, state = plain(phase.get("name", "")), plain(phase.get("state", ""))
    took = phase.get("milliseconds")
    timed = state != "skipped" and isinstance(took, int | float)
    return Step(PHASE_WORDS.get(name, name), state, float(took or 0) if timed else None)


def _facts(probe: Json) -> Iterator[tuple[str, str]]:
    if probe.get("remoteAddress"):
        yield "address", plain(probe["remoteAddress"])
    if probe.get("mechanism"):
        yield "login by", plain(probe["mechanism"])
    tls = mapping(probe.get("tls"))
    if tls.get("version"):
        yield "TLS", plain(f"{tls['version']}, {tls.get('cipher') or 'cipher unknown'}")
    if tls:
        yield "certificate", plain("; ".join(_certificate_facts(tls)))


def _certificate_facts(tls: Json) -> Iterator[str]:
    names = tls.get("subjectNames")
    names = [str(name) for name in names] if isinstance(names, list) else []
    if not (tls.get("verified") or names or tls.get("issuer") or tls.get("reason")):
        yield "none was seen"
        return
    yield "trusted" if tls.get("verified") else f"not trusted: {tls.get('reason') or 'unknown'}"
    days = tls.get("daysLeft")
    if isinstance(days, int) and days < 0:
        yield f"expired {-days} days ago"
    elif isinstance(days, int):
        yield f"{days} days left"
    if names:
        yield f"for {', '.join(names)}"
    if tls.get("issuer"):
        yield f"issued by {tls['issuer']}"


def _summary_facts(report: Json | None) -> str:
    if not report:
        return ""
    took, waited = report.get("durationMs", "?"), report.get("queueWaitMs", "?")
    worker = report.get("workerVersion", "?")
    return plain(f"took {took} ms after {waited} ms in the queue · worker {worker}")
