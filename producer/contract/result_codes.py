"""Every code as a result may spell it: with its protocol before it where it speaks of one."""

from collections.abc import Iterable
from typing import Final

from producer.contract.codes import (
    ENVELOPE_SPELLING,
    SENDER_FINDINGS,
    Code,
    GatewayCode,
    WarningCode,
)
from producer.contract.integrations import ErrorCode

PREFIXES: Final = ("SMTP_", "IMAP_")


def _spelled(codes: Iterable[str]) -> list[str]:
    return [f"{prefix}{code}" for code in codes for prefix in ("", *PREFIXES)]


_FAILURES: Final = _spelled(code.value for code in Code if code is not Code.OK)

ERROR_CODES: Final = tuple(dict.fromkeys([*_FAILURES, *(code.value for code in GatewayCode)]))
"""Of `errors[].errorCode`."""

WARNING_CODES: Final = tuple(
    _spelled(
        [*(code.value for code in WarningCode), *sorted(code.value for code in SENDER_FINDINGS)]
    )
)
"""Of `warnings[].warningCode`."""

INTEGRATION_CODES: Final = tuple(
    dict.fromkeys([*(code.value for code in ErrorCode), *_FAILURES, *ENVELOPE_SPELLING.values()])
)
"""Of `errors[].code` in the envelope of integrations."""
