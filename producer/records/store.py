"""How integrations are stored in Redis: keys, record, auth keys, and the two scripts.

A leaf, as workers write records and so do the operators' commands.

    <ns>:catalogue:entries              hash    entry id -> documented `appIntegration` object
    <ns>:integration:brands             set     the brands, normalised
    <ns>:integration:keys:<brand>       hash    current, previous: digests; previousUntil: unix ms
    <ns>:integration:records:<brand>    hash    integration id -> Record
    <ns>:integration:default:<brand>    string  the id of the default, if any: there is one place
                                                for it, so there never are two
    <ns>:integration:arrivals           string  counter, breaks the tie of equal submission times
    <ns>:integration:job:<brand's hash>:<job id>
                                        hash    submittedMs, arrival; answer once it is applied.
                                                Lives as long as a job can be delivered again; one
                                                for each brand, should two choose the same job id

A record changes by compare-and-set on its exact text: what was decided on a text that has changed
meanwhile is decided again. The answer is saved in the same step, so a job that is delivered again
after it was applied finds its answer instead of applying anything twice.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from producer.contract.integrations import IntegrationStatus

MAX_CLOCK_AHEAD_MS: Final = 5 * 60 * 1000
"""A submission time further ahead of Redis' clock is taken for now: a producer with a wrong clock
would otherwise lock a record against everyone else's updates for as long as it is ahead."""

AUTH_KEY_BYTES: Final = 32
NEW_ID_BYTES: Final = 12
GRACE_SECONDS: Final = 24 * 60 * 60
BRAND_HASH_DIGITS: Final = 32


def new_auth_key() -> str:
    """Make an auth key: 256 random bits."""
    return secrets.token_urlsafe(AUTH_KEY_BYTES)


def auth_key_digest(brand: str, auth_key: str) -> str:
    """Hash an auth key for its brand.

    SHA-256, no slow hash: those make guessing dear, and 256 random bits cannot be guessed. The
    brand is part of it, so that equal keys of two brands do not show.
    """
    # A lone surrogate is no key of ours, but must not be an error either.
    octets = f"{brand}\0{auth_key}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"mailvouch auth key\0" + octets).hexdigest()


_NO_DIGEST: Final = "-" * 64


@dataclass(frozen=True, slots=True)
class BrandKeys:
    """The digests of a brand's auth keys; all None for a brand that does not exist."""

    current: str | None = None
    previous: str | None = None
    previous_until_ms: int = 0

    def admit(self, digest: str, now_ms: int) -> bool:
        """Tell whether one of the valid keys was offered.

        The work is the same for an unknown brand, a wrong key and a right one: two comparisons
        in constant time, both always made.
        """
        is_current = hmac.compare_digest(self.current or _NO_DIGEST, digest)
        is_previous = hmac.compare_digest(self.previous or _NO_DIGEST, digest)
        return is_current | (is_previous & (now_ms < self.previous_until_ms))


class Record(BaseModel):
    """One stored integration. Whether it is the default stands elsewhere, see above.

    `password` is sealed (producer.sealing.at_rest). A user name that is the password again stands
    sealed in `sealed_username`, and `username` is the mask. `submitted_ms` and `arrival` are the
    place of the update that wrote this, in the order of submission; `job_id` is its job, empty for
    imports.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",  # a newer release may have written more
        hide_input_in_errors=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )

    version: Literal[1] = 1
    app_integration_id: str
    name: str
    host: str
    port: int
    username: str
    sealed_username: str | None = None
    password: str
    use_tls: bool
    description: str | None
    status: IntegrationStatus
    submitted_ms: int
    arrival: int
    job_id: str

    def to_text(self) -> str:
        """Write the record as it stands in Redis."""
        return self.model_dump_json(by_alias=True)


@dataclass(frozen=True, slots=True)
class StoreKeys:
    """The Redis keys of the store: what is in each, the head of this module says."""

    namespace: str

    @property
    def catalogue(self) -> str:
        return f"{self.namespace}:catalogue:entries"

    @property
    def brands(self) -> str:
        return f"{self.namespace}:integration:brands"

    @property
    def arrivals(self) -> str:
        return f"{self.namespace}:integration:arrivals"

    def auth_keys(self, brand: str) -> str:
        return f"{self.namespace}:integration:keys:{brand}"

    def records(self, brand: str) -> str:
        return f"{self.namespace}:integration:records:{brand}"

    def default(self, brand: str) -> str:
        return f"{self.namespace}:integration:default:{brand}"

    def job(self, brand: str, job_id: str) -> str:
        """Hash of what the store knows of a brand's job: no other brand is given its answer."""
        # Hashed: a brand may hold colons, as a job id may.
        owner = hashlib.sha256(brand.encode()).hexdigest()[:BRAND_HASH_DIGITS]
        return f"{self.namespace}:integration:job:{owner}:{job_id}"


OPEN_SCRIPT: Final = """
-- All that a job needs to know, as of one moment, and its place in the order of submission.
-- KEYS: auth keys, records, job, arrivals
-- ARGV: integration id, submitted (ms), allowed clock ahead (ms), life of the job (s)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local submitted = redis.call('HGET', KEYS[3], 'submittedMs')
if not submitted then
  submitted = tonumber(ARGV[2])
  if submitted <= 0 or submitted > now + tonumber(ARGV[3]) then submitted = now end
  submitted = string.format('%.0f', submitted)
  redis.call('HSET', KEYS[3],
    'submittedMs', submitted, 'arrival', redis.call('INCR', KEYS[4]))
end
redis.call('EXPIRE', KEYS[3], ARGV[4])
local keys = redis.call('HMGET', KEYS[1], 'current', 'previous', 'previousUntil')
return {
  string.format('%.0f', now), submitted, redis.call('HGET', KEYS[3], 'arrival'),
  redis.call('HGET', KEYS[3], 'answer'),
  keys[1], keys[2], keys[3],
  redis.call('HGET', KEYS[2], ARGV[1])
}
"""

COMMIT_SCRIPT: Final = """
-- Save, replace or delete one record, move the default, keep the answer: all of it or nothing.
-- KEYS: records, default, job
-- ARGV: integration id, the text it was decided on ('' none), the new text ('' delete),
--       'default' or '', answer, life of the job (s)
-- Returns the answer of the job if it has been applied before, false if the record has changed.
local answer = redis.call('HGET', KEYS[3], 'answer')
if answer then return answer end
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return false end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
if ARGV[4] == 'default' then
  redis.call('SET', KEYS[2], ARGV[1])
elseif redis.pcall('GET', KEYS[2]) == ARGV[1] then  -- no error half-way: a foreign key is none
  redis.call('DEL', KEYS[2])
end
redis.call('HSET', KEYS[3], 'answer', ARGV[5])
redis.call('EXPIRE', KEYS[3], ARGV[6])
return ARGV[5]
"""
