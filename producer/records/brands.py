"""Brands and their auth keys. A key is shown once, when it is made; stored is its hash."""

import re
import time
from dataclasses import dataclass, field
from typing import Final

import redis

from producer.contract.ownership import normalise_brand
from producer.records import BadInputError, NotKnownError, RefusedError, text_of
from producer.records.store import (
    GRACE_SECONDS,
    StoreKeys,
    auth_key_digest,
    new_auth_key,
)

MAX_BRAND_CHARACTERS: Final = 512

_LABEL: Final = r"\w(?:[\w-]*\w)?"
_BRAND_URL: Final = re.compile(
    # A host of one word is a host after a scheme alone; else it is a name that is no URL.
    rf"(?:https?://{_LABEL}|(?:https?://)?(?:{_LABEL}(?:\.{_LABEL})+|localhost|\[[0-9a-f:.]+\]))"
    r"\.?(?::[0-9]{1,5})?(?:/[^\s?#@\\]*)?",
    re.IGNORECASE,
)

_ROTATE: Final = """
-- The current key becomes the previous one for its grace: two are valid at once, never more.
-- KEYS: auth keys   ARGV: new digest, grace (ms)
local current = redis.call('HGET', KEYS[1], 'current')
if not current then return 0 end
local time = redis.call('TIME')
local until_ms = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'current', ARGV[1],
  'previous', current, 'previousUntil', string.format('%.0f', until_ms))
return 1
"""


_REMOVE: Final = """
-- KEYS: brands, auth keys, records, default   ARGV: brand, 1 if its integrations go as well
-- Returns how many integrations it has or had; -1 where there is no such brand.
if redis.call('EXISTS', KEYS[2]) == 0 then return -1 end
local records = redis.call('HLEN', KEYS[3])
if records > 0 and ARGV[2] == '0' then return records end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
redis.call('SREM', KEYS[1], ARGV[1])
return records
"""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, and whose it is."""

    brand: str
    auth_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BrandFacts:
    """What can be told of a brand. `previous_until_ms` None: one key is valid."""

    brand: str
    integrations: int
    previous_until_ms: int | None


def add_brand(client: redis.Redis, keys: StoreKeys, brand_url: str) -> NewKey:
    """Add a brand and make its first key. Raises BadInputError, RefusedError."""
    brand, auth_key = _new_brand(brand_url), new_auth_key()
    with client.pipeline(transaction=True) as pipe:
        pipe.sadd(keys.brands, brand)
        pipe.hsetnx(keys.auth_keys(brand), "current", auth_key_digest(brand, auth_key))
        _, added = pipe.execute()
    if not added:
        raise RefusedError(f"brand {brand} exists already: rotate-key makes a new key for it")
    return NewKey(brand, auth_key)


def rotate_key(
    client: redis.Redis, keys: StoreKeys, brand_url: str, *, grace_seconds: int = GRACE_SECONDS
) -> NewKey:
    """Make a new key; the one before lives on for the grace. Raises NotKnownError."""
    brand, auth_key = normalise_brand(brand_url), new_auth_key()
    digest = auth_key_digest(brand, auth_key)
    if not client.eval(_ROTATE, 1, keys.auth_keys(brand), digest, grace_seconds * 1000):
        raise unknown_brand(brand)
    return NewKey(brand, auth_key)


def remove_brand(
    client: redis.Redis, keys: StoreKeys, brand_url: str, *, with_integrations: bool = False
) -> int:
    """Remove a brand, its keys, and where asked for its integrations; return how many those were.

    Raises NotKnownError; RefusedError where it has integrations that were not asked for.
    """
    brand = normalise_brand(brand_url)
    places = (keys.brands, keys.auth_keys(brand), keys.records(brand), keys.default(brand))
    records = int(client.eval(_REMOVE, len(places), *places, brand, int(with_integrations)))
    if records < 0:
        raise unknown_brand(brand)
    if records and not with_integrations:
        raise RefusedError(f"brand {brand} has {records} integrations: --with-integrations")
    return records


def list_brands(client: redis.Redis, keys: StoreKeys) -> list[BrandFacts]:
    """Tell of all brands, in the order of their names."""
    brands = sorted(text_of(brand) for brand in client.smembers(keys.brands))
    with client.pipeline(transaction=False) as pipe:
        for brand in brands:
            pipe.hlen(keys.records(brand))
            pipe.hget(keys.auth_keys(brand), "previousUntil")
        replies = pipe.execute()
    now_ms = time.time() * 1000
    pairs = zip(replies[::2], replies[1::2], strict=True)
    return [
        BrandFacts(brand, count, int(until) if until and int(until) > now_ms else None)
        for brand, (count, until) in zip(brands, pairs, strict=True)
    ]


def require_brand(client: redis.Redis, keys: StoreKeys, brand_url: str) -> str:
    """Return the normalised brand. Raises NotKnownError."""
    brand = normalise_brand(brand_url)
    if not client.sismember(keys.brands, brand):
        raise unknown_brand(brand)
    return brand


def unknown_brand(brand: str) -> NotKnownError:
    return NotKnownError(f"there is no brand {brand!r}: see 'mailvouch brands list'")


def _new_brand(brand_url: str) -> str:
    brand = normalise_brand(brand_url)
    if len(brand) > MAX_BRAND_CHARACTERS or not _BRAND_URL.fullmatch(brand_url.strip()):
        raise BadInputError(
            "a brand URL looks like https://shop.example or shop.example, without user or query, "
            f"and has at most {MAX_BRAND_CHARACTERS} characters"
        )
    return brand
