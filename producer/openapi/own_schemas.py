"""The documents that are the gateway's own; all others are made from the contract's models."""

from typing import Any, Final

from producer.contract.credentials import REQUEST_SPELLING
from producer.contract.names import MAX_BATCH

_FLAGS: Final = ("UseSSLOrTLS", "EnableStartTLS")
_FORM_FIELDS: Final = sorted(
    name for name in REQUEST_SPELLING.values() if not name.endswith(_FLAGS)
)

OWN_SCHEMAS: Final[dict[str, Any]] = {
    "Problem": {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer", "format": "int32"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "errorUID": {"type": "string", "format": "uuid"},
        },
        "required": ["type", "title", "status", "detail", "code", "errorUID"],
    },
    "Readiness": {
        "type": "object",
        "properties": {
            "redis": {"type": "boolean"},
            "workers": {"type": "integer", "format": "int32"},
        },
        "required": ["redis", "workers"],
    },
    "Health": {
        "type": "object",
        "properties": {"status": {"enum": ["ok", "failed"]}},
        "required": ["status"],
    },
    "TestForm": {
        "type": "object",
        "description": (
            "The documented request names, `smtpSecurity` and `imapSecurity` in place of the "
            f"flags; or `batch`: a request body or CSV of at most {MAX_BATCH} accounts."
        ),
        "properties": {
            "dealerUUID": {"type": "string"},
            **{name: {"type": "string"} for name in _FORM_FIELDS},
            "smtpSecurity": {"enum": ["auto", "implicit_tls", "starttls", "cleartext"]},
            "imapSecurity": {"enum": ["auto", "implicit_tls", "starttls", "cleartext"]},
            "batch": {"type": "string"},
        },
        "additionalProperties": {"type": "string"},
    },
}
