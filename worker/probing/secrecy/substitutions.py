"""Letters put in each other's place: any shift of the alphabet, its mirror image, look-alikes.

Not the letters are compared but the steps from one to the next, of which a shift changes none: so
one search finds all shifts (Caesar, rot13), whatever becomes of digits, and, with the steps the
other way round, all mirrored ones (Atbash). Look-alikes (h4nd1e) are made one letter each.
"""

from collections.abc import Iterator
from typing import Final

from worker.probing.secrecy.letters import ascii_letters_and_digits
from worker.probing.secrecy.octets import LOWER, all_but
from worker.probing.secrecy.spellings import spans

MIN_CHARACTERS: Final = 8
MIN_LETTERS: Final = 6
"""Of six and seven letters all steps are looked for: fewer may stand in any text."""

_NO_LETTERS: Final = all_but(LOWER)
_NUMBER: Final = bytes(LOWER.find(code) % 256 for code in range(256))
_OFFSET: Final = 2 * len(LOWER)
"""Added to each step, so that none is negative."""

_FORWARD: Final = bytes(0x80 + step % 26 for step in range(256))
_MIRRORED: Final = bytes(0x80 + -step % 26 for step in range(256))
"""What a step is called, beyond ASCII: it stands beside look-alikes."""

_LOOK_ALIKES: Final = bytes.maketrans(b"01l23456789q", b"oiizeasgtbgg")
_MARKS: Final = bytes.maketrans(b"!|$+@", b"iista")


def in_other_letters(text: bytes) -> bytes:
    """What is searched of a text: its steps, as they are, mirrored and backwards; its looks."""
    letters = _letters_of(text)
    steps, backwards = _steps(letters), _steps(letters[::-1])
    return b"\n".join(
        (
            *(steps.translate(table) for table in (_FORWARD, _MIRRORED)),
            backwards.translate(_FORWARD),
            _looks(text),
            _looks(text.translate(_MARKS)),
        )
    )


def pieces_in_other_letters(secret: bytes) -> Iterator[tuple[bytes, str, bytes]]:
    """Yield what to look for there, the letters that it stands for, and the whole that it is of.

    The whole is empty where that is not all of the secret, but its letters without its digits.
    """
    letters, plain = _letters_of(secret), ascii_letters_and_digits(secret)
    if (count := len(letters)) >= MIN_LETTERS:
        steps = _steps(letters).translate(_FORWARD)
        whole = steps if letters == plain else b""
        for start, end in spans(count) if count >= MIN_CHARACTERS else [(0, count)]:
            yield steps[start : end - 1], letters[start:end].decode("ascii"), whole
    if len(plain) >= MIN_CHARACTERS:
        looks = _looks(secret)
        for start, end in spans(len(looks)):
            yield looks[start:end], plain[start:end].decode("ascii"), looks


def _letters_of(text: bytes) -> bytes:
    return text.lower().translate(None, _NO_LETTERS)


def _steps(letters: bytes) -> bytes:
    """From each letter to the next.

    A difference of long integers is one of all their octets at once: none of them is negative.
    """
    size = max(0, len(letters) - 1)
    after = int.from_bytes(letters[1:].translate(_NUMBER), "big")
    before = int.from_bytes(letters[:-1].translate(_NUMBER), "big")
    offsets = int.from_bytes(bytes((_OFFSET,)) * size, "big")
    return (after + offsets - before).to_bytes(size, "big")


def _looks(text: bytes) -> bytes:
    return ascii_letters_and_digits(text).translate(_LOOK_ALIKES)
