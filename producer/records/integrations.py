"""The stored integrations: look at them, write many at once, seal their passwords anew."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import redis
from pydantic import SecretStr

from producer.contract.integration_body import IntegrationBody, read_body
from producer.contract.integrations import (
    MAX_ID_CHARACTERS,
    SMTP_TYPE,
    CatalogueEntry,
    IntegrationData,
    IntegrationStatus,
)
from producer.contract.names import MASK
from producer.records import BadInputError, NotKnownError, text_of
from producer.records.brands import require_brand
from producer.records.catalogue import list_catalogue
from producer.records.masking import (
    USERNAME_FIELD,
    FullId,
    host_problem,
    seal,
    shown,
    username_of,
)
from producer.records.store import NEW_ID_BYTES, Record, StoreKeys
from producer.sealing.at_rest import CannotOpenError, PasswordVault

_IMPORT: Final = """
-- KEYS: records, default   ARGV: id of the new default or '', then id and record in turns
local default = redis.call('GET', KEYS[2])
for i = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  if ARGV[i] == default then redis.call('DEL', KEYS[2]) end
end
if ARGV[1] ~= '' then redis.call('SET', KEYS[2], ARGV[1]) end
return 1
"""

_REPLACE: Final = """
-- KEYS: records   ARGV: id, the text it must still have, the new text
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""


class Resealed(NamedTuple):
    """What a re-seal did. `unreadable`: those that no key opens, left as they were."""

    sealed: int
    current: int
    unreadable: tuple[FullId, ...]


class _Entry(NamedTuple):
    record_id: str
    body: IntegrationBody


def list_integrations(
    client: redis.Redis, keys: StoreKeys, brand_url: str
) -> list[IntegrationData]:
    """Return a brand's integrations, in the order of their names. Raises NotKnownError."""
    brand = require_brand(client, keys, brand_url)
    found = _read(client, keys, brand, client.hgetall(keys.records(brand)))
    return sorted(found, key=lambda data: (data.name.lower(), data.id))


def show_integration(
    client: redis.Redis, keys: StoreKeys, brand_url: str, record_id: str
) -> IntegrationData:
    """Return one integration, whatever the others are like. Raises NotKnownError."""
    brand = require_brand(client, keys, brand_url)
    name = record_id.encode("utf-8", "replace")  # half a surrogate pair: some unknown id
    stored = client.hget(keys.records(brand), name)
    if stored is None:
        raise NotKnownError(f"the brand has no integration {record_id!r}")
    (found,) = _read(client, keys, brand, {name: stored})
    return found


def _read(
    client: redis.Redis, keys: StoreKeys, brand: str, stored: Mapping[bytes | str, bytes | str]
) -> list[IntegrationData]:
    default = text_of(client.get(keys.default(brand)) or b"")
    entries = {entry.id: entry for entry in list_catalogue(client, keys)}
    names = {text_of(name): Record.model_validate_json(text) for name, text in stored.items()}
    return [
        data_of(record, name, entries, is_default=name == default) for name, record in names.items()
    ]


def data_of(
    record: Record, record_id: str, entries: dict[str, CatalogueEntry], *, is_default: bool
) -> IntegrationData:
    """Show a record as the documented `data`, the password masked."""
    missing = CatalogueEntry(
        type=SMTP_TYPE, name=record.app_integration_id, id=record.app_integration_id
    )
    return IntegrationData(
        app_integration=entries.get(record.app_integration_id, missing),
        name=record.name,
        host=record.host,
        port=record.port,
        username=record.username,
        use_tls=record.use_tls,
        is_default=is_default,
        description=record.description,
        status=record.status,
        id=record_id,
    )


def import_integrations(
    client: redis.Redis, keys: StoreKeys, vault: PasswordVault, brand_url: str, document: Any
) -> list[str]:
    """Write a JSON array of request bodies, unprobed; return their ids, in order.

    An `id` beside the documented fields keeps or replaces that record, without one it is new. All
    or none. Raises BadInputError with a line for each mistake, NotKnownError.
    """
    brand = require_brand(client, keys, brand_url)
    entries = _read_entries(document, {entry.id: entry for entry in list_catalogue(client, keys)})
    defaults = [entry.record_id for entry in entries if entry.body.is_default]
    if len(defaults) > 1:
        raise BadInputError("a brand has one default: more than one entry has isDefault true")
    seconds, microseconds = client.time()
    now_ms = seconds * 1000 + microseconds // 1000
    arrival = client.incrby(keys.arrivals, 1)
    texts = [
        text
        for entry in entries
        for text in (entry.record_id, _text(entry, brand, (now_ms, arrival), vault))
    ]
    new_default = defaults[0] if defaults else ""
    client.eval(_IMPORT, 2, keys.records(brand), keys.default(brand), new_default, *texts)
    return [entry.record_id for entry in entries]


def _read_entries(document: Any, catalogue: dict[str, CatalogueEntry]) -> list[_Entry]:
    if not isinstance(document, list) or not document:
        raise BadInputError("an import file holds a JSON array of request bodies")
    entries, mistakes = [], []
    for position, given in enumerate(document, start=1):
        body = read_body(given)
        found = [*_mistakes(given, body, catalogue)]
        mistakes += [f"entry {position}: {mistake}" for mistake in found]
        if not found and isinstance(body, IntegrationBody):
            entries.append(_Entry(given.get("id") or secrets.token_hex(NEW_ID_BYTES), body))
    if mistakes:
        raise BadInputError("\n".join(mistakes))
    if len({entry.record_id for entry in entries}) < len(entries):
        raise BadInputError("two entries of the import file have the same id")
    return entries


def _mistakes(given: Any, body: Any, catalogue: dict[str, CatalogueEntry]) -> Iterator[str]:
    if not isinstance(body, IntegrationBody):
        yield from (problem.message for problem in body)
        return
    record_id = given.get("id", "")
    if not isinstance(record_id, str) or len(record_id) > MAX_ID_CHARACTERS:
        yield f"id must be a string of at most {MAX_ID_CHARACTERS} characters."
    if body.keeps_password:
        yield "password must be a password, not the mask that results show."
    elif body.username == MASK:
        yield "username must be a user name, not the mask that results show."
    elif body.wanted_status is IntegrationStatus.INACTIVE:
        pass  # its host is looked up by nobody
    elif problem := host_problem(body.host, body.password):
        yield problem.message
    entry = catalogue.get(body.app_integration_id)
    if entry is None or entry.type != SMTP_TYPE:
        yield "appIntegrationId must name a catalogue entry of type SMTP."


def _text(entry: _Entry, brand: str, order: tuple[int, int], vault: PasswordVault) -> str:
    body = entry.body
    return Record(
        **shown(body, body.password)._asdict(),
        **seal(body, body.password, vault, FullId(brand, entry.record_id))._asdict(),
        app_integration_id=body.app_integration_id,
        host=body.host,
        port=body.port,
        use_tls=bool(body.use_tls),
        status=body.wanted_status or IntegrationStatus.ACTIVE,
        submitted_ms=order[0],
        arrival=order[1],
        job_id="",
    ).to_text()


def reseal(client: redis.Redis, keys: StoreKeys, vault: PasswordVault) -> Resealed:
    """Seal every password that an older key sealed with the first one. May be run at any time.

    Afterwards the older keys can be taken out of MAILVOUCH_STORE_KEYS, once every worker has the
    new one as its first.
    """
    sealed, current, unreadable = 0, 0, []
    for full_id in _all_ids(client, keys):
        try:
            if _reseal_one(client, keys, vault, full_id):
                sealed += 1
            else:
                current += 1
        except CannotOpenError:
            unreadable.append(full_id)
    return Resealed(sealed, current, tuple(unreadable))


def _all_ids(client: redis.Redis, keys: StoreKeys) -> Iterable[FullId]:
    for brand in sorted(text_of(brand) for brand in client.smembers(keys.brands)):
        for record_id in client.hkeys(keys.records(brand)):
            yield FullId(brand, text_of(record_id))


def _reseal_one(
    client: redis.Redis, keys: StoreKeys, vault: PasswordVault, full_id: FullId
) -> bool:
    brand, record_id = full_id
    while (text := client.hget(keys.records(brand), record_id)) is not None:
        record = Record.model_validate_json(text)
        if vault.is_current(record.password):
            return False
        changed = _sealed_anew(record, vault, full_id).to_text()
        # False: a worker saved meanwhile, look again.
        if client.eval(_REPLACE, 1, keys.records(brand), record_id, text, changed):
            return True
    return False


def _sealed_anew(record: Record, vault: PasswordVault, full_id: FullId) -> Record:
    password = vault.open(record.password, **full_id._asdict())
    sealed = {"password": vault.seal(password, **full_id._asdict())}
    if record.sealed_username is not None:
        username = SecretStr(username_of(record, vault, full_id))
        sealed["sealed_username"] = vault.seal(username, **full_id._asdict(), field=USERNAME_FIELD)
    return record.model_copy(update=sealed)
