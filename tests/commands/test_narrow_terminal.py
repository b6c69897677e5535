"""On a terminal of 40 columns tables break their lines; nothing in them is cut off."""

import io

import pytest
from rich.console import Console

from worker.commands.dead import letter_table
from worker.commands.top import queue_table
from worker.queue.dead_letters import DeadLetter
from worker.queue.depth import Depth

LETTER_ID = "4f1c7d0e-6b52-4b57-9a55-0d6a64a1c3f7"
LETTERS = letter_table([DeadLetter("credential-tests", LETTER_ID, 0, "job-1", "", 10)])
DEPTHS = queue_table([Depth("integration-updates", 1_000_000, 0, 7, 0, 86_400.5)])


@pytest.mark.parametrize(
    ("table", "second", "first_column"),
    [(LETTERS, "queue", f"id{LETTER_ID}"), (DEPTHS, "ready", "queueintegration-updates")],
    ids=["dead letters", "queues"],
)
def test_what_a_table_says_can_be_read_in_full(table, second, first_column):
    console = Console(file=io.StringIO(), width=40)
    console.print(table)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 40
    assert "\N{HORIZONTAL ELLIPSIS}" not in console.file.getvalue()
    (end,) = (line.index(second) for line in lines if second in line)
    assert "".join(line[:end].strip() for line in lines) == first_column
