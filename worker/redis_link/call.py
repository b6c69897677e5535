"""One call to Redis, from being asked for until it is answered."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from redis.exceptions import NoScriptError, ResponseError

from worker.redis_link.pipe import Word, pack
from worker.redis_link.replies import is_outage

CUTS_BY_CHANCE: Final = 2
"""So often a connection may end over a call that has nothing to do with it."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script by name. It must be one that may be run twice with the same arguments."""

    name: str
    source: str = field(repr=False)
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)

    def command(self, keys: Sequence[str], args: Sequence[Word], *, whole: bool = False) -> bytes:
        """The command that runs it: by its sha, or `whole` where Redis does not know it yet."""
        head = ("EVAL", self.source) if whole else ("EVALSHA", self.sha)
        return pack(*head, len(keys), *keys, *args)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a call is about, for the operator: the command or script, and its keys."""

    name: str
    keys: tuple[str, ...]

    @property
    def key_patterns(self) -> tuple[str, ...]:
        """Its keys with `*` in place of what differs from job to job, as an ACL would have them."""
        return tuple(dict.fromkeys(map(key_pattern, self.keys)))


def subject_of(command: Sequence[Word]) -> Subject:
    """Say what a command is about, with the key that comes first."""
    return Subject(str(command[0]), tuple(map(str, command[1:2])))


def key_pattern(key: str) -> str:
    """`mailvouch:request:<job id>` as `mailvouch:request:*`, an ack set likewise."""
    namespace, _, name = key.partition(":")
    kind, colon, _ = name.partition(":")
    if colon:
        return f"{namespace}:{kind}:*"
    head, acks, _ = name.partition("__acks__.")
    return f"{namespace}:{head}{acks}*" if acks else key


class Call:
    """`whole` makes the command with a script's text: wanted once in the life of a Redis."""

    __slots__ = ("command", "cuts", "future", "refusals", "retried", "subject", "whole")

    def __init__(
        self,
        command: bytes,
        subject: Subject,
        future: asyncio.Future[Any],
        *,
        retried: bool,
        whole: Callable[[], bytes] | None = None,
    ) -> None:
        self.command = command
        self.subject = subject
        self.future = future
        self.retried = retried
        self.whole = whole
        self.refusals = 0
        self.cuts = 0

    @property
    def is_suspect(self) -> bool:
        """Tell whether it may be what ends each connection: larger, say, than a server takes."""
        return self.cuts >= CUTS_BY_CHANCE

    def fail(self, error: Exception) -> None:
        """Tell the caller, if it still waits."""
        if not self.future.done():
            self.future.set_exception(error)

    def settle(self, reply: Any) -> bool:
        """Hand the reply over; True where the call has to be made again."""
        if self.future.done() or is_outage(reply):
            return not self.future.done()
        if isinstance(reply, NoScriptError) and self.whole is not None:
            self.command = self.whole()
            return True
        if isinstance(reply, ResponseError):
            self.future.set_exception(reply)
        else:
            self.future.set_result(reply)
        return False
