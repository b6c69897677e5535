"""`mailvouch keygen`: no Redis needed."""

from pathlib import Path

import click

from producer.commands.console import Exit, fail, say
from producer.printable import echo
from producer.sealing.requests import CURVES, write_request_keys, write_store_key


@click.command()
@click.argument("purpose", type=click.Choice(["request", "store"]))
@click.option(
    *("--out", "folder"),
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="Directory to write to.  [default: here]",
)
@click.option("--curve", type=click.Choice(CURVES), default=CURVES[0], show_default=True)
def keygen(purpose: str, folder: Path, curve: str) -> None:
    """Make keys.

    'request' makes the pair for sealed requests: producers get the .public.jwk
    (MAILVOUCH_PUBLIC_KEY), workers the .private.jwk (MAILVOUCH_PRIVATE_KEYS). 'store' makes the
    key for passwords at rest (MAILVOUCH_STORE_KEYS), the same for every worker.

    \b
      mailvouch keygen request --out keys/
      mailvouch keygen store --out keys/
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    try:
        if purpose == "store":
            path = write_store_key(folder)
            echo(str(path))
            say("Keep it secret and backed up: without it the stored passwords are lost.")
            return
        private, public = write_request_keys(folder, curve)
    except OSError as error:
        fail(Exit.BAD_INPUT, f"--out: {error.filename or folder}: {error.strerror}")
    echo(str(private))
    echo(str(public))
    say("The .private.jwk is for workers only; the .public.jwk may be given to every producer.")
