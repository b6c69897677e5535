"""The machine-readable contract: well-formed, complete, and true to real documents."""

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from producer.contract.envelope import queue_message
from producer.contract.names import Queue
from producer.openapi.document import openapi
from producer.openapi.paths import TEST_PATH, UPDATE_PATH
from producer.schema import asyncapi, json_schema

GOLDEN = Path(__file__).parents[1] / "golden"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


def references(document: Any) -> set[str]:
    if isinstance(document, dict):
        own = {document["$ref"]} if isinstance(document.get("$ref"), str) else set()
        return own.union(*map(references, document.values()))
    return set().union(*map(references, document)) if isinstance(document, list) else set()


def at(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return document


@pytest.mark.parametrize("make", [json_schema, openapi, asyncapi])
def test_every_reference_leads_somewhere(make):
    document = json.loads(json.dumps(make()))
    found = references(document)
    assert len(found) > 8
    for reference in found:
        assert at(document, reference), reference


def test_the_documents_name_their_version():
    assert openapi()["openapi"] == "3.1.0"
    assert asyncapi()["asyncapi"] == "3.0.0"
    assert json_schema()["$schema"].endswith("2020-12/schema")


TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def fits(document: Any, schema: Any, root: Any) -> bool:
    """As much of JSON Schema as our documents use."""
    if "$ref" in schema:
        return fits(document, at(root, schema["$ref"]), root)
    either = schema.get("oneOf") or schema.get("anyOf")
    return (
        (not either or any(fits(document, one, root) for one in either))
        and ("const" not in schema or document == schema["const"])
        and ("enum" not in schema or document in schema["enum"])
        and ("type" not in schema or isinstance(document, TYPES[schema["type"]]))
        and parts_fit(document, schema, root)
    )


def parts_fit(document: Any, schema: Any, root: Any) -> bool:
    if isinstance(document, list):
        return all(fits(entry, schema.get("items", {}), root) for entry in document)
    if not isinstance(document, dict):
        return True
    known = schema.get("properties", {})
    return (
        set(schema.get("required", ())) <= document.keys()
        and (schema.get("additionalProperties", True) or document.keys() <= known.keys())
        and all(fits(value, known.get(name, {}), root) for name, value in document.items())
    )


ROOT = json_schema()
GENUINE = {
    "outcome": "FAILURE",
    "errorCode": "IMAP_AUTHENTICATION_FAILED",
    "warningCode": "CLEARTEXT_LOGIN",
}


def genuine(document: Any) -> Any:
    """The vendor's example says "string" everywhere: put words of the closed sets there."""
    if isinstance(document, dict):
        return {name: GENUINE.get(name, genuine(value)) for name, value in document.items()}
    return [genuine(one) for one in document] if isinstance(document, list) else document


TEST_ENVELOPE = {
    "version": 1,
    "kind": "credential-test",
    "dealerUUID": "d",
    "body": {"emailCredentialsRequests": [{"smtpHost": "h", "smtpPort": 465, "imapPort": "993"}]},
}
UPDATE_ENVELOPE = {
    "version": 1,
    "kind": "integration-update",
    "id": "i",
    "brandUrl": "b",
    "authKey": "k",
    "body": {
        "appIntegrationId": "a",
        "name": "n",
        "host": "h",
        "port": 587,
        "username": "u",
        "password": "p",
    },
}
DOCUMENTS = [
    ("Envelope", TEST_ENVELOPE),
    ("Envelope", UPDATE_ENVELOPE),
    ("TestResponse", genuine(golden("credential_test_example"))),
    ("Report", golden("report_example")),
    ("QueueMessage", json.loads(queue_message(Queue.CREDENTIAL_TESTS, "j", "r", 1))),
]


@pytest.mark.parametrize(("name", "document"), DOCUMENTS)
def test_real_documents_fit_their_schema(name, document):
    assert fits(document, ROOT["$defs"][name], ROOT)


@pytest.mark.parametrize(("name", "document"), DOCUMENTS)
def test_a_document_that_lacks_a_required_key_does_not(name, document):
    required = [key for key in document if key not in ("dealerUUID", "id")]
    for key in required:
        without = {k: v for k, v in document.items() if k != key}
        if key == "body" and document is UPDATE_ENVELOPE:  # a delete has none
            continue
        assert not fits(without, ROOT["$defs"][name], ROOT), key


def test_a_result_with_a_foreign_key_does_not_fit():
    document = golden("credential_test_example")
    document["emailCredentialsResponses"][0]["smtpUserID"] = "x"
    assert not fits(document, ROOT["$defs"]["TestResponse"], ROOT)


@pytest.mark.slow
def test_the_gateway_is_described_as_a_validator_wants_it():
    OpenAPIV31SpecValidator(json.loads(json.dumps(openapi()))).validate()


def test_the_vendors_endpoints_are_described_as_the_vendors_do():
    document = openapi()
    post = document["paths"][TEST_PATH]["post"]
    assert post["requestBody"]["required"] is True
    assert post["security"] == [{"basicAuth": []}]
    assert document["components"]["securitySchemes"]["basicAuth"] == {
        "type": "http",
        "scheme": "basic",
    }

    put = document["paths"][UPDATE_PATH]["put"]
    assert put["requestBody"]["required"] is True
    headers = [one for one in put["parameters"] if one.get("required")]
    assert [one["name"] for one in headers] == ["Brand-URL", "Auth-Key"]
    body = document["components"]["schemas"]["IntegrationBody"]
    assert body["required"] == ["appIntegrationId", "name", "host", "port", "username", "password"]
    properties = body["properties"]
    assert properties["port"]["format"] == "int32"
    assert properties["useTls"]["default"] is False
    assert properties["isDefault"]["default"] is False
    assert properties["status"]["enum"][0] == "0 - Inactive"
    assert "default" not in properties["status"]


def test_every_endpoint_of_the_gateway_is_described():
    described = {
        f"{method.upper()} {path}"
        for path, item in openapi()["paths"].items()
        for method in item
        if method != "parameters"
    }
    family = "/api/v1/app-integrations/smtp"
    reads = {one for one in described if one.startswith("GET ")}
    assert {one.replace("HEAD ", "GET ") for one in described if one.startswith("HEAD ")} == reads
    assert {one for one in described if not one.startswith("HEAD ")} == {
        f"POST {TEST_PATH}",
        f"POST {TEST_PATH.removeprefix('/communications')}",
        *(f"{method} {family}" for method in ("GET", "POST")),
        *(f"{method} {family}/{{id}}" for method in ("GET", "PUT", "DELETE")),
        f"POST {family}/test",
        *(f"GET /jobs/{{id}}{part}" for part in ("", "/report", "/events")),
        "GET /",
        "POST /",
        *(f"GET /{name}" for name in ("healthz", "readyz", "metrics", "openapi.json", "docs")),
    }


def test_the_channels_are_the_keys_of_the_contract():
    addresses = {channel["address"] for channel in asyncapi()["channels"].values()}
    assert addresses == {
        "mailvouch:request:{jobId}",
        "mailvouch:credential-tests",
        "mailvouch:integration-updates",
        "mailvouch:result:{jobId}",
        "mailvouch:report:{jobId}",
        "mailvouch:done:{jobId}",
        "mailvouch:progress:{jobId}",
    }
