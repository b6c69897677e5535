"""OpenAPI 3.1 of the HTTP gateway (docs/CONTRACT.md section 10)."""

from typing import Final

from producer.openapi.own_schemas import OWN_SCHEMAS
from producer.openapi.parts import Json
from producer.openapi.paths import paths
from producer.schema import TITLE, VERSION, definitions


def openapi() -> Json:
    """Every endpoint of the gateway; the two of the vendors are exactly theirs."""
    described = paths()
    schemas = {**definitions("#/components/schemas/{model}"), **OWN_SCHEMAS}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "summary": "Tells whether mail credentials work, and why not.",
            "license": {"name": "See the distribution", "identifier": "LicenseRef-mailvouch"},
        },
        "servers": [{"url": "/", "description": "The gateway that serves this document"}],
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": described,
        "components": {
            "schemas": _used(schemas, described),
            "securitySchemes": {
                "basicAuth": {"type": "http", "scheme": "basic"},
                "brandUrl": _in_header("Brand-URL", "The brand."),
                "authKey": _in_header("Auth-Key", "The brand's key."),
            },
        },
    }


def _in_header(name: str, description: str) -> Json:
    return {"type": "apiKey", "in": "header", "name": name, "description": description}


_TAGS: Final = {
    "credentials": "Test email credentials for a dealer.",
    "integrations": "The SMTP integrations of a brand.",
    "jobs": "What was submitted: its result, its diagnosis, its progress.",
    "page": "The page for people.",
    "service": "For operators and tools.",
}


def _used(schemas: Json, described: Json) -> Json:
    """Keep what the paths refer to, and what that refers to in turn."""
    used: set[str] = set()
    wanted = _references(described)
    while wanted - used:
        used |= wanted
        wanted = _references([schemas[name] for name in used])
    return {name: schema for name, schema in schemas.items() if name in used}


def _references(part: object) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"].rpartition("/")[2]} if "$ref" in part else set()
        return own.union(*map(_references, part.values()))
    return set().union(*map(_references, part)) if isinstance(part, list) else set()
