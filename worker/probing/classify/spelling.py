"""Words as they are compared: in lower case, without accents, marks, articles and possessives."""

import unicodedata
from typing import Final

from worker.probing.normal_forms import taken_apart
from worker.probing.patterns import text_pattern

Words = tuple[str, ...]

MAX_CHARACTERS: Final = 2048
MAX_DECOMPOSED_CHARACTERS: Final = 2 * MAX_CHARACTERS
"""A syllable of Korean falls into three; one ligature of Arabic into eighteen. A verdict looks at
one text some five times: 2 ms each.
"""

MAX_APOSTROPHES: Final = 100
"""Of a kind, that are looked at; each takes 4 us. A verdict looks at no more words."""

_INSIDE_WORDS: Final = frozenset("\u00ad\u200c\u200d\u2060\ufeff")
"""Characters without a width that do not end a word, such as the soft hyphen."""
_FOLDED: Final = str.maketrans("\u0142\u00f8\u0111\u0131", "lodi", "'`\u2019\u00b4")
"""Letters that have no accent to take away, like the Polish l; and apostrophes."""

_ASCII: Final = {
    code: (None if chr(code) in "'`" else chr(code) if chr(code).isalnum() else " ")
    for code in range(128)
}
"""What `_spaced` makes of the characters that nearly every reply is made of, in one pass."""

_ELISION: Final = text_pattern(r"(^|[^\pL\pN])(?:l|d|qu|n|s|c|dell|all|nell|sull|dall)['\x{2019}]")
"""French and Italian articles and the like before a vowel."""

_POSSESSIVE: Final = text_pattern(r"['\x{2019}]s($|[^\pL\pN])")


def words_of(text: str) -> Words:
    """Split into lower-case words. Accents go: half of the servers that should write them do not.

    An ideograph is a word: Chinese and Japanese leave no blanks to cut at.
    """
    plain = text.casefold()
    if "'" in plain or "\u2019" in plain:
        plain = _ELISION.sub(r"\1", plain, MAX_APOSTROPHES)
        plain = _POSSESSIVE.sub(r"\1", plain, MAX_APOSTROPHES)
    if plain.isascii():
        return tuple(plain.translate(_ASCII).split())
    # The case again, as a letter in a script of its own is an ordinary capital underneath.
    plain = taken_apart("NFKD", plain.translate(_FOLDED))[:MAX_DECOMPOSED_CHARACTERS]
    plain = plain.casefold().translate(_FOLDED)
    # Each character is looked at once: most stand there many times.
    spaced = {ord(character): _spaced(character) for character in set(plain)}
    return tuple(plain.translate(spaced).split())


def _spaced(character: str) -> str:
    if character.isascii():
        return character if character.isalnum() else " "
    if "\u3040" <= character <= "\u30ff" or "\u3400" <= character <= "\u9fff":  # ideographs
        return f" {character} "
    if unicodedata.combining(character) or character in _INSIDE_WORDS:
        return ""
    return character if character.isalnum() else " "


_FILLERS: Final = frozenset({"been", "be", "being", "yet", "currently", "presently", "ever"})
_FILLED: Final = ("not", "cannot")


def without_fillers(words: Words) -> Words:
    """Say "not enabled" for "not yet been enabled": what parts a negation from its verb goes."""
    kept: list[str] = []
    for word in words:
        if not (word in _FILLERS and kept and kept[-1] in _FILLED):
            kept.append(word)
    return tuple(kept)
