"""The base of all settings: environment variables `MAILVOUCH_…`, `.env` where present.

A class of settings for each program (client and commands, worker, gateway) extends the one here.
Names and defaults are those of docs/CONTRACT.md section 8; docs/SETTINGS.md is generated from the
classes, so a field's `description` is what an operator reads.
"""

import os
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import quote

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from producer import setting_names
from producer.contract.codes import HELP_PAGE
from producer.contract.keyspace import MAX_SHARDS, Keyspace
from producer.contract.names import (
    NAMESPACE,
    REQUEST_TTL_SECONDS,
    RESULT_TTL_SECONDS,
    SOCKET_NAME,
)
from producer.redis_url import ClusterUrl, RedisUrl, parse_redis_url

PREFIX: Final = setting_names.PREFIX
DATA_DIR: Final = Path("~/.local/share/mailvouch")
MAX_LIFETIME_SECONDS: Final = 10 * 365 * 24 * 60 * 60
"""Redis counts lifetimes in milliseconds and refuses what overflows: too late, with a result."""

IpNetwork = IPv4Network | IPv6Network


class SettingsError(Exception):
    """Bad settings; `lines` has one for each: the variable and the reason, never the value."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("; ".join(self.lines))


class NoRedisError(Exception):
    """Neither is a Redis named nor does the embedded one run. The text says what to start."""


def words(text: Any) -> Any:
    """Split a comma-separated list; what is no text is left as it is."""
    if not isinstance(text, str):
        return text
    return [word.strip() for word in text.split(",") if word.strip()]


def _check_url(url: SecretStr) -> SecretStr:
    parse_redis_url(url.get_secret_value())
    return url


def _read_networks(value: Any) -> Any:
    return [ip_network(word) for word in words(value)] if isinstance(value, str) else value


def _expand(path: Path) -> Path:
    """Raises ValueError where `~` is nobody's: a container's user has neither HOME nor a name."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"{path} needs a home directory: set HOME, or write the path") from None


def _require_file(path: Path) -> Path:
    path = _expand(path)
    if not os.access(path, os.R_OK) or not path.is_file():
        raise ValueError(f"{path} is no readable file")
    return path


def in_case(case: Callable[[str], str]) -> BeforeValidator:
    """Take a word in any case; `case` is the one in which it is known."""
    return BeforeValidator(lambda value: case(value) if isinstance(value, str) else value)


File = Annotated[Path, AfterValidator(_require_file)]
Files = Annotated[tuple[File, ...], NoDecode, BeforeValidator(words)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(words)]
Networks = Annotated[tuple[IpNetwork, ...], NoDecode, BeforeValidator(_read_networks)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], in_case(str.upper)]
LogFormat = Annotated[Literal["json", "console"], in_case(str.lower)]


class HelpSettings(BaseSettings):
    """What a command reads that needs nothing but the catalogue of codes."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",  # one file serves all programs
        frozen=True,
        hide_input_in_errors=True,
    )

    help_url: str = Field(
        default=HELP_PAGE,
        max_length=512,
        pattern=r"^[!-~]*$",
        description="Address of the page of codes, `CODES.md`, where you host it: `helpUrl` of a"
        " report and of `codes --json` is this, `#` and the code in lower case.",
    )

    @field_validator("help_url")
    @classmethod
    def _takes_an_anchor(cls, value: str) -> str:
        if "#" in value:
            raise ValueError("must be without a fragment: #code is put behind it")
        return value

    @classmethod
    def load(cls) -> Self:
        """Read environment and `.env`. Raises SettingsError."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(explain(error)) from None
        except UnicodeDecodeError:
            raise SettingsError(["the file .env cannot be read: it must be UTF-8 text"]) from None
        except OSError as error:
            raise SettingsError([f"the file .env cannot be read: {error.strerror}"]) from None


class ProducerSettings(HelpSettings):
    """What the client and the `mailvouch` command read; the worker reads it too."""

    # The URL may hold a password.
    redis_url: Annotated[SecretStr, AfterValidator(_check_url)] | None = Field(
        default=None,
        description="Where Redis is: `redis://`, `rediss://`, `unix://`, `redis+sentinel://`,"
        " `redis+cluster://`."
        " Unset: the embedded server, which `mailvouch-worker run` starts under `DATA_DIR`.",
    )
    namespace: str = Field(
        default=NAMESPACE,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="First part of every Redis key: 1 to 64 of `A-Z a-z 0-9 _ . -`.",
    )
    shards: int = Field(
        default=1,
        ge=1,
        le=MAX_SHARDS,
        description="Over how many namespaces jobs are spread: for a cluster, each in a slot of its"
        " own. The same for producers, gateways and workers; changed with empty queues only.",
    )
    data_dir: Annotated[Path, AfterValidator(_expand)] = Field(
        default=DATA_DIR,
        validate_default=True,
        description="Folder of the embedded server's data and of keys that are made where none are"
        " set.",
    )
    request_ttl_seconds: int = Field(
        default=REQUEST_TTL_SECONDS,
        ge=1,
        le=REQUEST_TTL_SECONDS,
        description="How long a request may wait before it expires.",
    )
    public_key: File | None = Field(
        default=None,
        description="JWK file. Where set, producers seal each request for the workers.",
    )

    @property
    def keyspace(self) -> Keyspace:
        on_cluster = isinstance(parse_redis_url(self.redis_address), ClusterUrl)
        return Keyspace(self.namespace, self.shards, on_cluster)

    @property
    def embedded_socket(self) -> Path:
        """Where the embedded Redis listens, whether or not it runs."""
        return (self.data_dir / SOCKET_NAME).absolute()

    @property
    def redis_address(self) -> str:
        """The URL of the named Redis, else of the embedded one's socket. May hold a password."""
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        return f"unix://{quote(str(self.embedded_socket))}"

    def redis(self) -> RedisUrl:
        """Return the Redis to talk to: the named one, else the embedded one where it runs.

        Raises NoRedisError.
        """
        if self.redis_url is None and not self.embedded_socket.is_socket():
            raise NoRedisError(
                f"no Redis: {PREFIX}REDIS_URL is not set and {self.embedded_socket} does not exist."
                " Start a worker with its embedded Redis: mailvouch-worker run"
            )
        return parse_redis_url(self.redis_address)


class ServiceSettings(ProducerSettings):
    """What the worker and the gateway read: they run on, and keep results for those who ask."""

    result_ttl_seconds: int = Field(
        default=RESULT_TTL_SECONDS,
        ge=1,
        le=MAX_LIFETIME_SECONDS,
        description="How long a result and its report are kept.",
    )
    log_level: LogLevel = Field(default="INFO", description="Least severe level that is logged.")
    log_format: LogFormat | None = Field(
        default=None, description="Unset: `console` on a terminal, else `json`."
    )


def explain(error: ValidationError) -> list[str]:
    """One line for each bad setting: the variable and the reason, never the value."""
    lines: dict[str, str] = {}
    for part in error.errors(include_input=False, include_url=False, include_context=False):
        variable = variable_of(str(part["loc"][0])) if part["loc"] else "settings"
        reason = part["msg"].removeprefix("Value error, ")
        lines.setdefault(variable, f"{variable}: {reason[:1].lower()}{reason[1:]}")
    return list(lines.values())


def variable_of(field: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + field.upper()
