"""What a producer reads from the environment: prefix `MAILVOUCH_`, `.env` where present."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from producer.contract.names import NAMESPACE, REQUEST_TTL_SECONDS, SOCKET_NAME
from producer.redis_url import RedisUrl, RedisUrlError, parse_redis_url

PREFIX = "MAILVOUCH_"
DATA_DIR = Path("~/.local/share/mailvouch")


class SettingsError(Exception):
    """A bad setting, in one line that names the variable and the reason, never the value."""


class NoRedisError(Exception):
    """Neither is a Redis named nor does the embedded one run. The text says what to start."""


def _check_url(url: SecretStr) -> SecretStr:
    parse_redis_url(url.get_secret_value())
    return url


class ProducerSettings(BaseSettings):
    """The settings that the client and the `mailvouch` command share with the worker."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",  # the same file serves the worker
        frozen=True,
        hide_input_in_errors=True,
    )

    # The URL may hold a password.
    redis_url: Annotated[SecretStr, AfterValidator(_check_url)] | None = None
    namespace: str = Field(default=NAMESPACE, pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    data_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default=DATA_DIR, validate_default=True
    )
    request_ttl_seconds: int = Field(default=REQUEST_TTL_SECONDS, ge=1, le=REQUEST_TTL_SECONDS)
    public_key: Annotated[Path, AfterValidator(Path.expanduser)] | None = None

    @classmethod
    def load(cls) -> Self:
        """Read environment and `.env`. Raises SettingsError."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(describe_bad_setting(error)) from None
        except (OSError, UnicodeDecodeError):
            raise SettingsError("the file .env cannot be read: it must be UTF-8 text") from None

    def redis(self) -> RedisUrl:
        """Return the Redis to talk to: the named one, else the embedded one where it runs.

        Raises NoRedisError.
        """
        if self.redis_url is not None:
            return parse_redis_url(self.redis_url.get_secret_value())
        socket = self.data_dir / SOCKET_NAME
        if not socket.is_socket():
            raise NoRedisError(
                f"no Redis: {PREFIX}REDIS_URL is not set and {socket} does not exist. "
                "Start a worker with its embedded Redis: mailvouch-worker run"
            )
        return parse_redis_url(f"unix://{quote(str(socket.absolute()))}")


def describe_bad_setting(error: ValidationError) -> str:
    """Name the first bad variable and the reason, never its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    variable = PREFIX + str(first["loc"][0]).upper() if first["loc"] else PREFIX
    cause = first.get("ctx", {}).get("error")
    reason = str(cause) if isinstance(cause, RedisUrlError) else first["msg"]
    return f"{variable}: {reason[:1].lower()}{reason[1:]}"
