"""Calls of the limits' scripts, past keys that somebody else has written over."""

import logging
from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import ResponseError

from worker.limits.lua import CLEAR
from worker.limits.script_words import LimitKeys
from worker.redis_link.call import key_pattern
from worker.redis_link.link import Link, Script
from worker.redis_link.replies import code_of

_WRONG_TYPE: Final = "WRONGTYPE"

_log = logging.getLogger("worker.limits")


class Calls:
    """Calls scripts over a link. What the limits keep is worth less than the jobs it would end."""

    def __init__(self, link: Link, keys: LimitKeys) -> None:
        self._link = link
        self._keys = keys

    async def __call__(
        self, script: Script, keys: Sequence[str], words: Sequence[str | int]
    ) -> Any:
        """Run a script; where a key is of another type, delete it and run the script again."""
        try:
            return await self._link.call(script, keys, words)
        except ResponseError as error:
            if code_of(error) != _WRONG_TYPE:
                raise
        for key in await self._link.call(CLEAR, keys, self._keys.types(keys)):
            _log.error("limits_key_deleted", extra={"keys": key_pattern(key.decode())})
        return await self._link.call(script, keys, words)
