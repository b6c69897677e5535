"""Results for people: verdict, cause, what to do, timeline.

What Redis holds is taken for what anybody may have written: of any shape, and no text of it, no
number either, reaches the terminal but through `plain`.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from producer.contract.credentials import SUCCESS
from producer.contract.names import MASK
from producer.printable import plain
from producer.terminal import Terminal

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
STATE_MARKS: Final = {"ok": ("✔", "green"), "failed": ("✘", "red"), "skipped": ("-", "dim")}
SECURITY_WORDS: Final = {
    "implicit_tls": "SSL/TLS",
    "starttls": "STARTTLS",
    "cleartext": "no encryption",
}
SHOWN_REPLY_CHARACTERS: Final = 400


def credential_result(result: Json, report: Json | None, *, detailed: bool = False) -> Group:
    """Show the result of a credential test, item by item."""
    parts: list[RenderableType] = [
        *(_request_error(error) for error in _objects(result.get("errors"))),
        *(_remark(warning) for warning in _objects(result.get("warnings"))),
    ]
    items = _objects(result.get("emailCredentialsResponses"))
    found = _objects(_object(report).get("items"))
    for number, (item, probes) in enumerate(zip_longest(items, found[: len(items)]), start=1):
        parts.append(_item(number, item, probes or {}, detailed=detailed))
    parts.append(_summary(items, report))
    return Group(*parts)


def integration_result(
    result: Json, report: Json | None, before: Json | None = None, *, detailed: bool = False
) -> Group:
    """Show the answer to a create, an update or a delete; what an update changed."""
    good = bool(result.get("success"))
    title = Text(f"{'✔' if good else '✘'} ", style="green" if good else "red")
    title.append(f"{plain(result.get('message', ''))} ", style="bold")
    title.append(f"({plain(result.get('statusCode', ''))})", style="dim")
    parts: list[RenderableType] = [title]
    for error in _objects(result.get("errors")):
        advice = _advice(plain(error.get("message", "")))
        parts.append(_indented(_facts([("code", plain(error.get("code", ""))), *advice])))
    probes: Json = next(iter(_objects(_object(report).get("items"))), {})
    probe = _object(probes.get("smtp"))
    if probe:
        parts.append(_indented(_facts(_probe_facts(probe, detailed=detailed))))
    data = result.get("data")
    if isinstance(data, Mapping):
        parts.append(_indented(_changes(before, data) if before else _record(data)))
    return Group(*parts)


def _item(number: int, item: Json, probes: Json, *, detailed: bool) -> RenderableType:
    good = item.get("outcome") == SUCCESS
    title = Text(f"{'✔' if good else '✘'} ", style="green" if good else "red")
    title.append(f"{number}. {plain(item.get('dealerEmail') or 'no address')}  ", style="bold")
    title.append("works" if good else "does not work", style="green" if good else "red")
    title.append(f"  {plain(item.get('testDuration', ''))} ms", style="dim")
    parts: list[RenderableType] = [title]
    for protocol in PROTOCOLS:
        parts.extend(_protocol(protocol, item, _object(probes.get(protocol)), detailed=detailed))
    shown = tuple(f"{protocol.upper()}_" for protocol in PROTOCOLS if probes.get(protocol))
    parts.extend(
        _indented(_facts(_advice(_sentence(error))))
        for error in _objects(item.get("errors"))
        if not (shown and str(error.get("errorCode", "")).startswith(shown))
    )
    parts.extend(_indented(_remark(warning)) for warning in _objects(item.get("warnings")))
    return Padding(Group(*parts), (0, 0, 1, 0))


def _protocol(
    protocol: str, item: Json, probe: Json, *, detailed: bool
) -> Iterator[RenderableType]:
    if not probe:
        return
    prefix = f"{protocol.upper()}_"
    failed = [
        error
        for error in _objects(item.get("errors"))
        if str(error.get("errorCode", "")).startswith(prefix)
    ]
    line = Text(f"{protocol.upper()}  ", style="bold")
    where = [item.get(f"{protocol}{part}") for part in ("host", "port")]
    line.append(f"{':'.join(plain(part) for part in where if part)}  {_security(protocol, item)}  ")
    if failed:
        line.append(plain(probe.get("code", "")), style="red")
    else:
        line.append("login works" if probe.get("mechanism") else "works", style="green")
    yield _indented(line)
    facts = [fact for error in failed for fact in _advice(_sentence(error))]
    yield _indented(_facts([*facts, *_probe_facts(probe, detailed=detailed)]), 4)


def _advice(sentence: str) -> Iterator[tuple[str, str]]:
    """The worker's sentences say what is wrong; then, after a semicolon, what to do."""
    cause, _, remedy = sentence.partition("; ")
    yield "cause", cause
    if remedy:
        yield "what to do", remedy[:1].upper() + remedy[1:]


def _security(protocol: str, item: Json) -> str:
    if item.get(f"{protocol}useSSLOrTLS") == "true":
        return SECURITY_WORDS["implicit_tls"]
    starttls = item.get(f"{protocol}enableStartTLS") == "true"
    return SECURITY_WORDS["starttls" if starttls else "cleartext"]


def _probe_facts(probe: Json, *, detailed: bool) -> Iterator[tuple[str, RenderableType]]:
    failed = probe.get("code") not in ("OK", None)
    if probe.get("suggestion"):
        yield "try instead", _suggestion(_object(probe["suggestion"]))
    if failed and probe.get("field"):
        yield "to change", plain(probe["field"])
    if failed:
        later = "may help" if probe.get("retryable") else "will not help: something must change"
        yield "trying again", later
    yield "timeline", _timeline(_objects(probe.get("phases")))
    if (failed or detailed) and probe.get("serverReply"):
        yield "server said", Text(plain(probe["serverReply"])[:SHOWN_REPLY_CHARACTERS])
    if detailed:
        yield from _details(probe)


def _suggestion(suggestion: Json) -> str:
    where = f"{plain(suggestion.get('host', ''))} port {plain(suggestion.get('port', ''))}"
    how = SECURITY_WORDS.get(str(suggestion.get("security")), "")
    return f"{where} with {how}: a server answers there"


def _details(probe: Json) -> Iterator[tuple[str, RenderableType]]:
    if probe.get("remoteAddress"):
        yield "address", plain(probe["remoteAddress"])
    if probe.get("mechanism"):
        yield "login by", plain(probe["mechanism"])
    if probe.get("tls"):
        yield from _tls_facts(_object(probe["tls"]))


def _tls_facts(tls: Json) -> Iterator[tuple[str, str]]:
    if tls.get("version"):
        yield "TLS", plain(f"{tls['version']}, {tls.get('cipher') or 'cipher unknown'}")
    names = tls.get("subjectNames")
    facts = ["trusted" if tls.get("verified") else f"not trusted: {tls.get('reason') or 'unknown'}"]
    if tls.get("daysLeft") is not None:
        facts.append(_days(tls["daysLeft"]))
    if isinstance(names, list) and names:
        facts.append(f"for {', '.join(map(str, names))}")
    if tls.get("issuer"):
        facts.append(f"issued by {tls['issuer']}")
    yield "certificate", plain("; ".join(facts))


def _days(left: object) -> str:
    if isinstance(left, int | float) and left < 0:
        return f"expired {-left} days ago"
    return f"{left} days left"


def _timeline(phases: Sequence[Json]) -> Text:
    line = Text()
    for phase in phases:
        mark, style = STATE_MARKS.get(str(phase.get("state")), ("?", "dim"))
        if line:
            line.append(" → ", style="dim")
        line.append(f"{PHASE_WORDS.get(str(phase.get('name')), plain(phase.get('name')))} ")
        line.append(mark, style=style)
        if phase.get("state") != "skipped":
            line.append(f" {_milliseconds(phase.get('milliseconds', 0))} ms", style="dim")
    return line or Text("nothing was sent", style="dim")


def _summary(items: Sequence[Json], report: Json | None) -> Text:
    good = sum(item.get("outcome") == SUCCESS for item in items)
    text = f"{good} of {len(items)} work"
    if report:
        text += f" · took {plain(report.get('durationMs', '?'))} ms"
        text += f" after {plain(report.get('queueWaitMs', '?'))} ms in the queue"
        text += f" · worker {plain(report.get('workerVersion', '?'))}"
    return Text(text, style="dim")


def _record(data: Json) -> Table:
    return _facts([(plain(name), plain(_shown(name, value))) for name, value in data.items()])


def _changes(before: Json, after: Json) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for name, new in after.items():
        old = before.get(name, new)
        if old == new or name == "password":
            continue
        change = Text(plain(_shown(name, old)), style="red strike")
        change.append(" → ", style="not strike dim")
        change.append(plain(_shown(name, new)), style="not strike green")
        table.add_row(Text(plain(name), style="bold"), change)
    return table if table.row_count else Text("nothing else changed", style="dim")


def _shown(name: str, value: object) -> object:
    if name == "password":
        return MASK
    if isinstance(value, Mapping):
        return f"{value.get('name', '')} ({value.get('id', '')})"
    return "" if value is None else value


def _request_error(error: Json) -> Text:
    text = Text("✘ ", style="red")
    return text.append(_sentence(error), style="bold")


def _sentence(error: Json) -> str:
    return plain(error.get("errorDescription") or error.get("errorCode") or "")


def _remark(warning: Json) -> Text:
    text = Text("! ", style="yellow")
    return text.append(plain(warning.get("warningDescription") or warning.get("warningCode", "")))


def _object(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _milliseconds(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, int | float) else plain(value)


def _facts(rows: Any) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value) if isinstance(value, str) else value)
    return table


def _indented(part: RenderableType, columns: int = 2) -> Padding:
    return Padding(part, (0, 0, 0, columns))


def show(part: RenderableType) -> None:
    """Print to the terminal."""
    Terminal().print(part)
