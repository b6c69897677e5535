"""On a terminal of 40 columns tables break their lines; nothing in them is cut off."""

import io

import pytest
from rich.console import Console

from producer.printable import fitted
from worker.commands.dead import letter_table
from worker.commands.top import queue_table
from worker.queue.dead_letters import DeadLetter
from worker.queue.depth import Depth

LETTER_ID = "4f1c7d0e-6b52-4b57-9a55-0d6a64a1c3f7"
JOB_ID = "s3-8e0a3c1d-90f4-4a55-b0ce-2b1f6a9d7e42"
LETTERS = letter_table([DeadLetter("credential-tests", LETTER_ID, 0, JOB_ID, "a flaw " * 9, 10)])
DEPTHS = queue_table([Depth("integration-updates", 1_000_000, 0, 7, 0, 86_400.5)])


@pytest.mark.parametrize(
    ("table", "second", "first_column"),
    [(LETTERS, "job, why", f"id{LETTER_ID}"), (DEPTHS, "ready", "queueintegration-updates")],
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


def test_the_ids_of_a_dead_letter_stand_whole_on_80_columns():
    console = Console(file=io.StringIO(), width=80)
    console.print(LETTERS)
    assert {LETTER_ID, JOB_ID} <= set(console.file.getvalue().split())


def test_a_line_breaks_between_words_where_the_terminal_ends():
    line = "  Use SSL/TLS with port 465 (SMTP) or 993 (IMAP), or STARTTLS with port 587."
    assert fitted(line, 40, indent=4).splitlines() == [
        "  Use SSL/TLS with port 465 (SMTP) or",
        "    993 (IMAP), or STARTTLS with port",
        "    587.",
    ]


def test_an_address_is_not_broken_and_neither_is_a_line_that_a_program_reads():
    address = "https://support.example.com/mail/answer/185833"
    assert fitted(f"see {address}", 40, indent=2).splitlines() == ["see", f"  {address}"]
    assert fitted("word " * 40, None, indent=2) == "word " * 40
