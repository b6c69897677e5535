"""What an operator can set for the worker, beside what `producer.settings` has for all programs.

A bad setting stops the start with one line that names the variable and the reason, never a value
that may be secret (docs/CONTRACT.md section 8).
"""

import re
from typing import Annotated, Any, Final, Literal, NoReturn

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from producer.contract.names import LARGEST_MAX_BATCH, MAX_BATCH
from producer.printable import echo, plain
from producer.settings import (
    MAX_LIFETIME_SECONDS,
    PREFIX,
    File,
    Files,
    Networks,
    ServiceSettings,
    SettingsError,
    in_case,
    variable_of,
    words,
)

DEFAULT_PORTS: Final = "25,465,587,2525,143,993"

_PORT_RANGE: Final = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?\Z")


def _read_ports(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    ports = tuple(_port_range(word) for word in words(value))
    if not ports:
        raise ValueError("names no port")
    return ports


def _port_range(word: str) -> range:
    if not _PORT_RANGE.match(word):
        raise ValueError(f"{word!r} is no port and no range of ports")
    first, _, last = word.partition("-")
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= 65535:
        raise ValueError(f"{word!r} is no range from 1 to 65535")
    return range(low, high + 1)


Ports = Annotated[tuple[range, ...], NoDecode, BeforeValidator(_read_ports)]
Verification = Annotated[Literal["enforce", "warn", "off"], in_case(str.lower)]


class Settings(ServiceSettings):
    """Everything that an operator can set. Frozen: read once, by the composition root."""

    max_batch: int = Field(
        default=MAX_BATCH,
        ge=1,
        le=LARGEST_MAX_BATCH,
        description="Items that one request may have.",
    )

    probe_deadline_seconds: float = Field(
        default=45.0,
        gt=0,
        le=600,
        description="Time for a whole item, DNS and TLS included. Real servers delay the answer to"
        " a wrong password by up to 15 s.",
    )
    connect_timeout_seconds: float = Field(
        default=8.0, gt=0, le=600, description="Time for connecting to one address of a server."
    )
    ehlo_name: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.:\[\]-]{0,255}$",
        description="Name that we give in EHLO. Blank: the machine's name if it is a full one.",
    )
    ca_file: File | None = Field(
        default=None, description="PEM file of certificates to trust beside the system's."
    )
    allow_networks: Networks = Field(
        default=(), description="Networks that may be dialled although they are not public (CIDR)."
    )
    allow_ports: Ports = Field(
        default=DEFAULT_PORTS,  # read as the variable would be
        validate_default=True,
        description="Ports that may be dialled: ports and ranges such as `2000-2100`.",
    )
    allow_cleartext: bool = Field(
        default=True, description="Whether a request may ask for a login without TLS."
    )

    tls_resumption: bool = Field(
        default=True,
        description="Whether the TLS session of a login is resumed by later ones, up to 5 minutes,"
        " with the same server. False: every probe verifies the certificate anew.",
    )

    processes: int = Field(
        default=1, ge=1, le=256, description="Worker processes; one uses one core."
    )
    concurrency: int = Field(
        default=1000, ge=1, le=20_000, description="Jobs in flight in each process."
    )
    shutdown_seconds: float = Field(
        default=30.0,
        ge=0,
        le=3600,
        description="After SIGTERM: time for running jobs to end before they are given back.",
    )
    host_concurrency: int = Field(
        default=50,
        ge=0,
        description="Connections to one mail host, and to one address, over all workers;"
        " 0 = no limit.",
    )
    login_failure_limit: int = Field(
        default=5,
        ge=0,
        description="Refused logins of one host and user, in `LOGIN_FAILURE_WINDOW_SECONDS`, after"
        " which the answer is `LOGIN_COOLDOWN`; 0 = no limit.",
    )
    login_failure_window_seconds: int = Field(
        default=900,
        ge=1,
        le=MAX_LIFETIME_SECONDS,
        description="How long a refused login is remembered.",
    )

    private_keys: Files = Field(
        default=(), description="JWK files that open sealed requests; two while keys are rotated."
    )
    require_sealed: bool = Field(
        default=False, description="Refuse requests that are not sealed; needs `PRIVATE_KEYS`."
    )
    store_keys: Files = Field(
        default=(),
        description="JWK files for stored passwords: the first seals, all open. Unset: one is made"
        " under `DATA_DIR`. Every worker needs the same.",
    )
    verify_integrations: Verification = Field(
        default="enforce",
        description="What a failed probe does to an integration's update: nothing is saved; it is"
        " saved with a warning; no probe.",
    )

    metrics_host: str = Field(
        default="127.0.0.1", description="Address of `/metrics`, `/healthz`, `/readyz`."
    )
    metrics_port: int = Field(
        default=9191, ge=0, le=65535, description="Port of the same; 0 = any free one."
    )

    @field_validator("require_sealed")
    @classmethod
    def _sealed_needs_a_key(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's call
        if value and info.data.get("private_keys") == ():
            raise ValueError(f"needs {PREFIX}PRIVATE_KEYS: without one nothing can be opened")
        return value


def load_settings() -> Settings:
    """Read the environment; on a bad setting print one line for each and exit with 2."""
    try:
        return Settings.load()
    except SettingsError as error:
        for line in error.lines:
            _say(line)
        raise SystemExit(2) from None


def refuse(reason: str, setting: str) -> NoReturn:
    """End the start with one line that names the variable and the reason."""
    _say(f"{variable_of(setting)}: {reason}")
    raise SystemExit(2) from None


def _say(line: str) -> None:
    echo(f"mailvouch-worker: {plain(line)}", err=True)
