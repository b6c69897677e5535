"""SASLprep (RFC 4013) of user names and passwords for SCRAM."""

import stringprep
from typing import Final

from worker.probing.normal_forms import normalized

_PROHIBITED: Final = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,  # unassigned: a stored string must not hold one
)


def saslprep(text: str) -> str:
    """Prepare `text`; where it cannot be prepared, its NFC: servers differ, and one may match."""
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    prepared = normalized("NFKC", mapped)
    if prepared and not _is_prohibited(prepared) and _reads_one_way(prepared):
        return prepared
    return normalized("NFC", text)


def _is_prohibited(text: str) -> bool:
    # Each character once: a ligature may stand for eighteen, and a password for 24,000.
    return any(is_in_table(character) for character in set(text) for is_in_table in _PROHIBITED)


def _reads_one_way(text: str) -> bool:
    # RFC 3454, section 6: right-to-left text has no left-to-right character, and both ends are RTL.
    if not any(map(stringprep.in_table_d1, set(text))):
        return True
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return ends and not any(map(stringprep.in_table_d2, set(text)))
