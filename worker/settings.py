"""Settings: environment variables with the prefix `MAILVOUCH_`, `.env` read if present.

Names, defaults and meanings are the contract's, section 8. A bad one stops the start with one line
that names the variable and the reason, never a value that may be secret.
"""

import os
import re
import sys
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn
from urllib.parse import quote

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from producer.contract.names import (
    MAX_BATCH,
    NAMESPACE,
    REQUEST_TTL_SECONDS,
    RESULT_TTL_SECONDS,
    SOCKET_NAME,
)
from producer.redis_url import RedisUrlError, parse_redis_url

PREFIX: Final = "MAILVOUCH_"
SECRET_SETTINGS: Final = frozenset({"redis_url"})
"""May hold a password: shown masked, never quoted in an error."""

MAX_RESULT_TTL_SECONDS: Final = 10 * 365 * 24 * 60 * 60
"""Redis counts lifetimes in milliseconds and refuses what overflows: too late, with a result."""

Network = IPv4Network | IPv6Network
_PORT_RANGE: Final = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?\Z")

Paths = Annotated[tuple[Path, ...], NoDecode]
Verification = Literal["enforce", "warn", "off"]


class Settings(BaseSettings):
    """Everything that an operator can set. Frozen: read once, by the composition root."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    redis_url: SecretStr | None = None
    data_dir: Path = Path("~/.local/share/mailvouch")
    namespace: str = Field(default=NAMESPACE, pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    request_ttl_seconds: int = Field(default=REQUEST_TTL_SECONDS, ge=1, le=REQUEST_TTL_SECONDS)
    result_ttl_seconds: int = Field(default=RESULT_TTL_SECONDS, ge=1, le=MAX_RESULT_TTL_SECONDS)
    max_batch: int = Field(default=MAX_BATCH, ge=1, le=1000)

    probe_deadline_seconds: float = Field(default=45.0, gt=0, le=600)
    connect_timeout_seconds: float = Field(default=8.0, gt=0, le=600)
    ehlo_name: str = Field(default="", pattern=r"^[A-Za-z0-9.:\[\]-]{0,255}$")
    ca_file: Path | None = None
    allow_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    allow_ports: Annotated[tuple[range, ...], NoDecode] = Field(
        default="25,465,587,2525,143,993",  # read as the variable would be
        validate_default=True,
    )
    allow_cleartext: bool = True

    processes: int = Field(default=1, ge=1, le=256)
    concurrency: int = Field(default=1000, ge=1, le=20_000)
    shutdown_seconds: float = Field(default=30.0, ge=0, le=3600)
    host_concurrency: int = Field(default=50, ge=0)
    login_failure_limit: int = Field(default=5, ge=0)
    login_failure_window_seconds: int = Field(default=900, ge=1)

    private_keys: Paths = ()
    public_key: Path | None = None
    require_sealed: bool = False
    store_keys: Paths = ()
    verify_integrations: Verification = "enforce"

    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=9191, ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] | None = None

    @property
    def embedded_socket(self) -> Path:
        """Where the embedded Redis listens, whether or not it runs."""
        return (self.data_dir / SOCKET_NAME).absolute()

    @property
    def redis(self) -> str:
        """The URL of the named Redis, else of the embedded one's socket."""
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        return f"unix://{quote(str(self.embedded_socket))}"

    @field_validator("redis_url")
    @classmethod
    def _readable_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                parse_redis_url(value.get_secret_value())
            except RedisUrlError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("data_dir", mode="after")
    @classmethod
    def _expanded(cls, value: Path) -> Path:
        return value.expanduser()

    @field_validator("log_level", "log_format", "verify_integrations", mode="before")
    @classmethod
    def _any_case(cls, value: object, info: object) -> object:
        if not isinstance(value, str):
            return value
        return value.upper() if getattr(info, "field_name", "") == "log_level" else value.lower()

    @field_validator("private_keys", "store_keys", mode="before")
    @classmethod
    def _paths(cls, value: object) -> object:
        return tuple(_words(value)) if isinstance(value, str) else value

    @field_validator("allow_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return (
            tuple(ip_network(word) for word in _words(value)) if isinstance(value, str) else value
        )

    @field_validator("allow_ports", mode="before")
    @classmethod
    def _port_ranges(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        ports = tuple(_port_range(word) for word in _words(value))
        if not ports:
            raise ValueError("names no port")
        return ports

    @field_validator("private_keys", "store_keys", "public_key", "ca_file", mode="after")
    @classmethod
    def _readable(cls, value: tuple[Path, ...] | Path | None) -> tuple[Path, ...] | Path | None:
        paths = value if isinstance(value, tuple) else (value,) if value is not None else ()
        for path in paths:
            if not os.access(path, os.R_OK) or not path.is_file():
                raise ValueError(f"{path} is no readable file")
        return value

    @field_validator("require_sealed")
    @classmethod
    def _sealed_needs_a_key(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's call
        if value and info.data.get("private_keys") == ():
            raise ValueError(f"needs {PREFIX}PRIVATE_KEYS: without one nothing can be opened")
        return value


def load_settings() -> Settings:
    """Read the environment; on a bad setting print one line for each and exit with 2."""
    try:
        return Settings()
    except ValidationError as error:
        for line in explain(error):
            print(line, file=sys.stderr)  # noqa: T201 - before there are logs
        raise SystemExit(2) from None
    except (OSError, UnicodeDecodeError):
        refuse("the file .env cannot be read: it must be UTF-8 text")


def refuse(reason: str, setting: str = "") -> NoReturn:
    """End the start with one line that names the variable and the reason."""
    words = f"{PREFIX}{setting.upper()}: {reason}" if setting else reason
    print(f"mailvouch-worker: {words}", file=sys.stderr)  # noqa: T201 - before there are logs
    raise SystemExit(2) from None


def explain(error: ValidationError) -> list[str]:
    """One line for each bad setting: the variable and the reason."""
    lines = []
    for part in error.errors(include_input=False, include_url=False, include_context=False):
        name = PREFIX + str(part["loc"][0]).upper() if part["loc"] else "settings"
        lines.append(f"mailvouch-worker: {name}: {part['msg'].removeprefix('Value error, ')}")
    return lines


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _port_range(word: str) -> range:
    if not _PORT_RANGE.match(word):
        raise ValueError(f"{word!r} is no port and no range of ports")
    first, _, last = word.partition("-")
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= 65535:
        raise ValueError(f"{word!r} is no range from 1 to 65535")
    return range(low, high + 1)
