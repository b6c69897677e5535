"""Results on a terminal: verdict, cause, what to do, timeline. Words: `producer.verdicts`."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from producer.contract.names import MASK
from producer.printable import plain
from producer.terminal import Terminal
from producer.verdicts.reading import advice_of, objects, read_integration_probe, read_test
from producer.verdicts.words import Advice, ItemVerdict, ProtocolVerdict

Json = Mapping[str, Any]

STATE_STYLES: Final = {"ok": "green", "failed": "red"}
SHOWN_REPLY_CHARACTERS: Final = 400


def credential_result(result: Json, report: Json | None, *, detailed: bool = False) -> Group:
    """Show the result of a credential test, item by item."""
    verdict = read_test(result, report)
    summary = f"{verdict.working} of {len(verdict.items)} work"
    return Group(
        *(_marked("✘ ", "red", error.sentence) for error in verdict.errors),
        *(_marked("! ", "yellow", remark) for remark in verdict.remarks),
        *(_item(item, detailed=detailed) for item in verdict.items),
        Text(" · ".join(filter(None, [summary, verdict.facts])), style="dim"),
    )


def integration_result(
    result: Json, report: Json | None, before: Json | None = None, *, detailed: bool = False
) -> Group:
    """Show the answer to a create, an update or a delete; what an update changed."""
    title = _title(plain(result.get("message", "")), works=result.get("success") is True)
    title.append(f" ({plain(result.get('statusCode', ''))})", style="dim")
    parts: list[RenderableType] = [title]
    for error in objects(result.get("errors")):
        advice = advice_of({"errorDescription": error.get("message", "")})
        code = ("code", plain(error.get("code", "")))
        parts.append(_indented(_facts([code, *_advice(advice)])))
    probe = read_integration_probe(result, report)
    if probe:
        parts.append(_indented(_facts(_integration_facts(probe, detailed=detailed))))
    data = result.get("data")
    if isinstance(data, Mapping):
        parts.append(_indented(_changes(before, data) if before else _record(data)))
    return Group(*parts)


def _integration_facts(
    probe: ProtocolVerdict, *, detailed: bool
) -> Iterator[tuple[str, RenderableType]]:
    for advice in probe.advice:
        yield "code", probe.code
        yield from _advice(advice)
    yield from _probe_facts(probe, detailed=detailed)


def _title(text: str, *, works: bool) -> Text:
    title = Text(f"{'✔' if works else '✘'} ", style="green" if works else "red")
    return title.append(text, style="bold")


def _item(item: ItemVerdict, *, detailed: bool) -> RenderableType:
    title = _title(f"{item.number}. {item.address}  ", works=item.works)
    title.append(item.outcome, style="green" if item.works else "red")
    title.append(f"  {item.milliseconds} ms", style="dim")
    parts: list[RenderableType] = [title]
    for protocol in item.protocols:
        parts.extend(_protocol(protocol, detailed=detailed))
    parts.extend(_indented(_facts(_advice(advice))) for advice in item.advice)
    parts.extend(_indented(_marked("! ", "yellow", remark)) for remark in item.remarks)
    return Padding(Group(*parts), (0, 0, 1, 0))


def _protocol(protocol: ProtocolVerdict, *, detailed: bool) -> Iterator[RenderableType]:
    line = Text(f"{protocol.protocol}  ", style="bold")
    line.append(f"{protocol.where}  {protocol.security}  ")
    if protocol.works:
        line.append(protocol.outcome, style="green")
    else:
        line.append(protocol.code, style="red")
    yield _indented(line)
    facts = [fact for advice in protocol.advice for fact in _advice(advice)]
    yield _indented(_facts([*facts, *_probe_facts(protocol, detailed=detailed)]), 4)


def _advice(advice: Advice) -> Iterator[tuple[str, str]]:
    yield "cause", advice.cause
    if advice.remedy:
        yield "what to do", advice.remedy


def _probe_facts(
    protocol: ProtocolVerdict, *, detailed: bool
) -> Iterator[tuple[str, RenderableType]]:
    if protocol.instead:
        yield "try instead", protocol.instead.words
    if protocol.found_fault and protocol.field:
        yield "to change", protocol.field
    if protocol.found_fault:
        yield "trying again", protocol.trying_again
    yield "timeline", _timeline(protocol)
    if (protocol.found_fault or detailed) and protocol.server_reply:
        yield "server said", Text(protocol.server_reply[:SHOWN_REPLY_CHARACTERS])
    if detailed:
        yield from protocol.facts


def _timeline(protocol: ProtocolVerdict) -> Text:
    line = Text()
    for step in protocol.steps:
        if line:
            line.append(" → ", style="dim")
        line.append(f"{step.name} ")
        line.append(step.mark, style=STATE_STYLES.get(step.state, "dim"))
        if step.milliseconds is not None:
            line.append(f" {step.milliseconds:.0f} ms", style="dim")
    return line or Text(protocol.without_steps, style="dim")


def _marked(mark: str, style: str, text: str) -> Text:
    return Text(mark, style=style).append(text, style="bold" if style == "red" else "default")


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
    Terminal().print(part)
