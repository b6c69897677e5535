"""What Redis' error replies mean for whoever made the call: again, elsewhere, or never.

The first word of an error reply is its code (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors).
"""

import re
from typing import Final

from redis.exceptions import NoPermissionError, NoScriptError, ResponseError

NO_PERMISSION: Final = "NOPERM"

_WRONG_SERVER: Final = frozenset(
    {
        "CLUSTERDOWN",  # the node is cut off from the others, which may have another in its place
        "READONLY",  # a failover: this is a replica now
        "MASTERDOWN",
        "UNBLOCKED",  # a blocking call, at the moment of a failover
        "LOADING",
        "MOVED",  # another node of the cluster serves the slot
        "NOAUTH",  # the users were loaded anew: a new connection says its password again
    }
)
"""The connection leads to a server that cannot serve us: the name has to be asked anew."""

_NOT_NOW: Final = frozenset(
    {
        "ASK",  # the slot is on its way to another node: there it waits as well, see `TRYAGAIN`
        "BUSY",  # a script runs away
        "MISCONF",  # the disk is full
        NO_PERMISSION,  # an operator can mend it while we run
        "NOREPLICAS",
        "OOM",
        "TRYAGAIN",  # of the keys some have gone with the slot, and some have not
    }
)
"""This call is refused for now; others may well be served."""

_NO_CONNECTION: Final = "ERR max number of clients reached"

# Redis since 7, Valkey: one command of a script, in words and without the code.
_NO_PERMISSION_IN_SCRIPT: Final = "ERR ACL failure in script"

# Likewise of a slot that has begun to leave while the script ran.
_SLOT_LEAVES: Final = "ttempted to access a non local key in a cluster node"

# Redis before 7 wraps what a command in a script was told.
_IN_SCRIPT: Final = re.compile(r"(?:ERR )?Error running script.*?: -?([A-Z]+) ")

_CLASSES: Final = {"NOSCRIPT": NoScriptError, NO_PERMISSION: NoPermissionError}


def error_of(text: str) -> ResponseError:
    """The exception for an error reply, its code included."""
    return _CLASSES.get(text.partition(" ")[0], ResponseError)(text)


def code_of(error: ResponseError) -> str:
    """The code of an error reply, of the command in a script where one failed there."""
    text = str(error)
    if text.startswith(_NO_PERMISSION_IN_SCRIPT):
        return NO_PERMISSION
    if _SLOT_LEAVES in text:
        return "ASK"
    wrapped = _IN_SCRIPT.match(text)
    return wrapped[1] if wrapped else text.partition(" ")[0]


def is_wrong_server(reply: object) -> bool:
    """Tell whether the connection has to be closed: another server may take the calls."""
    return isinstance(reply, ResponseError) and (
        code_of(reply) in _WRONG_SERVER or str(reply).startswith(_NO_CONNECTION)
    )


def is_refused_for_now(reply: object) -> bool:
    """Tell whether this call may be made again later over the same connection."""
    return isinstance(reply, ResponseError) and code_of(reply) in _NOT_NOW


def is_outage(reply: object) -> bool:
    """Tell whether an error reply means "not now" rather than "not so"."""
    return is_wrong_server(reply) or is_refused_for_now(reply)
