"""The catalogue: the providers that integrations are made with."""

from typing import Any

import redis
from pydantic import TypeAdapter, ValidationError

from producer.contract.integrations import CatalogueEntry
from producer.records import BadInputError
from producer.records.store import StoreKeys

_ENTRIES: TypeAdapter[list[CatalogueEntry]] = TypeAdapter(list[CatalogueEntry])


def import_catalogue(client: redis.Redis, keys: StoreKeys, document: Any) -> int:
    """Add or replace entries, by id; others stay. All or none. Raises BadInputError."""
    try:
        entries = _ENTRIES.validate_python(document)
    except ValidationError as error:
        raise BadInputError(_complaint(error)) from None
    if not entries:
        raise BadInputError("the catalogue file holds no entry")
    texts: dict[Any, Any] = {entry.id: entry.model_dump_json(by_alias=True) for entry in entries}
    if len(texts) < len(entries):
        raise BadInputError("two entries of the catalogue file have the same id")
    client.hset(keys.catalogue, mapping=texts)
    return len(entries)


def list_catalogue(client: redis.Redis, keys: StoreKeys) -> list[CatalogueEntry]:
    """Return all entries, in the order of their names."""
    stored = client.hvals(keys.catalogue)
    entries = [CatalogueEntry.model_validate_json(text) for text in stored]
    return sorted(entries, key=lambda entry: (entry.name.lower(), entry.id))


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    if not first["loc"]:
        return "a catalogue file holds a JSON array of appIntegration objects"
    position, *field = first["loc"]
    where = f"entry {int(position) + 1}" if isinstance(position, int) else str(position)
    return f"{where}: {'.'.join(map(str, field)) or 'it'}: {first['msg'].lower()}"
