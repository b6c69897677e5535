"""The `mailvouch-worker` command."""

import signal


def main() -> None:
    """Run it. Signals wait meanwhile: ctrl-c in the middle of an import is a traceback.

    Those of `worker.queue.signals`, whose own imports take long enough to be broken off.
    """
    held = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, held)
    from producer.interrupts import end_when_interrupted  # noqa: PLC0415 - see above
    from producer.standard_files import open_standard_files  # noqa: PLC0415
    from worker.commands.tree import mailvouch_worker  # noqa: PLC0415

    open_standard_files()
    end_when_interrupted()
    mailvouch_worker()


if __name__ == "__main__":
    main()
