"""Which service it is that greets with a line that is none of ours. Judged on the first line."""

import re
from typing import Final

_SERVICES: Final = (
    ("http", re.compile(rb"HTTP/", re.IGNORECASE)),
    ("ssh", re.compile(rb"SSH-")),
    ("imap", re.compile(rb"\* (?:OK|BYE|PREAUTH)\b", re.IGNORECASE)),
    ("pop3", re.compile(rb"\+OK\b")),
    ("redis", re.compile(rb"-ERR\b")),
    ("smtp", re.compile(rb"(?:220|421|554)(?:[ -]|\Z)")),
)


def name_service(line: bytes) -> str | None:
    """Return `http`, `ssh`, `imap`, `pop3`, `redis`, `smtp`, or None for an unknown one."""
    return next((name for name, pattern in _SERVICES if pattern.match(line)), None)
