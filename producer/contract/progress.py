"""How far a job is: what workers publish on `mailvouch:progress:<job id>` as each item ends."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` items have ended."""

    done: int
    total: int

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, message: object) -> Self | None:
        """Read a message; None where it is none: whoever may publish may publish anything."""
        try:
            heard = json.loads(message)  # type: ignore[arg-type]  # a TypeError as well is an answer
            return cls(int(heard["done"]), int(heard["total"]))
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            return None
