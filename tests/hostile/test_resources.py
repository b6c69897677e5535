"""What a flooding server costs a probe in memory and CPU, in a process of its own."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import serve

ROOT = Path(__file__).parents[2]
MOST_KIB = 16 * 1024
MOST_CPU_SECONDS = 1.0


async def refuse(wire):
    await wire.line("554 no")


async def endless_greeting_line(wire):
    await wire.flood(b"220 " + b"A" * 65536)


async def endless_greeting_lines(wire):
    await wire.flood(b"220-still here\r\n" * 2000)


async def endless_capabilities(wire):
    await wire.line("220 hi")
    await wire.expect("EHLO")
    await wire.flood(b"250-X" + b"Y" * 4000 + b"\r\n")


async def endless_untagged(wire):
    await wire.flood(b"* 1 EXISTS\r\n" * 2000)


async def huge_literal(wire):
    await wire.line("* OK [CAPABILITY IMAP4rev1] {4000000000}")
    await wire.flood(b"x" * 65536)


async def endless_literals(wire):
    await wire.line("* OK hi")
    await wire.flood(b"x {1}\r\n" * 2000)


def probe(protocol: str, port: int) -> tuple[int, float]:
    """Peak memory in KiB and CPU seconds of `mailvouch-worker probe`."""
    settings = {
        "MAILVOUCH_PASSWORD": "Canary-7hunter2",
        "MAILVOUCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "MAILVOUCH_ALLOW_PORTS": "1-65535",
        "MAILVOUCH_PROBE_DEADLINE_SECONDS": "5",
    }
    words = ["probe", protocol, f"127.0.0.1:{port}", "--user", "tim", "--cleartext"]
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.cli", *words],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 1
    return usage.ru_maxrss, usage.ru_utime + usage.ru_stime


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "script"),
    [
        ("smtp", endless_greeting_line),
        ("smtp", endless_greeting_lines),
        ("smtp", endless_capabilities),
        ("imap", endless_untagged),
        ("imap", huge_literal),
        ("imap", endless_literals),
    ],
)
async def test_a_flood_costs_little_memory_and_little_time(protocol, script):
    async with serve(refuse) as modest, serve(script) as flooding:
        usual, usual_cpu = await asyncio.to_thread(probe, protocol, modest.port)
        flooded, flooded_cpu = await asyncio.to_thread(probe, protocol, flooding.port)

    assert flooded - usual < MOST_KIB
    assert flooded_cpu - usual_cpu < MOST_CPU_SECONDS
