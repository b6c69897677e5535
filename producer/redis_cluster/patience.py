"""For how long a call that a failover or a moving slot refused is repeated."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.1

T = TypeVar("T")


class PatientRetry(Retry):
    """Repeats a call for PATIENCE_SECONDS."""

    def __init__(self) -> None:
        super().__init__(ConstantBackoff(_PAUSE_SECONDS), retries=-1)

    def call_with_retry(
        self,
        do: Callable[[], T],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,  # noqa: FBT001, FBT002 - redis-py's signature
    ) -> T:
        """Do as Retry does, and end in time."""
        in_time = _until(is_retryable)
        return super().call_with_retry(do, fail, in_time, with_failure_count)


class AsyncPatientRetry(AsyncRetry):
    def __init__(self) -> None:
        super().__init__(ConstantBackoff(_PAUSE_SECONDS), retries=-1)

    async def call_with_retry(
        self,
        do: Callable[[], Awaitable[T]],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,  # noqa: FBT001, FBT002 - redis-py's signature
    ) -> T:
        in_time = _until(is_retryable)
        return await super().call_with_retry(do, fail, in_time, with_failure_count)


def _until(is_retryable: Callable[[Exception], bool] | None) -> Callable[[Exception], bool]:
    end = time.monotonic() + PATIENCE_SECONDS

    def in_time(error: Exception) -> bool:
        if isinstance(error, AuthenticationError):
            return False
        return time.monotonic() < end and (is_retryable is None or is_retryable(error))

    return in_time
