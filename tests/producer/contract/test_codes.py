from producer.contract.codes import (
    ENVELOPE_SPELLING,
    REQUEST_CODES,
    SENDER_FINDINGS,
    SUCCESSFUL,
    Code,
    GatewayCode,
    WarningCode,
    help_url,
)


def test_a_code_is_its_own_name():
    assert all(code.name == code.value for code in (*Code, *WarningCode))


def test_the_warnings_that_the_contract_names_exist():
    assert {
        "UNKNOWN_CREDENTIALS_TYPE",
        "STARTTLS_IGNORED",
        "CLEARTEXT_LOGIN",
        "AUTH_SKIPPED",
        "LOGIN_NOT_REPEATED",
    } <= {code.value for code in WarningCode}


def test_findings_are_no_failures_and_no_request_codes():
    assert SENDER_FINDINGS < SUCCESSFUL
    assert not SUCCESSFUL & REQUEST_CODES
    assert len(REQUEST_CODES) == 6


def test_every_code_of_the_gateway_has_a_spelling_in_the_envelope_but_one():
    # Brands have no dealers that another subscriber might own.
    assert set(GatewayCode) - set(ENVELOPE_SPELLING) == {GatewayCode.REQUEST_NOT_AUTHORIZED}


def test_help_on_a_code_is_an_anchor_of_its_name():
    assert help_url(Code.CLIENT_BLOCKED) == "CODES.md#client_blocked"
    assert help_url(Code.OK, "https://help.example/codes") == "https://help.example/codes#ok"
