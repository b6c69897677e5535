"""The gateway's subscribers: who may use it with Basic authentication, and for which dealers.

A password is shown once, when it is made; stored is its hash:

    <ns>:gateway:subscribers    hash    name -> {"digest", "dealers": null or a list}
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import redis

from producer.records import BadInputError, NotKnownError, text_of

MAX_DEALER_CHARACTERS: Final = 128
PASSWORD_BYTES: Final = 32

_NAME: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}\Z")
_NO_DIGEST: Final = "-" * 64


@dataclass(frozen=True, slots=True)
class NewSubscriber:
    """A subscriber that was just added, and the password."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One subscriber as stored. `dealers` None: every dealer."""

    name: str
    digest: str
    dealers: tuple[str, ...] | None = None

    def may_test(self, dealer_uuid: str) -> bool:
        """Tell whether requests for this dealer are allowed."""
        return self.dealers is None or dealer_uuid in self.dealers

    def covers(self, other: "Subscriber") -> bool:
        """Tell whether all of another's dealers are this one's too."""
        if self.dealers is None or other.dealers is None:
            return self.dealers is None
        return set(other.dealers) <= set(self.dealers)


def subscribers_key(namespace: str) -> str:
    return f"{namespace}:gateway:subscribers"


def password_digest(name: str, password: str) -> str:
    """Hash a password for its subscriber.

    SHA-256, no slow hash, as with auth keys: 256 random bits cannot be guessed.
    """
    octets = f"{name}\0{password}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"mailvouch subscriber\0" + octets).hexdigest()


def admit(subscriber: Subscriber | None, name: str, password: str) -> Subscriber | None:
    """Return the subscriber if the password is right. The work is the same for an unknown name."""
    expected = subscriber.digest if subscriber else _NO_DIGEST
    same = hmac.compare_digest(expected, password_digest(name, password))
    return subscriber if same else None


def read_subscriber(name: str, stored: bytes | str | None) -> Subscriber | None:
    """Read what is stored under a name; None where there is no such subscriber."""
    if stored is None:
        return None
    facts = json.loads(stored)
    dealers = facts["dealers"]
    return Subscriber(name, facts["digest"], None if dealers is None else tuple(dealers))


def add_subscriber(
    client: redis.Redis, namespace: str, name: str, dealers: Sequence[str]
) -> NewSubscriber:
    """Add a subscriber and make the password. No dealers: every dealer. Raises BadInputError."""
    if not _NAME.match(name):
        raise BadInputError("a subscriber's name is 1 to 64 of A-Z a-z 0-9 . _ @ -")
    if not all(1 <= len(dealer) <= MAX_DEALER_CHARACTERS for dealer in dealers):
        raise BadInputError(f"a dealer UUID has 1 to {MAX_DEALER_CHARACTERS} characters")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    facts = {"digest": password_digest(name, password), "dealers": [*dealers] or None}
    if not client.hsetnx(subscribers_key(namespace), name, json.dumps(facts)):
        raise BadInputError(f"subscriber {name} exists already: revoke it first, or choose another")
    return NewSubscriber(name, password)


def list_subscribers(client: redis.Redis, namespace: str) -> list[Subscriber]:
    """Return all subscribers, in the order of their names."""
    stored = client.hgetall(subscribers_key(namespace))
    found = (read_subscriber(text_of(name), facts) for name, facts in stored.items())
    return sorted((one for one in found if one), key=lambda one: one.name)


def revoke_subscriber(client: redis.Redis, namespace: str, name: str) -> None:
    """Remove a subscriber. Raises NotKnownError."""
    if not client.hdel(subscribers_key(namespace), name):
        raise NotKnownError(f"there is no subscriber {name!r}: see 'mailvouch subscribers list'")
