"""Rows of numbers into a table for people (results.md) and a plot (results.svg)."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

Row = dict[str, Any]
BAR_WIDTH, BAR_HEIGHT, LABEL_WIDTH, GAP = 420, 18, 270, 10
COLOURS = ("#1f6feb", "#8b949e")


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median, and the range in brackets."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def throughput_table(rounds: dict[str, list[Row]], security: str) -> str:
    def of(name: str, column: str) -> list[float]:
        return [row[security][column] for row in rounds[name]]

    first = statistics.median(of(next(iter(rounds)), "jobs_per_second"))
    heads = ("", "jobs/s", "ours is", "CPU ms/job", "MB", "round trips SMTP, IMAP", "all right")
    return table(
        heads,
        (
            (
                name,
                spread(of(name, "jobs_per_second")),
                f"{first / statistics.median(of(name, 'jobs_per_second')):.2f} x",
                spread(of(name, "cpu_ms"), 2),
                spread(of(name, "memory_mb")),
                trips(rows[0][security]["round_trips"]),
                "yes" if all(row[security]["right"] for row in rows) else "NO",
            )
            for name, rows in rounds.items()
        ),
    )


def trips(counted: dict[str, float]) -> str:
    return ", ".join(f"{counted[protocol]:.1f}" for protocol in ("smtp", "imap"))


def slow_table(rows: dict[str, Row], concurrency: dict[str, int]) -> str:
    heads = ("", "jobs in flight", "jobs/s", "MB", "CPU ms/job", "all right")
    return table(
        heads,
        (
            (
                name,
                str(concurrency[name]),
                f"{row['jobs_per_second']:.0f}",
                f"{row['memory_mb']:.0f}",
                f"{row['cpu_ms']:.2f}",
                "yes" if row["right"] else "NO",
            )
            for name, row in rows.items()
        ),
    )


def small_table(heads: Sequence[str], rows: dict[str, Row], columns: Sequence[str]) -> str:
    def cell(value: float | None) -> str:
        return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"

    return table(("", *heads), ((n, *(cell(row[f]) for f in columns)) for n, row in rows.items()))


def machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}"


def plot(bars: dict[str, dict[str, float]]) -> str:
    """Horizontal bars: one group a measurement, the first contender in colour."""
    parts, y = [], 24
    for title, values in bars.items():
        parts.append(text(0, y, title, weight="bold"))
        y += GAP
        longest = max(values.values())
        for number, (name, value) in enumerate(values.items()):
            width = max(1.0, BAR_WIDTH * value / longest)
            colour = COLOURS[min(number, 1)]
            middle = y + BAR_HEIGHT - 5
            parts.append(text(LABEL_WIDTH - 8, middle, name, anchor="end"))
            parts.append(
                f'<rect x="{LABEL_WIDTH}" y="{y}" width="{width:.0f}" height="{BAR_HEIGHT}"'
                f' fill="{colour}"/>'
            )
            parts.append(text(LABEL_WIDTH + width + 6, middle, f"{value:,.0f}"))
            y += BAR_HEIGHT + 4
        y += 2 * GAP + 8
    width = LABEL_WIDTH + BAR_WIDTH + 70
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}"'
        f' font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.0f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}"'
        f' fill="#24292f">{escape(words)}</text>'
    )
