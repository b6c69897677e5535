"""What both clients read of a job: its result, its state, its progress. No I/O."""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from redis.exceptions import NoPermissionError

from producer.contract.names import HEARTBEAT_LIFETIME_MS, Keys
from producer.contract.progress import Progress
from producer.redis_failures import FAILURES, unavailable
from producer.redis_url import RedisUrl
from producer.submission import is_owner
from producer.submit_errors import JobIdTakenError

RECHECK_SECONDS: Final = 10.0
"""A subscription can die without a word (a cut cable, a failover): look at the key this often."""

RECONNECT_SECONDS: Final = 0.25

Json = dict[str, Any]
OnProgress = Callable[[Progress], object]


class JobState(StrEnum):
    """What can be told of a job from its keys (docs/CONTRACT.md section 2)."""

    DONE = "done"
    WAITING = "waiting"
    UNKNOWN = "unknown"


def owned_result(stored: Any, owner: str | None) -> Any:
    """Take the result of (result, owner) as they stand in Redis. Raises JobIdTakenError."""
    result, holder = stored
    if result is not None and owner is not None and not is_owner(holder, owner):
        raise JobIdTakenError
    return result


def channels(keys: Keys, job_id: str, on_progress: OnProgress | None) -> list[str]:
    """Return the channels that a waiting client subscribes to."""
    return [keys.done(job_id), *([keys.progress(job_id)] if on_progress else [])]


def tell_progress(
    channel: str, message: Mapping[str, Any] | None, on_progress: OnProgress | None
) -> None:
    """Pass on what was heard, where it is progress."""
    if on_progress is None or message is None or message["type"] != "message":
        return
    heard = Progress.read(message["data"]) if message["channel"] == channel.encode() else None
    if heard is not None:
        on_progress(heard)


def next_try(
    url: RedisUrl, error: Exception, seconds_left: float, on_progress: OnProgress | None
) -> tuple[OnProgress | None, float]:
    """Go on after a wait that failed: return what to call on progress, and the pause in seconds.

    A user whom Redis forbids to hear of progress waits without it. Raises RedisUnavailableError
    where no try is left.
    """
    forbidden = isinstance(error.__cause__ or error, NoPermissionError)
    if forbidden and on_progress:
        return None, 0.0
    if forbidden or seconds_left <= RECONNECT_SECONDS:
        if isinstance(error, FAILURES):
            raise unavailable(url, error) from error
        raise error
    return on_progress, RECONNECT_SECONDS


def living_scores(now: tuple[int, int]) -> tuple[int, int]:
    """Return the lowest and highest score of a live worker's heartbeat, by Redis' own clock.

    One that is further in the future than it lives was written before that clock was set back.
    """
    seconds, microseconds = now
    now_ms = seconds * 1000 + microseconds // 1000
    return now_ms - HEARTBEAT_LIFETIME_MS, now_ms + HEARTBEAT_LIFETIME_MS


def parse(stored: Any) -> Json | None:
    """Read a stored document; None where there is none. Raises ValueError where it is no object."""
    if stored is None:
        return None
    document = json.loads(stored)
    if not isinstance(document, dict):
        raise ValueError("what is stored is no JSON object")  # noqa: TRY004 - as for no JSON
    return document


def state_of(results: int, requests: int) -> JobState:
    """Apply the poller's rule of docs/CONTRACT.md section 2."""
    if results:
        return JobState.DONE
    return JobState.WAITING if requests else JobState.UNKNOWN
