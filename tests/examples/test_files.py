"""The documents under `examples/` are requests that the worker accepts."""

import json

import pytest

from producer.contract.credentials import REQUEST_SPELLING
from producer.contract.envelope import parse_envelope
from producer.contract.integration_body import read_body
from tests.examples.languages import EXAMPLES
from worker.jobs.plan import plan_item


def example(name):
    return (EXAMPLES / name).read_bytes()


def test_every_account_of_the_batch_is_tested_as_documented():
    for item in json.loads(example("batch.json"))["emailCredentialsRequests"]:
        assert item.keys() <= set(REQUEST_SPELLING.values())
        plan = plan_item(item)
        assert plan.probes
        assert not plan.problems


def test_the_integration_is_a_request_body():
    assert read_body(json.loads(example("integration.json"))).name == "Newsletter"


def test_the_integration_names_an_entry_of_the_catalogue():
    entries = {entry["id"] for entry in json.loads(example("catalogue.json"))}
    assert json.loads(example("integration.json"))["appIntegrationId"] in entries


@pytest.mark.parametrize("kind", ["credential-test", "integration-update"])
def test_an_envelope_is_of_its_kind(kind):
    assert parse_envelope(example(f"{kind}.envelope.json")).kind == kind
