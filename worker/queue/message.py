"""Reads queue messages: those that can be run, and poison.

One rule: what docs/CONTRACT.md section 2 writes and what Dramatiq's own `send` writes is run;
anything else is poison and goes to the dead letters at once. Stock Dramatiq throws in the consumer
thread instead, strands the good messages of the same fetch, or runs a message again and again.

 - `message_id` and `message_timestamp` may be missing, as in Dramatiq; the id under which the list
   holds a message counts, not the one that its options name.
 - `queue_name` may be the delayed queue's: a delayed message keeps its text when it is due.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from producer.contract.flaws import MESSAGE_FIELDS, REASONS, REQUIRED_FIELDS, Flaw, reason_of
from producer.contract.names import is_job_id
from worker.queue.layout import delayed

MAX_MESSAGE_BYTES: Final = 64 * 1024
"""A message carries a job id; ours have some 250 bytes."""

UNREADABLE: Final = "unreadable"
"""The option of a message that stands for one that could not be read: its job has to end."""

EARLIEST_MS: Final = 1_400_000_000_000
LATEST_MS: Final = 10_000_000_000_000
"""2014 and 2286: between them seconds, microseconds and nanoseconds of today are not."""

_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "queue_name": str,
    "actor_name": str,
    "args": list,
    "kwargs": dict,
    "options": dict,
    "message_id": str,
    "message_timestamp": (int, float),
}


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that cannot be run. `job_id` where one could still be read.

    `where` is the field at fault, where it is one that the contract has.
    """

    queue: str
    redis_message_id: bytes
    flaw: Flaw
    size: int
    job_id: str | None = None
    where: str = ""

    @property
    def reason(self) -> str:
        """Say what is wrong, and where: one of REASONS."""
        return reason_of(self.flaw, self.where)


@dataclass(slots=True)
class Delivery:
    """A message that can be run, while this process has it.

    `unreadable` is set where it stands for a message that could not be read: the reason of it.
    `settled` once it is acknowledged or somebody else's: nothing more to do for it.
    `first_attempt` once its job was started, and had not been before.
    """

    queue: str
    redis_message_id: bytes
    job_id: str
    actor: str
    timestamp_ms: float | None = None
    unreadable: str = ""
    settled: bool = field(default=False, compare=False)
    first_attempt: bool = field(default=False, compare=False)

    def unfinished(self) -> Poison:
        """Itself as a dead letter: it could be read, but its job could not be ended."""
        return Poison(self.queue, self.redis_message_id, Flaw.UNFINISHED, 0, self.job_id)


def read_message(
    queue: str, redis_message_id: bytes, body: bytes | int, actors: Mapping[str, str]
) -> Delivery | Poison:
    """Read one message of `queue`; `actors` is actor name to queue name.

    `body` is a number where only the size is known: the message was too large to be fetched.
    """
    if isinstance(body, int):
        return Poison(queue, redis_message_id, Flaw.TOO_LARGE, body)
    try:
        return _read(queue, redis_message_id, body, actors)
    except Exception:  # noqa: BLE001 - one message that ends the loop would end every worker's
        return Poison(queue, redis_message_id, Flaw.UNFORESEEN, len(body))


def _read(
    queue: str, redis_message_id: bytes, body: bytes, actors: Mapping[str, str]
) -> Delivery | Poison:
    fields: Any = None
    flaw: _Found | None = (Flaw.TOO_LARGE, "")
    if len(body) <= MAX_MESSAGE_BYTES:
        try:
            # Integers of any length, too: as an int more than 4,300 digits are a ValueError.
            fields = json.loads(body, parse_constant=_refuse_constant, parse_int=float)
            flaw = _flaw(queue, fields, actors)
        except (ValueError, RecursionError):
            flaw = (Flaw.NO_JSON, "")
    if flaw is not None:
        return Poison(queue, redis_message_id, flaw[0], len(body), _job_id_of(fields), flaw[1])
    return Delivery(
        queue=queue,
        redis_message_id=redis_message_id,
        job_id=fields["args"][0],
        actor=fields["actor_name"],
        timestamp_ms=plausible_ms(fields.get("message_timestamp")),
        unreadable=_reason_in(fields["options"]),
    )


def _reason_in(options: Mapping[str, Any]) -> str:
    """What `write_message` wrote; anybody may write a message, so nothing else is passed on."""
    given = options.get(UNREADABLE)
    if isinstance(given, str) and given in REASONS:
        return given
    return Flaw.UNFORESEEN.value if given is True else ""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def plausible_ms(timestamp: object) -> float | None:
    """The timestamp, where it can be unix milliseconds of a job; None where it is something else.

    JSON may say 1e999 (infinity), a number of 4,000 digits (too large for a float), seconds or
    microseconds: as a time in the queue they are decades.
    """
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        return None
    return timestamp if EARLIEST_MS <= timestamp <= LATEST_MS else None


_Found = tuple[Flaw, str]
"""What is wrong, and the field at fault where it is one of ours."""


def _flaw(queue: str, fields: Any, actors: Mapping[str, str]) -> _Found | None:
    if not isinstance(fields, dict):
        return Flaw.NO_OBJECT, ""
    return _flaw_of_shape(fields) or _flaw_of_address(queue, fields, actors)


def _flaw_of_shape(fields: dict[str, Any]) -> _Found | None:
    if fields.keys() - MESSAGE_FIELDS:
        return Flaw.FIELD_UNKNOWN, ""
    if missing := REQUIRED_FIELDS - fields.keys():
        return Flaw.FIELD_MISSING, min(missing)
    for name, value in fields.items():
        if not isinstance(value, _TYPES[name]) or isinstance(value, bool):
            return Flaw.FIELD_TYPE, name
    return None


def _flaw_of_address(
    queue: str, fields: dict[str, Any], actors: Mapping[str, str]
) -> _Found | None:
    if not isinstance(fields["options"].get("redis_message_id"), str):
        return Flaw.NO_MESSAGE_ID, "options"
    if fields["queue_name"] not in (queue, delayed(queue)):
        return Flaw.WRONG_QUEUE, "queue_name"
    if actors.get(fields["actor_name"]) != queue:
        return Flaw.WRONG_ACTOR, "actor_name"
    if fields["kwargs"]:
        return Flaw.WRONG_ARGUMENTS, "kwargs"
    if len(fields["args"]) != 1 or not is_job_id(fields["args"][0]):
        return Flaw.WRONG_ARGUMENTS, "args"
    return None


def _job_id_of(fields: Any) -> str | None:
    """The job that a flawed message was meant for, so that it can end with a result."""
    if not isinstance(fields, dict):
        return None
    args, kwargs = fields.get("args"), fields.get("kwargs")
    candidates: list[Any] = [
        args[0] if isinstance(args, list) and args else args,
        kwargs.get("job_id") if isinstance(kwargs, dict) else None,
        fields.get("message_id"),
    ]
    return next((str(value) for value in candidates if is_job_id(value)), None)


def describe(poison: Poison) -> bytes:
    """What the dead letters keep of a poison message: a Dramatiq message, and nothing foreign.

    A message that is not ours may hold anything, a password included; its job id is enough to run
    the job again.
    """
    return _dump(
        {
            "queue_name": poison.queue,
            "actor_name": "",
            "args": [poison.job_id] if poison.job_id else [],
            "kwargs": {},
            "options": {
                "redis_message_id": poison.redis_message_id.decode("ascii", "backslashreplace")[
                    :64
                ],
                "flaw": poison.reason,
                "bytes": poison.size,
            },
            "message_id": poison.job_id or "",
            "message_timestamp": 0,
        }
    )


def write_message(
    queue: str, actor: str, job_id: str, redis_message_id: str, *, unreadable: str = ""
) -> bytes:
    """A message as the contract has it."""
    options: dict[str, Any] = {"redis_message_id": redis_message_id}
    if unreadable:
        options[UNREADABLE] = unreadable
    return _dump(
        {
            "queue_name": queue,
            "actor_name": actor,
            "args": [job_id],
            "kwargs": {},
            "options": options,
            "message_id": job_id,
        }
    )


def _dump(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
