"""What counts of a text when secrets are looked for in it: letters and digits, in one case."""

from functools import lru_cache
from typing import Final

from worker.probing.normal_forms import normalized
from worker.probing.secrecy.octets import LETTERS_AND_DIGITS, MARKS, all_but

_SEPARATORS: Final = all_but(LETTERS_AND_DIGITS)
_FOLDED_KEPT: Final = 4096


def ascii_letters_and_digits(data: bytes) -> bytes:
    """ASCII letters and digits, in one case. Without NUL, UTF-16 reads as well."""
    return data.translate(None, _SEPARATORS).lower()


def without_marks(data: bytes) -> bytes:
    """All but ASCII's marks, in one case: of a text in a code page."""
    return data.translate(None, MARKS).lower()


def letters_and_digits(text: str) -> str:
    """Letters and digits of any script, without marks, in one case.

    Without marks, letters are the same in every normal form. Folded one by one: to put thousands of
    marks on one letter in order takes quadratic time.
    """
    if text.isascii():
        return ascii_letters_and_digits(text.encode("ascii")).decode("ascii")
    return "".join(map(folded, text))


@lru_cache(_FOLDED_KEPT)
def folded(character: str) -> str:
    """Letters and digits that one character stands for."""
    parts = normalized("NFKD", character).casefold()
    return "".join(filter(str.isalnum, parts))
