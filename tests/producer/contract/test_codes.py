from producer.contract.codes import (
    ENVELOPE_SPELLING,
    FINDINGS,
    REQUEST_CODES,
    SUCCESSFUL,
    Code,
    GatewayCode,
    WarningCode,
    help_url,
)

CONTRACT = """
INVALID_FIELD MASKED_PASSWORD NOTHING_TO_TEST TARGET_NOT_ALLOWED LOGIN_COOLDOWN
DNS_NOT_FOUND DNS_TEMPORARY CONNECTION_REFUSED CONNECTION_TIMED_OUT NETWORK_UNREACHABLE
CONNECTION_CLOSED TLS_MODE_MISMATCH TLS_HANDSHAKE_FAILED TLS_VERSION_UNSUPPORTED
CERTIFICATE_EXPIRED CERTIFICATE_NAME_MISMATCH CERTIFICATE_UNTRUSTED
STARTTLS_NOT_OFFERED STARTTLS_REFUSED STARTTLS_INJECTION
CERTIFICATE_WEAK CLIENT_CERTIFICATE_REQUIRED TLS_BYPASS
GREETING_REJECTED WRONG_SERVICE PROTOCOL_ERROR RESPONSE_TOO_LARGE DEADLINE_EXCEEDED
AUTH_NOT_OFFERED NO_COMMON_MECHANISM AUTH_REQUIRES_TLS AUTH_UNPROVEN AUTHENTICATION_FAILED
AUTHENTICATION_AMBIGUOUS AUTHENTICATION_TEMPORARY CLIENT_BLOCKED
APP_PASSWORD_REQUIRED PASSWORD_LOGIN_DISABLED PROTOCOL_DISABLED WEB_LOGIN_REQUIRED
ACCOUNT_LOCKED PASSWORD_EXPIRED
RATE_LIMITED TOO_MANY_CONNECTIONS QUOTA_EXCEEDED MAILBOX_UNAVAILABLE SENDER_REJECTED
SENDER_INCONCLUSIVE
INVALID_REQUEST_DATA REQUEST_UNREADABLE REQUEST_EXPIRED REQUEST_NOT_SEALED WORKER_FAILED
INTERNAL_SERVER_ERROR
"""


def test_the_set_is_closed():
    assert {code.value for code in Code} == {"OK", *CONTRACT.split()}


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
    assert FINDINGS < SUCCESSFUL
    assert not SUCCESSFUL & REQUEST_CODES
    assert len(REQUEST_CODES) == 6


def test_every_code_of_the_gateway_has_a_spelling_in_the_envelope_but_one():
    # Brands have no dealers that another subscriber might own.
    assert set(GatewayCode) - set(ENVELOPE_SPELLING) == {GatewayCode.REQUEST_NOT_AUTHORIZED}


def test_help_on_a_code_is_an_anchor_of_its_name():
    assert help_url(Code.CLIENT_BLOCKED) == "CODES.md#client_blocked"
    assert help_url(Code.OK, "https://help.example/codes") == "https://help.example/codes#ok"
