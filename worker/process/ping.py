"""How the embedded server reacts to a PING: it answers, cuts the connection, or says nothing."""

from enum import Enum, auto

import redis


class Reaction(Enum):
    """What came of a PING."""

    ANSWERED = auto()
    CUT = auto()
    SILENT = auto()


def ping(client: redis.Redis) -> Reaction:
    """Ask once. A refusal is an answer, and a server that loads is silent for now."""
    try:
        client.ping()
    except redis.ResponseError:  # the disk is full, say
        return Reaction.ANSWERED
    except (redis.BusyLoadingError, redis.TimeoutError):
        return Reaction.SILENT
    except redis.ConnectionError:
        return Reaction.CUT
    return Reaction.ANSWERED
