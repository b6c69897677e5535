"""From a result and its report to verdicts.

What Redis holds is taken for what anybody may have written: a value of the wrong shape is left out,
never an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any, Final

from producer.contract.codes import SENDER_FINDINGS
from producer.contract.credentials import RESPONSE_LIST, SUCCESS
from producer.printable import plain, plain_lines
from producer.verdicts.words import (
    PHASE_WORDS,
    PROTOCOLS,
    SECURITY_WORDS,
    Advice,
    Instead,
    ItemVerdict,
    ProtocolVerdict,
    Step,
    TestVerdict,
)

Json = Mapping[str, Any]

_OF_WHAT_WORKS: Final = frozenset({"", "OK", *SENDER_FINDINGS})


def read_test(result: Json, report: Json | None) -> TestVerdict:
    """Read the result of a credential test, and the report where there is one."""
    items = objects(result.get(RESPONSE_LIST))
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
        works=code in _OF_WHAT_WORKS,
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


def read_integration_probe(result: Json, report: Json | None) -> ProtocolVerdict | None:
    """Read the probe of an integration's job; None where there was none.

    With advice where the result tells of success: what was found and saved all the same.
    """
    item = next(iter(objects(mapping(report).get("items"))), {})
    probe = mapping(item.get("smtp"))
    if not probe:
        return None
    hint = probe.get("hint") if result.get("success") is True else None
    advice = (advice_of({"errorDescription": hint}),) if hint else ()
    return replace(read_probe("smtp", probe), advice=advice)


def advice_of(error: Json) -> Advice:
    """Split an error's sentence: what is wrong; then, after the last semicolon, what to do.

    The cause may quote a server, whose words must never stand as our advice.
    """
    sentence = plain(error.get("errorDescription") or error.get("errorCode") or "")
    cause, told, remedy = sentence.rpartition("; ")
    if not told:
        cause, remedy = sentence, ""
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


def was_tested(probe: object) -> bool:
    """Tell whether anything was tried of a protocol: then its flags are those that were used."""
    return bool(objects(mapping(probe).get("phases")))


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
    security = _security(protocol, item, tested=was_tested(probe))
    read = read_probe(protocol, probe, _where(protocol, item), security)
    # An error of the account as a whole has no prefix: then only the probe's code tells.
    works = read.works and not own
    return replace(read, advice=tuple(map(advice_of, own)), works=works)


def _where(protocol: str, item: Json) -> str:
    """Name host and port, and the user where it is not the address that stands above."""
    parts = [plain(item.get(f"{protocol}{part}") or "") for part in ("host", "port")]
    where, user = ":".join(filter(None, parts)), item.get(f"{protocol}userID")
    return f"{where} as {plain(user)}" if user and user != item.get("dealerEmail") else where


def _security(protocol: str, item: Json, *, tested: bool) -> str:
    if item.get(f"{protocol}useSSLOrTLS") == "true":
        return SECURITY_WORDS["implicit_tls"]
    if item.get(f"{protocol}enableStartTLS") == "true":
        return SECURITY_WORDS["starttls"]
    return SECURITY_WORDS["cleartext"] if tested else ""


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
