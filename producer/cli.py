"""The `mailvouch` command."""

import signal


def main() -> None:
    """Run it. Ctrl-c waits meanwhile: in the middle of an import it is a traceback."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    from producer.commands.tree import mailvouch  # noqa: PLC0415 - see above
    from producer.interrupts import end_when_interrupted  # noqa: PLC0415
    from producer.standard_files import open_standard_files  # noqa: PLC0415

    open_standard_files()
    end_when_interrupted()
    mailvouch()


if __name__ == "__main__":
    main()
