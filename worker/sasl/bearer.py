"""The error that XOAUTH2 and OAUTHBEARER servers send as a challenge: a small JSON object."""

import json
from typing import Final

MAX_ERROR_OCTETS: Final = 4096
MAX_FIELD_CHARACTERS: Final = 200
_FIELDS: Final = ("status", "schemes", "scope")


def describe_error(challenge: bytes) -> str:
    """Return `status=… schemes=… scope=…` of what is there, "" where nothing can be read.

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
    return " ".join(
        f"{field}={value[:MAX_FIELD_CHARACTERS]}"
        for field in _FIELDS
        if isinstance(value := error.get(field), str)
    )
