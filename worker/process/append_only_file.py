"""Takes ended requests out of the embedded server's append-only file.

The file holds every write since it was last rewritten, so also requests that have ended, with their
passwords. Redis itself rewrites it only once it has doubled. So it is rewritten while requests end:
at most once a minute, and for at most a twentieth of the time, however much is stored.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import redis

PAUSE_SECONDS: Final = 60.0
REWRITE_SHARE: Final = 0.05
"""Of the time, at most. With 10,000 results of 5 kB a rewrite takes 0.7 s and holds Redis up for
16 ms, with 100,000 13 s and 60 ms (two busy cores): then it is done every four minutes.
"""

LAST_REWRITE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.01


class AppendOnlyFile:
    """The file of the server behind `client`. Where that is away or busy, the next look comes."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.monotonic) -> None:
        """The first look rewrites what a server before this one left behind."""
        self._client = client
        self._clock = clock
        self._deletions = -1
        self._not_before = 0.0
        self._has_hole = False

    def look(self) -> bool:
        """Rewrite the file where it is of use; tell whether it was begun.

        That is where requests have ended and it is time, and once a full disk has room again: the
        server has left a hole, and would cut off what it confirmed if the disk were full once more.
        """
        with suppress(redis.RedisError):
            facts: dict[str, Any] = self._client.info("persistence")
            if facts["aof_last_write_status"] != "ok":
                self._has_hole = True
            elif not facts["aof_rewrite_in_progress"]:
                return self._rewrite_if_of_use(facts)
        return False

    def clear(self) -> None:
        """Rewrite it before the server ends, if that does not take too long."""
        deadline = time.monotonic() + LAST_REWRITE_SECONDS
        with suppress(redis.RedisError):
            self._client.bgrewriteaof()
            while self._is_rewritten_now() and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)

    def _rewrite_if_of_use(self, facts: dict[str, Any]) -> bool:
        if self._clock() < self._not_before and not self._has_hole:
            return False
        deletions = self._count_deletions()
        # One that failed, on a full disk say, has taken nothing out.
        done = deletions == self._deletions and facts["aof_last_bgrewrite_status"] == "ok"
        if done and not self._has_hole:
            return False
        self._client.bgrewriteaof()
        self._deletions, self._has_hole = deletions, False
        last_took = max(0, facts["aof_last_rewrite_time_sec"])  # -1: never
        self._not_before = self._clock() + max(PAUSE_SECONDS, last_took / REWRITE_SHARE)
        return True

    def _count_deletions(self) -> int:
        """Every end of a request is one of these: `finish` deletes it, or it expires."""
        commands: dict[str, Any] = self._client.info("commandstats")
        expired: int = self._client.info("stats")["expired_keys"]
        deleted: int = commands.get("cmdstat_del", {}).get("calls", 0)
        return deleted + expired

    def _is_rewritten_now(self) -> bool:
        facts: dict[str, Any] = self._client.info("persistence")
        return bool(facts["aof_rewrite_in_progress"] or facts["aof_rewrite_scheduled"])
