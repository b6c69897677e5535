"""The `mailvouch` command."""

import signal

from producer.standard_files import open_standard_files


def main() -> None:
    """Run it. Ctrl-c waits meanwhile: in the middle of an import it is a traceback."""
    open_standard_files()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    from producer.commands.tree import mailvouch  # noqa: PLC0415 - see above

    mailvouch()


if __name__ == "__main__":
    main()
