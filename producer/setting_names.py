"""The names of all settings of all programs, so that a misspelt one is reported, not ignored.

One environment and one `.env` serve all programs, and each reads its own settings: none of them can
tell by its own class which names are wrong. Tests hold the list against the classes.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

PREFIX: Final = "MAILVOUCH_"

SETTING_NAMES: Final = frozenset(
    {
        # all programs
        *("REDIS_URL", "NAMESPACE", "SHARDS", "DATA_DIR", "REQUEST_TTL_SECONDS", "PUBLIC_KEY"),
        "HELP_URL",
        # mailvouch-worker
        *("RESULT_TTL_SECONDS", "MAX_BATCH", "PROBE_DEADLINE_SECONDS", "CONNECT_TIMEOUT_SECONDS"),
        *("EHLO_NAME", "CA_FILE", "TLS_RESUMPTION"),
        *("ALLOW_NETWORKS", "ALLOW_PORTS", "ALLOW_CLEARTEXT"),
        *("PROCESSES", "CONCURRENCY", "SHUTDOWN_SECONDS", "HOST_CONCURRENCY"),
        *("LOGIN_FAILURE_LIMIT", "LOGIN_FAILURE_WINDOW_SECONDS"),
        *("PRIVATE_KEYS", "REQUIRE_SEALED", "STORE_KEYS", "VERIFY_INTEGRATIONS"),
        *("METRICS_HOST", "METRICS_PORT", "LOG_LEVEL", "LOG_FORMAT"),
        # mailvouch gateway
        *("GATEWAY_HOST", "GATEWAY_PORT", "GATEWAY_WAIT_SECONDS", "GATEWAY_MAX_BODY_BYTES"),
        *("GATEWAY_READ_SECONDS", "GATEWAY_REQUESTS_PER_MINUTE", "GATEWAY_TRUSTED_PROXIES"),
        *("GATEWAY_TLS_CERT", "GATEWAY_TLS_KEY", "GATEWAY_OPERATORS"),
        # single commands
        *("AUTH_KEY", "PASSWORD"),
    }
)

_ASSIGNMENT: Final = re.compile(rf"\s*(?:export\s+)?({PREFIX}\w+)\s*=", re.IGNORECASE)


def unknown_settings(
    environment: Mapping[str, str] = os.environ, file: Path = Path(".env")
) -> list[str]:
    """One line for each variable with our prefix that no program reads; never its value."""
    return [_told(name) for name in sorted({*_named(environment), *_named_in(file)})]


def _named(variables: Iterable[str]) -> Iterator[str]:
    for variable in variables:
        name = variable.upper()
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in SETTING_NAMES:
            yield name


def _named_in(file: Path) -> Iterator[str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):  # missing, or told of by those who read the values
        return
    yield from _named(found[1] for line in lines if (found := _ASSIGNMENT.match(line)))


def _told(name: str) -> str:
    near = get_close_matches(name.removeprefix(PREFIX), sorted(SETTING_NAMES), n=1)
    advice = f"; did you mean {PREFIX}{near[0]}?" if near else ", and none has a name like it"
    return f"{name} is no setting{advice}"
