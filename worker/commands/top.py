"""`mailvouch-worker top` and `queues`: what the workers do now, from their metrics and from Redis.

Rates are the difference of two readings. The servers at the bottom come from a sample of the stored
reports: host names are no metric labels, because their set is not closed.
"""

import http.client
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import click
import redis
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from producer.command_line import Seconds, json_option
from producer.contract.names import Queue
from producer.contract.report import PhaseName
from producer.printable import echo, json_text, plain, wants_json
from worker.commands.console import EXIT_NO_REDIS, operators_shards, out, unreachable
from worker.commands.keyboard import keys_at_once
from worker.commands.readings import Reading, Samples, ServerTimes, parse_metrics, slowest_servers
from worker.queue.depth import Depth, measure_all
from worker.queue.shard_clients import ShardClient
from worker.settings import load_settings

PAGE_TIMEOUT_SECONDS: Final = 5.0
MOST_CODES: Final = 12
SAMPLED_REPORTS: Final = 200
SCAN_ROUNDS: Final = 10
SCAN_COUNT: Final = 500
"""A scan stops after so many keys: the reports are a sample, and Redis has other work."""

_PHASES: Final = [phase.value for phase in PhaseName]


@click.command("queues")
@json_option
def queues(*, as_json: bool) -> None:
    """Show what waits, runs and is dead in each queue."""
    settings = load_settings()
    try:
        with operators_shards(settings) as shards:
            depths = measure_all(shards, Queue)
    except redis.RedisError as error:
        raise unreachable(settings, error) from None
    if wants_json(asked=as_json):
        echo(json_text([asdict(depth) for depth in depths]))
    else:
        out.print(queue_table(depths))


@click.command("top")
@click.option("--url", help="The metrics page; by default the one of this machine's worker.")
@click.option("--interval", type=Seconds(0.2), default=2.0, help="Seconds.")
@click.option("--once", is_flag=True, help="Print one page, for scripts; the default in a pipe.")
def top(url: str | None, interval: float, *, once: bool) -> None:
    """Watch queues, rates, codes and slow servers, live. q ends it.

    Exit code of one page: 4 where neither the metrics page nor Redis can be read in full.
    """
    settings = load_settings()
    page = url or f"http://{settings.metrics_host}:{settings.metrics_port}/metrics"
    with operators_shards(settings) as shards:
        before = read(page, shards)
        time.sleep(min(interval, 1.0))
        now = read(page, shards)
        if once or not out.is_terminal or out.is_dumb_terminal:  # which shows no live page
            out.print(render(before, now))
            if now.troubles:
                sys.exit(EXIT_NO_REDIS)
            return
        header = f"mailvouch-worker top  {page}  every {interval:g} s  q ends"
        with (
            keys_at_once() as pressed,
            Live(render(before, now, header), console=out, screen=True) as live,
        ):
            while pressed(interval) != "q":
                before, now = now, read(page, shards)
                live.update(render(before, now, header))


def read(page: str, shards: Sequence[ShardClient]) -> Reading:
    """Read all there is now; what cannot be read is a line of the page, not its end."""
    troubles: list[str] = []
    samples: Samples = {}
    depths, servers = [], []
    try:
        with urllib.request.urlopen(page, timeout=PAGE_TIMEOUT_SECONDS) as reply:  # noqa: S310 - the operator's own URL
            samples = parse_metrics(reply.read().decode())
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        troubles.append(f"no metrics from {page}: {reason} (is that a worker's page? --url)")
    try:
        depths = measure_all(shards, Queue)
        servers = slowest_servers(
            [report for shard in shards for report in _sample_reports(shard, len(shards))]
        )
    except redis.RedisError as error:
        troubles.append(f"Redis does not answer: {type(error).__name__}")
    return Reading(time.monotonic(), samples, depths, servers, troubles)


def _sample_reports(shard: ShardClient, shards: int) -> list[bytes]:
    client, pattern = shard.client, shard.layout.report("*")
    wanted = -(-SAMPLED_REPORTS // shards)
    keys: list[Any] = []
    cursor = 0
    for _ in range(SCAN_ROUNDS):
        cursor, found = client.scan(cursor, match=pattern, count=SCAN_COUNT)
        keys += found
        if cursor == 0 or len(keys) >= wanted:
            break
    reports: list[Any] = client.mget(keys[:wanted]) if keys else []
    return [report for report in reports if report]


def render(before: Reading, now: Reading, header: str | None = None) -> RenderableType:
    """One page: two readings make its rates."""
    return Group(
        *(
            [Text(f"{header}  {datetime.now().astimezone():%H:%M:%S}", style="reverse")]
            if header
            else ()
        ),
        *(Text(plain(trouble), style="bold red") for trouble in now.troubles),
        queue_table(now.depths),
        "",
        _job_table(before, now),
        "",
        _code_table(before, now),
        "",
        _phase_table(now),
        "",
        _server_table(now.servers),
    )


def queue_table(depths: Iterable[Depth]) -> Table:
    table = _table("queue", "ready", "in flight", "delayed", "dead", "oldest")
    for depth in depths:
        counts = (depth.ready, depth.in_flight, depth.delayed)
        dead = Text(str(depth.dead), style="red" if depth.dead else "")
        table.add_row(depth.queue, *map(str, counts), dead, f"{depth.oldest_seconds:.1f} s")
    return table


def _job_table(before: Reading, now: Reading) -> Table:
    in_flight = now.total("mailvouch_jobs_in_flight")
    table = _table(f"jobs ({in_flight:.0f} in flight)", "total", "per second")
    for (kind, outcome), count in sorted(now.by("mailvouch_jobs_total", "kind", "outcome").items()):
        if count:
            rate = now.rate(before, "mailvouch_jobs_total", kind=kind, outcome=outcome)
            table.add_row(plain(f"{kind} {outcome}"), f"{count:.0f}", f"{rate:.1f}")
    return table


def _code_table(before: Reading, now: Reading) -> Table:
    table = _table("probe codes", "total", "per second")
    counts = now.by("mailvouch_probes_total", "protocol", "code")
    most = sorted(counts.items(), key=lambda entry: -entry[1])[:MOST_CODES]
    for (protocol, code), count in most:
        if count:
            rate = now.rate(before, "mailvouch_probes_total", protocol=protocol, code=code)
            table.add_row(plain(f"{protocol} {code}"), f"{count:.0f}", f"{rate:.1f}")
    return table


def _phase_table(now: Reading) -> Table:
    table = _table("phase", "times", "mean")
    name = "mailvouch_probe_phase_seconds"
    counts = now.by(f"{name}_count", "protocol", "phase")
    sums = now.by(f"{name}_sum", "protocol", "phase")
    for key, count in sorted(counts.items(), key=lambda entry: _as_they_run(entry[0])):
        if count:
            table.add_row(
                plain(" ".join(key)), f"{count:.0f}", f"{sums[key] / count * 1000:.0f} ms"
            )
    return table


def _as_they_run(key: tuple[str, ...]) -> tuple[str, int]:
    protocol, phase = key
    return protocol, _PHASES.index(phase) if phase in _PHASES else len(_PHASES)


def _server_table(servers: Iterable[ServerTimes]) -> Table:
    table = _table("slowest servers (of a sample of reports)", "probes", "mean", "last code")
    for server in servers:
        mean = f"{server.mean_milliseconds:.0f} ms"
        table.add_row(plain(server.address), str(server.probes), mean, server.last_code)
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", min_width=72)
    table.add_column(first, ratio=1, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", overflow="fold")
    return table
