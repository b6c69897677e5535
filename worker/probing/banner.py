"""Names the service behind a greeting that is not of the probed protocol, by its first line."""

from typing import Final

from worker.probing.patterns import octet_pattern

_SERVICES: Final = (
    ("http", octet_pattern(rb"HTTP/", ignore_case=True)),
    ("ssh", octet_pattern(rb"SSH-")),
    ("imap", octet_pattern(rb"\* (?:OK|BYE|PREAUTH)\b", ignore_case=True)),
    ("pop3", octet_pattern(rb"\+OK\b")),
    ("redis", octet_pattern(rb"-ERR\b")),
    ("smtp", octet_pattern(rb"(?:220|421|554)(?:[ -]|\z)")),
)


def name_service(line: bytes) -> str | None:
    """Return `http`, `ssh`, `imap`, `pop3`, `redis`, `smtp`, or None for an unknown one."""
    return next((name for name, pattern in _SERVICES if pattern.match(line)), None)
