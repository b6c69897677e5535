"""What XOAUTH2 and OAUTHBEARER share: the token goes first, a challenge after it is the error."""

import json
from typing import Final

from worker.probing.sasl.mechanism import WithoutDerivation, exchange_fault

MAX_ERROR_OCTETS: Final = 4096
MAX_FIELD_CHARACTERS: Final = 200
_FIELDS: Final = ("status", "schemes", "scope")


class Bearer(WithoutDerivation):
    """One message; the server's error is answered with `dummy`, and its refusal follows."""

    used_secret = True

    def __init__(self, name: str, response: bytes, dummy: bytes) -> None:
        self.name = name
        self.complete = False
        self._response = response
        self._dummy = dummy
        self._failed = False

    def start(self) -> bytes:
        self.complete = True
        return self._response

    def next(self, challenge: bytes) -> bytes:
        if self._failed:
            raise exchange_fault(f"a second error in {self.name}")
        self._failed = True
        self.complete = False
        self.error = describe_error(challenge)
        return self._dummy


def describe_error(challenge: bytes) -> str:
    """Return `bearer status=… schemes=… scope=…` of what is there, "" where nothing can be read.

    The first word tells what follows from a server's own text: a status of 401 speaks of the token.
    The size is checked before decoding. `openid-configuration` (RFC 7628, section 3.2.2) is a URL
    of the server's choice: never read, so that nobody can be tempted to fetch it.
    """
    if len(challenge) > MAX_ERROR_OCTETS:
        return ""
    try:
        error = json.loads(challenge)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(error, dict):
        return ""
    text = " ".join(
        f"{field}={value[:MAX_FIELD_CHARACTERS]}"
        for field in _FIELDS
        if isinstance(value := error.get(field), str)
    )
    if not text:
        return ""
    return f"bearer {text}".encode("utf-8", "replace").decode("utf-8")  # JSON: half characters
