"""The contract for machines: JSON Schema and AsyncAPI 3, made from the models."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from producer.contract.credentials import (
    FAILURE,
    REQUEST_LIST,
    SUCCESS,
    RequestItem,
    TestResponse,
)
from producer.contract.integration_body import IntegrationBody, TrialBody
from producer.contract.integrations import IntegrationListResult, IntegrationResult
from producer.contract.names import MAX_BATCH, REQUEST_TTL_SECONDS, RESULT_TTL_SECONDS, Kind
from producer.contract.report import Report
from producer.contract.result_codes import ERROR_CODES, INTEGRATION_CODES, WARNING_CODES
from producer.contract.rules import RULES

Json = dict[str, Any]

VERSION: Final = "1.0.0"
"""Of the contract, not of the package."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TITLE: Final = "Mailvouch"

_Refs = Literal["#/$defs/{model}", "#/components/schemas/{model}"]
_MODELS: Final[tuple[tuple[type[BaseModel], JsonSchemaMode], ...]] = (
    (RequestItem, "validation"),
    (IntegrationBody, "validation"),
    (TestResponse, "serialization"),
    (TrialBody, "validation"),
    (IntegrationResult, "serialization"),
    (IntegrationListResult, "serialization"),
    (Report, "serialization"),
)


_DOCUMENTS: Final = (
    *("Envelope", "SealedEnvelope", "QueueMessage", "TestResponse", "IntegrationResult"),
    *("IntegrationListResult", "Report", "Progress"),
)
"""What stands somewhere as a whole; all other definitions are parts of these."""

_ENUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "Outcome": (SUCCESS, FAILURE),
    "ErrorCode": ERROR_CODES,
    "WarningCode": WARNING_CODES,
    "IntegrationErrorCode": INTEGRATION_CODES,
    "Rule": RULES,
    "IntegrationKind": tuple(kind.value for kind in Kind if kind is not Kind.CREDENTIAL_TEST),
}
_ENUM_OF: Final = {
    ("ResponseItem", "outcome"): "Outcome",
    ("ErrorEntry", "errorCode"): "ErrorCode",
    ("WarningEntry", "warningCode"): "WarningCode",
    ("IntegrationError", "code"): "IntegrationErrorCode",
    ("Evidence", "rule"): "Rule",
}
"""Texts of a closed set, by definition and property."""


class _AllWritten(GenerateJsonSchema):
    """A result always holds all its keys, also those whose value is the default.

    A property has no title: generators of types make a type of its own for each.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def default_schema(self, schema: Any) -> Json:
        """What is always written has no default; one beside a `$ref` would make a second type."""
        if self.mode == "serialization":
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: FBT001 - overrides
        return self.mode == "serialization" or super().field_is_required(field, total)


def json_schema() -> Json:
    """Every document of the contract; the root is any of them, so that a generator makes all."""
    return {
        "$schema": DIALECT,
        "$id": "urn:mailvouch:contract:1",
        "title": f"{TITLE}Document",
        "description": f"Any document of the contract, version {VERSION}. "
        "What stands in a request key is an Envelope or a SealedEnvelope.",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in _DOCUMENTS],
        "$defs": definitions("#/$defs/{model}"),
    }


_HOW: Final = (
    f"Redis is the bus. A submit is one transaction: SET request NX EX {REQUEST_TTL_SECONDS}, "
    f"HSET <queue>.msgs, RPUSH <queue>. A result lives {RESULT_TTL_SECONDS} s. 'mailvouch' is the "
    "namespace, a setting; with MAILVOUCH_SHARDS it is that of the job's shard, which its id tells."
)


def asyncapi() -> Json:
    """The Redis keys and channels of docs/CONTRACT.md section 2."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": TITLE, "version": VERSION, "description": _HOW},
        "channels": _channels(),
        "operations": {
            "submitTest": _operation("send", "credentialTests"),
            "submitUpdate": _operation("send", "integrationUpdates"),
            "storeRequest": _operation("send", "request"),
            "readResult": _operation("receive", "result"),
            "readReport": _operation("receive", "report"),
            "hearOfDone": _operation("receive", "done"),
            "hearOfProgress": _operation("receive", "progress"),
        },
        "components": {
            "messages": {
                name: {"name": name, "payload": {"$ref": f"#/components/schemas/{name}"}}
                for name in _MESSAGES
            },
            "schemas": definitions("#/components/schemas/{model}"),
        },
    }


def _channels() -> Json:
    return {
        "request": _channel("mailvouch:request:{jobId}", ["Envelope", "SealedEnvelope"]),
        "credentialTests": _channel("mailvouch:credential-tests", ["QueueMessage"], job=False),
        "integrationUpdates": _channel(
            "mailvouch:integration-updates", ["QueueMessage"], job=False
        ),
        "result": _channel("mailvouch:result:{jobId}", ["TestResponse", "IntegrationResult"]),
        "report": _channel("mailvouch:report:{jobId}", ["Report"]),
        "done": _channel("mailvouch:done:{jobId}", ["JobId"]),
        "progress": _channel("mailvouch:progress:{jobId}", ["Progress"]),
    }


_MESSAGES: Final = (
    *("Envelope", "SealedEnvelope", "QueueMessage", "TestResponse", "IntegrationResult"),
    *("Report", "JobId", "Progress"),
)


def definitions(refs: _Refs) -> Json:
    """Every model, under names that `refs` refers to."""
    _, made = models_json_schema(_MODELS, ref_template=refs, schema_generator=_AllWritten)
    found = {**made.get("$defs", {}), **_by_hand(refs)}
    for (model, name), enum in _ENUM_OF.items():
        found[model]["properties"][name] = {"$ref": refs.format(model=enum)}
    enums = {name: {"type": "string", "enum": list(values)} for name, values in _ENUMS.items()}
    return {name: {"title": name, **schema} for name, schema in (found | enums).items()}


def _by_hand(refs: _Refs) -> Json:
    def ref(model: str) -> Json:
        return {"$ref": refs.format(model=model)}

    return {
        "JobId": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
        "Progress": _object({"done": {"type": "integer"}, "total": {"type": "integer"}}),
        "QueueMessage": _queue_message(ref("JobId")),
        **_requests(ref),
    }


def _requests(ref: Callable[[str], Json]) -> Json:
    return {
        "CredentialTestRequest": _object({REQUEST_LIST: _list_of(ref("RequestItem"), MAX_BATCH)}),
        "Envelope": {"oneOf": [ref("CredentialTestEnvelope"), ref("IntegrationEnvelope")]},
        "CredentialTestEnvelope": _object(
            {
                "version": {"const": 1},
                "kind": {"const": Kind.CREDENTIAL_TEST.value},
                "body": ref("CredentialTestRequest"),
            },
            optional={"dealerUUID": _SHORT},
        ),
        "IntegrationEnvelope": _object(
            {
                "version": {"const": 1},
                "kind": ref("IntegrationKind"),
                "brandUrl": {"type": "string", "maxLength": 512},
                "authKey": {"type": "string", "maxLength": 512, "format": "password"},
            },
            optional={"id": _SHORT, "body": ref("IntegrationBody")},
        ),
        "SealedEnvelope": {
            "type": "string",
            "pattern": r"^eyJ[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){4}$",
            "description": "The envelope as a JWE in compact form: ECDH-ES+A256KW, A256GCM, kid.",
        },
    }


def _list_of(items: Json, most: int) -> Json:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most}


def _queue_message(job_id: Json) -> Json:
    return _object(
        {
            "queue_name": {"type": "string"},
            "actor_name": {"type": "string"},
            "args": _list_of(job_id, 1),
            "kwargs": {"type": "object", "maxProperties": 0},
            "options": _object({"redis_message_id": {"type": "string"}}),
            "message_id": job_id,
            "message_timestamp": {"type": "integer", "description": "unix milliseconds"},
        }
    )


_SHORT: Final = {"type": "string", "maxLength": 128}


def _object(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required)}


def _channel(address: str, messages: list[str], *, job: bool = True) -> Json:
    found = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    channel: Json = {"address": address, "messages": found}
    if job:
        channel["parameters"] = {"jobId": {"description": "The job id, the idempotency key."}}
    return channel


def _operation(action: str, channel: str) -> Json:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}
