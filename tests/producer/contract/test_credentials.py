import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from producer.contract.credentials import (
    REQUEST_SPELLING,
    ErrorEntry,
    RequestItem,
    ResponseItem,
    TestResponse,
    WarningEntry,
)
from producer.contract.field_types import MAX_SECRET_BYTES

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden/credential_test_example.json").read_text("utf-8")
)
REQUEST_NAMES = {
    *("imapUserID", "imapHost", "imapPort", "smtpUserID", "smtpPassword", "smtpHost", "smtpPort"),
    *("smtpEnableStartTLS", "smtpUseAuth", "imapUseSSLOrTLS", "imapEnableStartTLS"),
    *("smtpUseSSLOrTLS", "dealerEmail", "accountType", "password", "orgName"),
    *("credentialsType", "imapPassword"),
}


def in_the_other_direction(name: str) -> str:
    """How the vendor spells a request field in a response: leading capitals become small."""
    upper = re.sub(r"^(smtp|imap)", lambda found: found[0].upper(), name)
    return re.sub(r"^[A-Z]+", lambda found: found[0].lower(), upper) if upper != name else name


def test_a_response_writes_exactly_the_documented_keys_in_their_order():
    entry = ErrorEntry(errorCode="string", errorDescription="string", errorUID="string")
    remark = WarningEntry(warningCode="string", warningDescription="string")
    names = [n for n in ResponseItem.model_fields if n not in ("errors", "warnings")]
    item = ResponseItem(**dict.fromkeys(names, "string"), errors=(entry,), warnings=(remark,))
    response = TestResponse(emailCredentialsResponses=(item,), errors=(entry,), warnings=(remark,))
    assert json.dumps(json.loads(response.model_dump_json())) == json.dumps(GOLDEN)


def test_every_leaf_of_a_response_is_a_string():
    item = ResponseItem(outcome="SUCCESS", testDuration="12").model_dump()
    assert all(isinstance(v, str) for k, v in item.items() if k not in ("errors", "warnings"))


def test_a_response_takes_no_key_that_is_not_documented():
    with pytest.raises(ValidationError):
        ResponseItem(outcome="SUCCESS", testDuration="1", smtpUserID="jo")


def test_the_request_is_spelled_as_documented():
    assert set(REQUEST_SPELLING.values()) == REQUEST_NAMES


@pytest.mark.parametrize("name", sorted(REQUEST_NAMES))
def test_both_spellings_are_read(name):
    value = "true" if "Use" in name or "Enable" in name else "993"
    documented = RequestItem.model_validate({name: value})
    other = RequestItem.model_validate({in_the_other_direction(name): value})
    assert documented == other
    assert documented != RequestItem()


@pytest.mark.parametrize("name", sorted(RequestItem.model_fields.keys() - REQUEST_NAMES))
def test_a_field_by_our_own_name_for_it_is_unknown_and_ignored(name):
    assert RequestItem.model_validate({name: []}) == RequestItem()


def test_the_two_spellings_are_those_of_the_response():
    assert {
        in_the_other_direction(name) for name in REQUEST_NAMES if name != "orgName"
    } <= ResponseItem.model_fields.keys()


@pytest.mark.parametrize("word", ["true", "TRUE", "1", "yes", "Y", " on ", True, 1])
def test_yes_has_many_words(word):
    assert RequestItem.model_validate({"smtpUseAuth": word}).smtp_use_auth is True


@pytest.mark.parametrize("word", ["false", "0", "No", "n", "OFF", False, 0])
def test_no_has_many_words(word):
    assert RequestItem.model_validate({"smtpUseAuth": word}).smtp_use_auth is False


@pytest.mark.parametrize("word", ["", "  ", "\t", None])
def test_blank_and_null_mean_unset(word):
    item = RequestItem.model_validate({"smtpUseAuth": word, "smtpPort": word, "smtpHost": word})
    assert (item.smtp_use_auth, item.smtp_port, item.smtp_host) == (None, None, "")


def test_a_host_that_was_pasted_with_blanks_around_it_is_that_host():
    assert RequestItem.model_validate({"smtpHost": "\tmail.test "}).smtp_host == "mail.test"


@pytest.mark.parametrize("port", ["993", 993, "00993"])
def test_a_port_is_a_string_or_a_number(port):
    assert RequestItem.model_validate({"imapPort": port}).imap_port == 993


@pytest.mark.parametrize(
    "wrong",
    [
        {"imapPort": "0"},
        {"imapPort": 65536},
        {"imapPort": -1},
        {"imapPort": "99x"},
        {"imapPort": "٩٩٣"},
        {"imapPort": True},
        {"imapPort": 993.5},
        {"imapPort": [993]},
        {"smtpUseAuth": "maybe"},
        {"smtpUseAuth": 2},
        {"smtpUseAuth": {}},
        {"dealerEmail": 7},
        {"dealerEmail": "a\r\nRCPT TO:<x>"},
        {"smtpHost": "a\0b"},
        {"smtpHost": "x" * 255},
        {"dealerEmail": "x" * 513},
        {"password": "two\nlines"},
        {"password": "nul\0"},
        {"password": ["s3cret"]},
        {"password": "\ud800"},
        {"password": "x" * (MAX_SECRET_BYTES + 1)},
    ],
)
def test_what_cannot_be_meant_is_refused_without_a_quote(wrong):
    with pytest.raises(ValidationError) as caught:
        RequestItem.model_validate(wrong)
    (error,) = caught.value.errors(include_input=False)
    assert error["type"] == "invalid_field"
    assert "s3cret" not in str(caught.value)


def test_a_password_is_a_secret_from_birth():
    item = RequestItem.model_validate({"password": "s3cret", "smtpPassword": " spaces stay "})
    assert "s3cret" not in repr(item) + str(item) + item.model_dump_json()
    assert item.smtp_password.get_secret_value() == " spaces stay "


@given(
    st.dictionaries(
        st.sampled_from(sorted(REQUEST_NAMES)) | st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda leaf: st.lists(leaf, max_size=2) | st.dictionaries(st.text(), leaf, max_size=2),
            max_leaves=4,
        ),
    )
)
def test_any_json_object_is_an_item_or_a_list_of_wrong_fields(document):
    found = read(document)
    if isinstance(found, RequestItem):
        assert found.smtp_port is None or 1 <= found.smtp_port <= 65535
    else:
        assert found
        assert all(part["loc"] for part in found)


def read(document):
    try:
        return RequestItem.model_validate(document)
    except ValidationError as error:
        return error.errors(include_input=False)
