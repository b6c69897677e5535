"""Saves results in Redis; none is dropped where Redis is away or the process has to end.

A save waits as long as it takes for Redis to come back. A process that has to end before puts what
it could not save on the disk (`Spool`), and whoever starts there next saves it, before it fetches a
message: else the jobs would run again, and log in once more.
"""

import asyncio
import base64
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis.exceptions import RedisError

from worker.queue import lua
from worker.queue.long_calls import long_call
from worker.queue.slots import waiting_as_a_whole
from worker.redis_link.link import Link, Script
from worker.redis_link.pipe import Word

FINISH: Final = Script("finish", lua.source("finish"))
SUFFIX: Final = ".results"
MOST_LATE_SAVES: Final = 50
"""While so many results wait for Redis, no more jobs of this shard begin: theirs would wait too."""

_log = logging.getLogger("worker.queue")


@dataclass(frozen=True, slots=True)
class Save:
    """One call of finish.lua: what is saved, and what is acknowledged with it."""

    keys: Sequence[str]
    args: Sequence[Word]


class Spool:
    """Files of saves in one directory, one for each process that could not make them.

    What is in them is what Redis would hold: no password, but names and what servers said. Only
    the worker's own user may read them. `max_age_seconds`: so long a job waits for its result.
    """

    def __init__(self, directory: Path, max_age_seconds: float) -> None:
        self._directory = directory
        self._max_age_seconds = max_age_seconds

    def put(self, name: str, saves: Sequence[Save]) -> None:
        """Write one file, whole or not at all. Raises OSError."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / f"{name}{SUFFIX}"
        part = path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(json.dumps([_dump(save) for save in saves]).encode())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def files(self) -> Iterator[tuple[Path, list[Save]]]:
        """What is there; a file that cannot be read is left where it is, and passed over."""
        for path in sorted(self._directory.glob(f"*{SUFFIX}")):
            try:
                if time.time() - path.stat().st_mtime > self._max_age_seconds:
                    path.unlink()
                    continue
                yield path, [_load(one) for one in json.loads(path.read_bytes())]
            except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
                _log.error("spool_unreadable", extra={"reason": type(error).__name__})


class Results:
    """Saves results; one per process."""

    def __init__(self, link: Link, name: str, spool: Spool | None) -> None:
        self._link = link
        self._name = name
        self._spool = spool
        self._unsaved: dict[str, Save] = {}
        self._late = 0
        self.few_are_late = asyncio.Event()
        self.few_are_late.set()

    @property
    def unsaved(self) -> Mapping[str, Save]:
        """By job id: what was found and is not in Redis yet."""
        return self._unsaved

    async def save(self, job_id: str, save: Save) -> bool:
        """Wait until it is done, however long; False where another result was first.

        Whoever is cancelled meanwhile leaves the result among those that are unsaved.
        """
        self._unsaved[job_id] = save
        try:
            with long_call(self._late_save(waiting_as_a_whole())):
                first = await self._link.call(FINISH, save.keys, save.args)
        except Exception:
            self._unsaved.pop(job_id, None)
            raise
        self._unsaved.pop(job_id, None)
        return bool(first)

    @contextmanager
    def _late_save(self, job_waits: AbstractContextManager[None]) -> Iterator[None]:
        """Around the rest of a save that takes long: the job gives its slot away."""
        self._count_late(1)
        try:
            with job_waits:
                yield
        finally:
            self._count_late(-1)

    def _count_late(self, change: int) -> None:
        self._late += change
        if self._late < MOST_LATE_SAVES:
            self.few_are_late.set()
        else:
            self.few_are_late.clear()

    async def save_unsaved(self) -> None:
        """Try once more to save what tasks that were broken off have left.

        What others are about to save just now as well: twice does no harm, and either may be first.
        """
        left = tuple(self._unsaved.items())
        await asyncio.gather(*(self.save(job_id, save) for job_id, save in left))

    def spool(self) -> None:
        """The process ends: put what is unsaved on the disk."""
        if self._spool is None or not self._unsaved:
            return
        try:
            self._spool.put(self._name, tuple(self._unsaved.values()))
        except OSError as error:  # those jobs run again
            _log.error("results_not_spooled", extra={"reason": error.strerror or "OSError"})
        else:
            _log.warning("results_spooled", extra={"count": len(self._unsaved)})

    async def recover(self) -> None:
        """Save what earlier processes have left. Twice does no harm: the first result wins."""
        for path, saves in self._spool.files() if self._spool else ():
            calls = (self._link.call(FINISH, save.keys, save.args) for save in saves)
            try:
                await asyncio.gather(*calls)
            except (RedisError, ValueError, TypeError) as error:  # the latter two: see `pack`
                _log.error("spool_not_saved", extra={"reason": type(error).__name__})
                continue
            with suppress(OSError):
                path.unlink(missing_ok=True)
            _log.warning("results_recovered", extra={"count": len(saves)})


def _dump(save: Save) -> dict[str, Any]:
    return {"keys": list(save.keys), "args": [_dump_word(word) for word in save.args]}


def _load(fields: dict[str, Any]) -> Save:
    return Save(tuple(map(str, fields["keys"])), tuple(_load_word(one) for one in fields["args"]))


def _dump_word(word: Word) -> Any:
    return {"octets": base64.b64encode(word).decode()} if isinstance(word, bytes) else word


def _load_word(value: Any) -> Word:
    if isinstance(value, dict):
        return base64.b64decode(value["octets"], validate=True)
    if not isinstance(value, str | int | float):
        raise TypeError("no word of a command")
    return value
