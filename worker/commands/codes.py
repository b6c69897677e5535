"""`mailvouch codes`: what each code means and what helps; no Redis, no network."""

from difflib import get_close_matches
from typing import Final

import click

from producer.printable import echo, fitted, json_text, terminal_width
from worker.commands.help_page import help_page
from worker.probing.classify.catalogue import CodeEntry, entries

NEAR: Final = 0.8
"""What a misspelling has in common with the code that was meant; another code has less."""

_LISTS: Final = (
    "'mailvouch codes' lists them, docs/CONTRACT.md section 10 those of the gateway itself"
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of objects.")
@click.argument("code", required=False)
def codes(code: str | None, *, as_json: bool) -> None:
    """Print the catalogue of codes, or one of them, with each provider's own remedy.

    \b
      mailvouch codes
      mailvouch codes SMTP_CLIENT_BLOCKED
      mailvouch codes --json
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    wanted = [entry for entry in entries() if code is None or entry.code == _bare(code)]
    if code is not None and not wanted:
        near = get_close_matches(_bare(code), [entry.code for entry in entries()], 1, NEAR)
        advice = f"did you mean {near[0]}?" if near else _LISTS
        raise click.UsageError(f"no such code; {advice}")
    if as_json:
        page = help_page()
        echo(json_text([entry.as_json(page) for entry in wanted]))
        return
    width = terminal_width()
    for entry in wanted:
        echo("\n".join(fitted(line, width, indent=4) for line in _told(entry, in_full=bool(code))))


def _bare(code: str) -> str:
    return code.strip().upper().removeprefix("SMTP_").removeprefix("IMAP_")


def _told(entry: CodeEntry, *, in_full: bool) -> list[str]:
    again = "may work later as it is" if entry.retryable else "stays so until something changes"
    lines = [entry.code, f"  {entry.meaning}.", f"  {entry.remedy}.", f"  {again}"]
    if entry.field:
        lines[-1] += f"; look at: {entry.field}"
    if in_full:
        lines += [
            f"  at {one.provider.name}{f' ({one.protocol})' if one.protocol else ''}: {one.remedy}"
            for one in entry.providers
        ]
    return lines
