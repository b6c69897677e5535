"""Who calls: a subscriber by Basic authentication, or a brand by `Brand-URL` and `Auth-Key`."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr
from starlette.requests import Request

from producer.contract.ownership import normalise_brand
from producer.gateway.facts import facts_of
from producer.gateway.refusals import HttpError, Reason
from producer.gateway.store import GatewayStore
from producer.records.store import auth_key_digest
from producer.records.subscribers import Subscriber, admit

CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="Mailvouch", charset="UTF-8"'}
_DIGEST_SHOWN: Final = 16


@dataclass(frozen=True, slots=True)
class SubscriberCaller:
    """A subscriber whose password was right."""

    subscriber: Subscriber
    secret: SecretStr = field(repr=False)

    @property
    def identity(self) -> str:
        """What the caller's jobs are filed under.

        Part of the password's digest is in it: whoever gets a revoked name anew does not get the
        jobs that came before.
        """
        return f"subscriber:{self.subscriber.name}:{self.subscriber.digest[:_DIGEST_SHOWN]}"


@dataclass(frozen=True, slots=True)
class BrandCaller:
    """A brand whose auth key was right. `brand_url` is as it was sent."""

    brand: str
    brand_url: str
    secret: SecretStr = field(repr=False)

    @property
    def identity(self) -> str:
        """What the caller's jobs are filed under: a new key does not change it."""
        return f"brand:{self.brand}"


Caller = SubscriberCaller | BrandCaller


async def require_subscriber(request: Request, store: GatewayStore) -> SubscriberCaller:
    """Raise HttpError where the request is not a subscriber's."""
    name, password = _basic_credential(request)
    subscriber = admit(await store.subscriber(name), name, password)
    if subscriber is None:
        raise HttpError(Reason.WRONG_CREDENTIAL, headers=CHALLENGE)
    facts_of(request).subscriber = subscriber.name
    return SubscriberCaller(subscriber, SecretStr(password))


async def require_brand(request: Request, store: GatewayStore) -> BrandCaller:
    """Raise HttpError where the request is not a brand's."""
    brand_url, auth_key = _header(request, b"brand-url"), _header(request, b"auth-key")
    brand = normalise_brand(brand_url)
    keys, now_ms = await store.brand_keys(brand)
    if not keys.admit(auth_key_digest(brand, auth_key), now_ms) or not brand:
        raise HttpError(Reason.UNAUTHORIZED)
    facts_of(request).brand = brand
    return BrandCaller(brand, brand_url, SecretStr(auth_key))


async def require_caller(request: Request, store: GatewayStore) -> Caller:
    """Either of the two, by the headers that are there. Raises HttpError."""
    if "auth-key" in request.headers and "authorization" not in request.headers:
        try:
            return await require_brand(request, store)
        except HttpError as error:
            raise HttpError(error.reason, headers=CHALLENGE) from None
    return await require_subscriber(request, store)


async def is_admitted(caller: Caller, store: GatewayStore) -> bool:
    """Tell whether a caller that was let in would be let in again, for as many dealers."""
    if isinstance(caller, BrandCaller):
        keys, now_ms = await store.brand_keys(caller.brand)
        digest = auth_key_digest(caller.brand, caller.secret.get_secret_value())
        return keys.admit(digest, now_ms)
    held, found = caller.subscriber, await store.subscriber(caller.subscriber.name)
    return found is not None and found.digest == held.digest and found.covers(held)


def refusal_of(caller: Caller) -> HttpError:
    """Say to a caller that its credential was taken away meanwhile."""
    if isinstance(caller, BrandCaller):
        return HttpError(Reason.UNAUTHORIZED)
    return HttpError(Reason.WRONG_CREDENTIAL, headers=CHALLENGE)


def _basic_credential(request: Request) -> tuple[str, str]:
    """Read `Authorization` (RFC 7617). Raises HttpError."""
    scheme, _, encoded = _header(request, b"authorization").strip().partition(" ")
    if not scheme or (scheme.lower() == "basic" and not encoded.strip()):
        raise HttpError(Reason.NO_CREDENTIAL, headers=CHALLENGE)
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            decoded = ""
        name, colon, password = decoded.partition(":")
        if colon:
            return name, password
    raise HttpError(Reason.WRONG_CREDENTIAL, headers=CHALLENGE)


def _header(request: Request, name: bytes) -> str:
    """Return a header's text, "" where it is absent. Brand URLs may hold UTF-8.

    Raises HttpError where it is there with several values: a proxy may have checked another one.
    """
    values = {value for key, value in request.headers.raw if key == name}
    if len(values) > 1:
        raise HttpError(Reason.INVALID, "A header of the credential is there twice.")
    raw = next(iter(values), b"")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
