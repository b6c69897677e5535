"""Tells the operator of outages and refusals: when one begins and when it is over, each once."""

import logging
from typing import Final

from redis.exceptions import ResponseError

from worker.redis_link.call import Call
from worker.redis_link.pipe import Outage
from worker.redis_link.replies import NO_PERMISSION, code_of

_REASON_CHARACTERS: Final = 200

_log = logging.getLogger("worker.queue")


class Trouble:
    """Of one link. `failures`: how often in a row Redis did not serve us at all."""

    def __init__(self) -> None:
        self.failures = 0
        self._refused: set[tuple[str, ...]] = set()

    def outage(self, outage: Outage) -> None:
        """No exchange, or the wrong server."""
        self.failures += 1
        if self.failures == 1:
            _log.warning("redis_away", extra={"reason": str(outage)[:_REASON_CHARACTERS]})

    def over(self) -> None:
        """An exchange that served us."""
        if self.failures:
            self.failures = 0
            _log.warning("redis_back")

    def refused(self, call: Call, error: ResponseError) -> None:
        """One call, for now. What is missing is a matter of the command and its keys."""
        kind = _kind(call, code_of(error))
        if kind in self._refused:
            return
        self._refused.add(kind)
        _log.error(
            "redis_refuses",
            extra={
                "command": call.subject.name,
                "keys": " ".join(call.subject.key_patterns),
                "reason": str(error)[:_REASON_CHARACTERS],
            },
        )

    def served(self, call: Call) -> None:
        """A call has its answer; one that was refused before tells that this is over."""
        if not call.refusals:
            return
        for kind in [kind for kind in self._refused if kind[1:] in ((), _about(call))]:
            self._refused.discard(kind)
            _log.warning("redis_accepts", extra={"command": call.subject.name})


def _kind(call: Call, code: str) -> tuple[str, ...]:
    """A full server refuses whatever writes: said once. A permission is one call's."""
    return (code, *_about(call)) if code == NO_PERMISSION else (code,)


def _about(call: Call) -> tuple[str, ...]:
    return (call.subject.name, *call.subject.key_patterns)
