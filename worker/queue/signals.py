"""The signals that ask a process to drain."""

import signal
from typing import Final

STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def stop_signals() -> frozenset[int]:
    """Name the signals that ask for a drain. SIGHUP, a terminal that closes, not under `nohup`."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return STOP_SIGNALS - {signal.SIGHUP} if ignored else STOP_SIGNALS
