"""The documented payloads of the integrations family, and how strictly a body is read."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contract.codes import REQUEST_CODES, Code
from producer.contract.credentials import RequestItem
from producer.contract.integration_body import IntegrationBody, read_body
from producer.contract.integrations import (
    CatalogueEntry,
    FieldProblem,
    IntegrationData,
    IntegrationResult,
    IntegrationStatus,
    failure,
    request_failure,
    success,
)
from producer.contract.names import MASK
from producer.contract.ownership import normalise_brand
from producer.records.store import auth_key_digest

GOLDEN = Path(__file__).parents[2] / "golden"
EXAMPLE = (GOLDEN / "integration_update_example.json").read_text()
REQUEST = json.loads((GOLDEN / "integration_update_request.json").read_text())


def problems(**changes: object) -> list[str]:
    body = {name: value for name, value in {**REQUEST, **changes}.items() if value is not ...}
    read = read_body(body)
    return [] if isinstance(read, IntegrationBody) else [problem.message for problem in read]


def test_the_vendors_example_response_goes_through_the_model_and_comes_out_byte_for_byte():
    result = IntegrationResult.model_validate_json(EXAMPLE)
    assert json.dumps(json.loads(result.to_bytes()), indent=2) + "\n" == EXAMPLE


def test_a_success_has_the_examples_keys_in_its_order_and_the_mask_for_the_password():
    entry = CatalogueEntry(type="SMTP", name="Gmail", id="gmail")
    data = IntegrationData(
        app_integration=entry,
        name="n",
        host="h",
        port=25,
        username="u",
        use_tls=False,
        is_default=False,
        description=None,
        status=IntegrationStatus.INACTIVE,
        id="i",
    )
    mine = json.loads(success(data).to_bytes())
    example = json.loads(EXAMPLE)
    assert list(mine) == list(example)
    assert list(mine["data"]) == list(example["data"])
    assert list(mine["data"]["appIntegration"]) == list(example["data"]["appIntegration"])
    assert mine["data"]["password"] == MASK


def test_a_failure_has_no_data_and_documented_errors():
    problem = FieldProblem(code="PasswordRequired", message="password is required.")
    document = json.loads(failure(400, [problem], "uid").to_bytes())
    assert document == {
        "success": False,
        "statusCode": 400,
        "message": "The request is invalid.",
        "data": None,
        "errors": [
            {
                "code": "PasswordRequired",
                "message": "password is required.",
                "correlationId": "uid",
            }
        ],
    }


@pytest.mark.parametrize("code", sorted(REQUEST_CODES))
def test_every_request_level_code_has_its_envelope(code):
    document = json.loads(request_failure(code, "why", "uid").to_bytes())
    workers_fault = code in (Code.WORKER_FAILED, Code.INTERNAL_SERVER_ERROR)
    assert document["statusCode"] == (500 if workers_fault else 400)
    assert document["errors"][0]["code"] == code
    assert document["data"] is None


def test_the_vendors_example_request_is_read():
    body = read_body(REQUEST)
    assert isinstance(body, IntegrationBody)
    assert body.wanted_status is IntegrationStatus.INACTIVE


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("0 - Inactive", IntegrationStatus.INACTIVE),
        ("1 - Active", IntegrationStatus.ACTIVE),
        ("Inactive", IntegrationStatus.INACTIVE),
        ("Active", IntegrationStatus.ACTIVE),
    ],
)
def test_a_status_is_read_in_its_four_spellings(status, wanted):
    assert read_body({**REQUEST, "status": status}).wanted_status is wanted


def test_optional_fields_may_be_absent_or_null_and_unknown_ones_are_ignored():
    assert problems(useTls=..., isDefault=..., description=..., status=...) == []
    assert problems(useTls=None, isDefault=None, description=None) == []
    assert problems(createdDate="2026", app_integration_id=7, use_tls="x") == []


@pytest.mark.parametrize("name", ["appIntegrationId", "name", "host", "username"])
@pytest.mark.parametrize(
    "value", [None, 7, True, [], {}, "", "a\nb", "a\r\n", "\ta", "a\0", "\x7f", "\u2028", "\ud800"]
)
def test_a_required_text_is_a_printable_string_that_is_not_empty(name, value):
    (message,) = problems(**{name: value})
    assert message.startswith(f"{name} must be a string of 1 to ")


@pytest.mark.parametrize("value", [None, 7, True, [], {}, "", "a\nb", "a\r\n", "a\0", "\ud800"])
def test_a_password_is_any_string_that_a_login_can_carry(value):
    (message,) = problems(password=value)
    assert message.startswith("password must be a string of 1 to ")


@pytest.mark.parametrize(
    "password", ["\ta", "a\x7f", "\u2028", "\x1b", " ", "x" * 4096, "\u00e9" * 2048, "\U0001f511"]
)
def test_a_password_may_hold_what_that_of_a_credential_test_may(password):
    assert problems(password=password) == []
    assert read_body({**REQUEST, "password": password}).password.get_secret_value() == password
    assert RequestItem(password=password).password.get_secret_value() == password


@pytest.mark.parametrize("password", ["x" * 4097, "\u00e9" * 2049])
def test_a_password_is_measured_in_bytes(password):
    assert len(problems(password=password)) == 1


def test_spaces_around_a_host_are_left_out_and_a_blank_host_is_none():
    assert read_body({**REQUEST, "host": "  mail.example "}).host == "mail.example"
    assert len(problems(host="   ")) == 1


@pytest.mark.parametrize("name", ["appIntegrationId", "name", "host", "username", "password"])
def test_a_text_has_a_limit(name):
    assert problems(**{name: "x" * 100}) == []
    assert len(problems(**{name: "x" * 5000})) == 1


@pytest.mark.parametrize(
    "name", ["appIntegrationId", "name", "host", "port", "username", "password"]
)
def test_a_required_field_that_is_absent_is_told_so(name):
    assert problems(**{name: ...}) == [f"{name} is required."]


@pytest.mark.parametrize(
    "port", [None, "587", 587.0, 587.5, True, 0, -1, 65536, 2**31, 10**30, [], float("nan")]
)
def test_a_port_is_an_integer_from_1_to_65535(port):
    assert problems(port=port) == ["port must be an integer from 1 to 65535."]


@pytest.mark.parametrize("name", ["useTls", "isDefault"])
@pytest.mark.parametrize("value", ["true", "", 1, 0, [], {}])
def test_a_flag_is_a_json_boolean_or_null(name, value):
    assert problems(**{name: value}) == [f"{name} must be true, false or null."]


@pytest.mark.parametrize("status", [None, "", "active", "2 - Gone", 1, True, []])
def test_any_other_status_is_an_error(status):
    assert len(problems(status=status)) == 1


@pytest.mark.parametrize("description", [7, "x" * 2049, "a\x1bb", "a\0b", "\x7f", "\ud800"])
def test_a_description_is_null_or_a_printable_string(description):
    assert len(problems(description=description)) == 1


@pytest.mark.parametrize("description", ["", "two\nlines", "a\r\nb\r\n", "a\tb", "\u2028", "\x85"])
def test_a_description_may_have_lines(description):
    assert problems(description=description) == []
    assert read_body({**REQUEST, "description": description}).description == description


def test_no_message_quotes_what_was_given():
    canary = "canary-5c1d"
    read = read_body({name: [canary] for name in REQUEST})
    assert len(read) == len(REQUEST)
    assert canary not in repr(read)
    assert canary not in repr(read_body({**REQUEST, "password": canary}))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(_json | st.fixed_dictionaries({}, optional=dict.fromkeys(REQUEST, _json)))
def test_any_json_is_read_or_told_what_is_wrong_with_one_error_a_field(body):
    read = read_body(body)
    if not isinstance(read, IntegrationBody):
        messages = [problem.message for problem in read]
        fields = [message.split()[0] for message in messages]
        assert messages
        assert len(fields) == len(set(fields))


@pytest.mark.parametrize(
    "spelling",
    [
        "Shop.Example/a",
        "https://shop.example/a",
        "HTTP://SHOP.EXAMPLE/a/",
        "  https://shop.example/A// ",
    ],
)
def test_a_brand_is_one_whatever_its_spelling(spelling):
    assert normalise_brand(spelling) == "shop.example/a"


@pytest.mark.parametrize("blank", ["", " ", "/", "https://", "https:///"])
def test_a_blank_brand_url_is_no_brand(blank):
    assert normalise_brand(blank) == ""


def test_equal_auth_keys_of_two_brands_have_different_digests():
    assert auth_key_digest("a", "key") != auth_key_digest("b", "key")
