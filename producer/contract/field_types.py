"""What the values of a request may be, and how each is read: as generously as it is harmless.

Blank and null mean "not given". What is wrong is told in words that quote nothing.
"""

import json
import re
import unicodedata
from itertools import islice
from typing import Annotated, Final

from pydantic import BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError

MAX_HOST_CHARACTERS: Final = 253
MAX_TEXT_CHARACTERS: Final = 512
MAX_SECRET_BYTES: Final = 16 * 1024
"""Long enough for a bearer token; a password is held to `MAX_PASSWORD_BYTES`."""

MAX_PASSWORD_BYTES: Final = 4096

MAX_REMARK_CHARACTERS: Final = MAX_SECRET_BYTES + 2 * 1024
"""A result shows 2 KiB of it; the rest is kept to see whether a secret begins in these."""

_JSON: Final = json.JSONEncoder()
_TRUE: Final = frozenset({"true", "1", "yes", "y", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "n", "off"})
_PORT: Final = re.compile(r"[0-9]{1,5}\Z")
NOT_IN_SECRETS: Final = frozenset("\r\n\0")
"""What no protocol can carry in a secret."""

_LINE_BREAKERS: Final = frozenset("\x85\u2028\u2029")


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("invalid_field", "{message}", {"message": message})


def has_control_characters(text: str) -> bool:
    """Tell whether `text` holds a control character, a line separator or a lone surrogate."""
    return not text.isprintable() and any(
        unicodedata.category(character) in ("Cc", "Cs") or character in _LINE_BREAKERS
        for character in text
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong("must be a string")
    if len(value) > MAX_TEXT_CHARACTERS:
        raise _wrong(f"is longer than {MAX_TEXT_CHARACTERS} characters")
    if has_control_characters(value):
        raise _wrong("contains a line break or another control character")
    return value if value.strip() else ""  # spaces alone are blank


def _remark(value: object) -> str:
    """A text that nothing is done with: whatever it is, it fails no test. Cut where it is long."""
    if value is None:
        return ""
    if not isinstance(value, str):
        value = "".join(islice(_JSON.iterencode(value), MAX_REMARK_CHARACTERS))
    text = value[:MAX_REMARK_CHARACTERS]
    return text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be written


def _host(value: object) -> str:
    host = _text(value.strip(" \t") if isinstance(value, str) else value)
    if len(host) > MAX_HOST_CHARACTERS + 1:  # one trailing dot is legal
        raise _wrong(f"is longer than {MAX_HOST_CHARACTERS} characters")
    return host


def _flag(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip(" \t").lower()  # a line break is a mistake to hear of, or an attempt
        if not word:
            return None
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    raise _wrong("must be true or false")


def _port(value: object) -> int | None:
    if isinstance(value, str):
        value = value.strip(" \t")
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and _PORT.match(value):
        number = int(value)
    else:
        raise _wrong("must be a port number from 1 to 65535")
    if not 1 <= number <= 65535:
        raise _wrong("must be a port number from 1 to 65535")
    return number


def _secret(value: object) -> SecretStr:
    if value is None:
        return SecretStr("")
    if not isinstance(value, str):
        raise _wrong("must be a string")
    try:
        octets = len(value.encode())
    except UnicodeEncodeError:
        raise _wrong("contains a character that cannot be sent") from None
    if octets > MAX_SECRET_BYTES:
        raise _wrong(f"is longer than {MAX_SECRET_BYTES} bytes")
    if not NOT_IN_SECRETS.isdisjoint(value):
        raise _wrong("contains a line break or a NUL character")
    return SecretStr(value)


Text = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | None)]
FreeText = Annotated[str, BeforeValidator(_remark, json_schema_input_type=str | None)]
Host = Annotated[str, BeforeValidator(_host, json_schema_input_type=str | None)]
Flag = Annotated[bool | None, BeforeValidator(_flag, json_schema_input_type=str | bool | None)]
Port = Annotated[int | None, BeforeValidator(_port, json_schema_input_type=str | int | None)]
Secret = Annotated[SecretStr, BeforeValidator(_secret, json_schema_input_type=str | None)]
