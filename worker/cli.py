"""The `mailvouch-worker` command."""

from producer.standard_files import open_standard_files
from worker.queue.signals import hold_signals


def main() -> None:
    """Run it. Signals wait meanwhile: ctrl-c in the middle of an import is a traceback."""
    hold_signals()
    open_standard_files()
    from worker.commands.tree import mailvouch_worker  # noqa: PLC0415 - see above

    mailvouch_worker()


if __name__ == "__main__":
    main()
