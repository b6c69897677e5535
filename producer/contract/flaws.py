"""Why a queue message cannot be run: the closed set that dead letters are labelled with."""

from enum import StrEnum
from typing import Final

REQUIRED_FIELDS: Final = frozenset({"queue_name", "actor_name", "args", "kwargs", "options"})
MESSAGE_FIELDS: Final = REQUIRED_FIELDS | {"message_id", "message_timestamp"}
"""What a message may hold (docs/CONTRACT.md section 2)."""


class Flaw(StrEnum):
    """Why a message cannot be run."""

    TOO_LARGE = "larger than any message of ours"
    NO_JSON = "not valid JSON"
    NO_OBJECT = "not a JSON object"
    FIELD_MISSING = "a required field is missing"
    FIELD_UNKNOWN = "a field that no message has"
    FIELD_TYPE = "a field of the wrong type"
    NO_MESSAGE_ID = "no redis_message_id in the options"
    WRONG_QUEUE = "addressed to another queue"
    WRONG_ACTOR = "addressed to an actor that this queue does not have"
    WRONG_ARGUMENTS = "the arguments are not one job id"
    UNFORESEEN = "could not be read"
    UNFINISHED = "its job could not be brought to an end"


def reason_of(flaw: Flaw, where: str = "") -> str:
    """Say what is wrong, and in which field of a message."""
    return f"{flaw}: {where}" if where else flaw.value


REASONS: Final = frozenset(
    reason_of(flaw, where) for flaw in Flaw for where in ("", *MESSAGE_FIELDS)
)
"""All that is ever said of a message that cannot be run: nothing foreign is quoted."""
