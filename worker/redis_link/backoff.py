"""How long a link waits before it tries again."""

import random
from typing import Final

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
LONGEST_REFUSED_PAUSE_SECONDS: Final = 4.0
LONGEST_CUT_PAUSE_SECONDS: Final = 30.0
"""Each time it costs all others a connection, and where a proxy only drops it, the time-out."""


def seconds(failures: int, longest_seconds: float = LONGEST_PAUSE_SECONDS) -> float:
    """Double with each failure, a little different in each process."""
    doubled: float = FIRST_PAUSE_SECONDS * 2 ** min(failures, 10)
    return min(doubled, longest_seconds) * random.uniform(0.7, 1.0)  # noqa: S311 - jitter
