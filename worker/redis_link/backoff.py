"""How long a link waits before it tries again."""

import random
from typing import Final

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
LONGEST_REFUSED_PAUSE_SECONDS: Final = 4.0
LONGEST_CUT_PAUSE_SECONDS: Final = 30.0
"""Each try costs all other calls their connection, and a time-out where a proxy tells nothing."""


def seconds(failures: int, longest_seconds: float = LONGEST_PAUSE_SECONDS) -> float:
    """Double with each failure, a little different in each process."""
    doubled: float = FIRST_PAUSE_SECONDS * 2 ** min(failures, 10)
    return min(doubled, longest_seconds) * random.uniform(0.7, 1.0)  # noqa: S311 - jitter
