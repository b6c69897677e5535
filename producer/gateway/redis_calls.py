"""The gateway's connections to Redis: how many there are, and what is said where a call fails.

At most MAX_CALLS + MAX_READERS connections are open here, whoever waits; of a cluster so many for
each slot that is used.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, cast

import redis
import redis.asyncio
import structlog

from producer.cancellation import heed_cancellation
from producer.redis_clients import close, close_async, connect, connect_async
from producer.redis_failures import FAILURES, Failure, RedisUnavailableError, unavailable
from producer.redis_url import RedisUrl

MAX_CALLS: Final = 8
MAX_READERS: Final = 2
QUEUE_SECONDS: Final = 10.0
"""How long a call waits for one of MAX_CALLS; one takes well under a millisecond."""

Command = tuple[str, str, *tuple[Any, ...]]
"""A command's name, its key ("" for none), its other arguments."""

T = TypeVar("T")
_log = structlog.get_logger("gateway")


class CommandFailedError(RedisUnavailableError):
    """Redis is there, but refuses a command, or holds what is none of ours under its key."""

    def __init__(self, text: str, command: str, key: str) -> None:
        super().__init__(text)
        self.command = command
        self.key = key


class RedisCalls:
    """Every method raises RedisUnavailableError where Redis cannot be used."""

    def __init__(
        self, url: RedisUrl, hash_slot: int = 0, *, queue_seconds: float = QUEUE_SECONDS
    ) -> None:
        """Take where Redis is; of a cluster it is the node that serves `hash_slot`."""
        self._url = url
        self._queue_seconds = queue_seconds
        self._client = connect_async(url, hash_slot=hash_slot)
        self._reader = connect(url, hash_slot=hash_slot)
        self._calls = asyncio.Semaphore(MAX_CALLS)
        self._reads = asyncio.Semaphore(MAX_READERS)

    async def close(self) -> None:
        close(self._reader)
        await close_async(self._client)

    async def ask(self, *command: Any) -> Any:
        """Send one command; return its reply."""
        try:
            return await self._in_turn(lambda: self._client.execute_command(*command))
        except FAILURES as error:
            raise self.failed(error, *command[:2]) from error

    async def ask_all(self, *commands: Command) -> list[Any]:
        """Send commands in one round trip, in this order; return their replies."""
        async with self._client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*filter(None, command[:2]), *command[2:])
            try:
                replies: list[Any] = await self._in_turn(lambda: pipe.execute(raise_on_error=False))
            except FAILURES as error:
                raise unavailable(self._url, error) from error
        for command, reply in zip(commands, replies, strict=True):
            if isinstance(reply, redis.RedisError):
                raise self.failed(reply, *command[:2]) from reply
        return replies

    async def run(self, script: str, names: list[str], words: list[Any]) -> Any:
        # Its text each time, not its hash: a Redis that has restarted knows no hash.
        try:
            return await self._in_turn(
                lambda: self._client.execute_command("EVAL", script, len(names), *names, *words)
            )
        except FAILURES as error:
            raise self.failed(error, "EVAL", names[0]) from error

    async def read(self, read: Callable[[redis.Redis], T]) -> T:
        """Run a function that reads blockingly, beside the event loop.

        A ValueError of it means that what is stored cannot be read.
        """
        reader = _Recorder(self._reader)
        async with self._reads:
            try:
                return await asyncio.to_thread(read, cast("redis.Redis", reader))
            except FAILURES as error:
                raise self.failed(error, *reader.last) from error
            except ValueError:
                raise unreadable(*reader.last) from None

    def pubsub(self) -> redis.asyncio.client.PubSub:
        """Return a subscription, on a connection of its own."""
        return self._client.pubsub()

    def failed(self, error: Failure, command: str, key: str) -> RedisUnavailableError:
        """Say what is wrong; where Redis refused the command, with the command and its key."""
        known = unavailable(self._url, error)
        if not isinstance(error, redis.ResponseError):
            return known
        return CommandFailedError(str(known), command, key)

    async def _in_turn(self, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            # A Redis that hangs must not hold up a queue of requests for longer and longer.
            async with asyncio.timeout(self._queue_seconds):
                await self._calls.acquire()
        except TimeoutError:
            raise RedisUnavailableError(f"Redis at {self._url.location} is too slow") from None
        try:
            return await heed_cancellation(call())
        finally:
            self._calls.release()


def unreadable(command: str, key: str) -> CommandFailedError:
    """Say that something foreign is stored."""
    return CommandFailedError("what is stored in Redis under this key is unreadable", command, key)


class RedisTroubles:
    """Tells the log once what hinders a task that nobody waits for, and that it is over."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._told = ""

    def tell(self, error: RedisUnavailableError) -> None:
        """Log an error, unless it is the one that was logged last."""
        if str(error) != self._told:
            self._told = str(error)
            log_unavailable(error, task=self._task)

    def over(self) -> None:
        """The task goes on."""
        if self._told:
            self._told = ""
            _log.info("redis_available", task=self._task)


def log_unavailable(error: RedisUnavailableError, **where: str) -> None:
    """Log what is wrong with Redis; of a command that failed its name and key."""
    asked = (
        {"command": error.command, "key": error.key}
        if isinstance(error, CommandFailedError)
        else {}
    )
    _log.warning("redis_unavailable", reason=str(error), **asked, **where)


class _Recorder:
    """A client that remembers the last command it was asked for, and its key."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self.last = ("", "")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._client, name)

        def recorded(*arguments: Any, **options: Any) -> Any:
            self.last = (name.upper(), str(arguments[0]) if arguments else "")
            return method(*arguments, **options)

        return recorded
