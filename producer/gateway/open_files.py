"""How many files clients may take, so that some are left for Redis and for ourselves."""

import os
import resource
import ssl
import sys
from typing import Any, Final

import structlog

MOST_FILES_KEPT: Final = 256
"""For connections to Redis, 20 for each node of a cluster, and for what is loaded when needed."""

_log = structlog.get_logger("gateway")


def most_files() -> int:
    """Return how many files may be open with the next connection; the rest is kept for our own.

    Whoever opened as many connections as there can be files would leave none for Redis.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    return limit - min(limit // 8, MOST_FILES_KEPT)


class BoundedContext(ssl.SSLContext):
    """Begins no handshake where too few files are left: the event loop then ends the connection.

    Our protocol hears of a connection when its handshake is over, and a client that never begins
    one keeps its file for all the time that it has for it.
    """

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """As `ssl.SSLContext` does. Raises ConnectionAbortedError."""
        if not _kept_are_free():
            _log.warning("connection_refused", most_files=most_files())
            raise ConnectionAbortedError("too few files are left")
        return super().wrap_bio(*args, **kwargs)


def _kept_are_free() -> bool:
    """Try it: the number of the next file tells too little once there are gaps below it."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    tried: list[int] = []
    try:
        tried.extend(os.dup(2) for _ in range(limit - most_files()))
    except OSError:
        return False
    finally:
        for descriptor in tried:
            os.close(descriptor)
    return True
