"""No core dumps: the memory of every process of ours holds passwords."""

import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

_FILTER: Final = Path("/proc/self/coredump_filter")


def forbid_core_dumps() -> None:
    """Forbid them for this process and all that it starts.

    RLIMIT_CORE does not bind a kernel that pipes its dumps into a program (core(5)); so what such a
    dump would hold is set to nothing as well.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # not Linux, or no /proc
        _FILTER.write_text("0", encoding="ascii")
