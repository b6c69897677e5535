"""Masks what of an integration equals its password: user name, name, description.

Some providers (Postmark is one) log in with a token in place of user name and password both; some
passwords stand in the wrong box by mistake. A user name that is the password is stored sealed, for
the login needs it; a name or description is stored as the mask. Shown is the mask.
"""

from typing import Final, NamedTuple

from pydantic import SecretStr

from producer.contract.integration_body import IntegrationBody
from producer.contract.integrations import ErrorCode, FieldProblem
from producer.contract.names import MASK
from producer.records.store import Record
from producer.sealing.at_rest import PasswordVault

USERNAME_FIELD: Final = "username"


class FullId(NamedTuple):
    """An integration's id with its brand: what its ciphertexts are bound to."""

    brand: str
    record_id: str


class Shown(NamedTuple):
    """The texts of an integration as anybody may see them."""

    name: str
    username: str
    description: str | None


class Sealed(NamedTuple):
    """The secrets of an integration as they are stored."""

    password: str
    sealed_username: str | None


def is_password(text: str, password: SecretStr) -> bool:
    """Tell whether a text is the password, whatever its case and the blanks around it."""
    return _bare(text) == _bare(password.get_secret_value())


def shown(body: IntegrationBody, password: SecretStr) -> Shown:
    """Put the mask in place of every text that is the password."""
    name, username, description = (
        MASK if text is not None and is_password(text, password) else text
        for text in (body.name, body.username, body.description)
    )
    return Shown(name or "", username or "", description)


def seal(
    body: IntegrationBody, password: SecretStr, vault: PasswordVault, full_id: FullId
) -> Sealed:
    """Seal the password, and the user name where it is the password again."""
    sealed_username = None
    if is_password(body.username, password):
        sealed_username = vault.seal(
            SecretStr(body.username), **full_id._asdict(), field=USERNAME_FIELD
        )
    return Sealed(vault.seal(password, **full_id._asdict()), sealed_username)


def username_of(record: Record, vault: PasswordVault, full_id: FullId) -> str:
    """Return the user name that logs in. Raises CannotOpenError."""
    if record.sealed_username is None:
        return record.username
    opened = vault.open(record.sealed_username, **full_id._asdict(), field=USERNAME_FIELD)
    return opened.get_secret_value()


def host_problem(host: str, password: SecretStr) -> FieldProblem | None:
    """Complain of a host that is the password: to look it up would tell name servers."""
    if not is_password(host.removesuffix("."), password):
        return None
    message = "host must be the name of a server; what was given is the password."
    return FieldProblem(code=ErrorCode.INVALID_FIELD, message=message)


def _bare(text: str) -> str:
    # What is blank altogether equals nothing but itself.
    return text.strip().casefold() or text
