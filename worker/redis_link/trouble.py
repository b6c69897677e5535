"""Tells the operator of outages and refusals: when one begins and when it is over, each once."""

import logging
from typing import Final

from redis.exceptions import RedisError, ResponseError

from worker.redis_link.call import Subject
from worker.redis_link.pipe import Cut, Outage
from worker.redis_link.replies import NO_PERMISSION, code_of

_REASON_CHARACTERS: Final = 200
_LASTING: Final = 10
"""Failures in a row: after some six seconds, where each comes at once."""

_CUT: Final = "CUT"
_QUOTED: Final = ", with args beginning with"
"""After it Redis quotes what came with a command that it does not know."""

_log = logging.getLogger("worker.queue")


class Trouble:
    """Of one link. `failures`: how often in a row Redis did not serve us at all."""

    def __init__(self) -> None:
        self.failures = 0
        self._reason = ""
        self._refused: dict[tuple[str, ...], set[tuple[str, ...]]] = {}

    def outage(self, outage: Outage) -> None:
        """Count an exchange that failed, or that was with the wrong server. Logged when it begins.

        And once more where it lasts for another reason: a connection was lost, and then a
        certificate has expired.
        """
        self.failures += 1
        reason = str(outage)[:_REASON_CHARACTERS]
        if self.failures == 1 or (self.failures == _LASTING and reason != self._reason):
            self._reason = reason
            _log.warning("redis_away", extra={"reason": reason})

    def over(self) -> None:
        """End an outage: an exchange served us."""
        if self.failures:
            self.failures = 0
            _log.warning("redis_back")

    def refused(self, subject: Subject, error: ResponseError) -> None:
        """Log that a call is refused for now, once for each command and its keys."""
        self._refuse(_kind(subject, code_of(error)), subject, error)

    def cut(self, subject: Subject, cut: Cut) -> None:
        """Log that a call, sent alone, ends each connection over which it goes."""
        self._refuse((_CUT, *_about(subject)), subject, cut)

    def rejected(self, subject: Subject, error: ResponseError) -> None:
        """Log that a call is refused for good, as for a key of another type; its caller knows."""
        _log_call("redis_rejects", subject, error)

    def accepted(self, subject: Subject) -> None:
        """End the refusals that a call like this one has met: it was served."""
        about = _about(subject)
        for kind in [kind for kind, refused in self._refused.items() if about in refused]:
            del self._refused[kind]
            _log.warning("redis_accepts", extra={"command": subject.name})

    def granted(self, subject: Subject) -> None:
        """End a refused permission of a call that nobody waits for; it tells nothing of others."""
        kind = (NO_PERMISSION, *_about(subject)) if self._refused else ()
        if kind in self._refused:
            del self._refused[kind]
            _log.warning("redis_accepts", extra={"command": subject.name})

    def _refuse(self, kind: tuple[str, ...], subject: Subject, error: Exception) -> None:
        if kind not in self._refused:
            self._refused[kind] = set()
            _log_call("redis_refuses", subject, error)
        self._refused[kind].add(_about(subject))


def log_failure(log: logging.Logger, event: str, error: Exception) -> None:
    """Log an error after which work goes on: by name if of Redis, with traceback if a bug."""
    unexpected = not isinstance(error, RedisError)
    log.error(event, extra={"reason": type(error).__name__}, exc_info=unexpected)


def _log_call(event: str, subject: Subject, error: Exception) -> None:
    reason = str(error).partition(_QUOTED)[0][:_REASON_CHARACTERS]
    keys = " ".join(subject.key_patterns)
    _log.error(event, extra={"command": subject.name, "keys": keys, "reason": reason})


def _kind(subject: Subject, code: str) -> tuple[str, ...]:
    """Tell refusals apart: of permissions each call has its own, a full server has one for all."""
    return (code, *_about(subject)) if code == NO_PERMISSION else (code,)


def _about(subject: Subject) -> tuple[str, ...]:
    return (subject.name, *subject.key_patterns)
