"""What operators do to the store without a worker: brands, catalogue, records.

Plain functions over a redis-py client. They raise OperatorError; redis-py's errors go through.
"""


class OperatorError(Exception):
    """A request that was not done. The text is one line for the operator."""


class BadInputError(OperatorError):
    """What was given cannot be used."""


class RefusedError(OperatorError):
    """What was asked for conflicts with what is stored."""


class NotKnownError(OperatorError):
    """There is no such brand or integration."""


def text_of(reply: bytes | str) -> str:
    """Read a reply: bytes, unless the client was made to decode."""
    return reply.decode() if isinstance(reply, bytes) else reply
