"""Which of a server's words are the credential, so that only the others are judged.

A word that is withheld may be an echo, and may be the reason why the login failed: only what holds
a secret by itself is taken out. What is spread over several words stays, as words that nobody
knows, and so do all words where the secret is too short to be told from any text.
"""

from collections.abc import Iterable
from html import unescape
from typing import Final

from worker.probing.classify.wording import without_texts
from worker.probing.interruptible import Interruptible
from worker.probing.secrecy.needles import Needles
from worker.probing.secrecy.spellings import MIN_SEARCHABLE_CHARACTERS

MAX_WORDS: Final = 32
"""A search takes some 50 microseconds; a server chooses how many words there are."""

MAX_LOOK_UPS: Final = 8 * 1024
"""Words times pieces of secrets: some 10 ms. A batch chooses how many passwords there are."""

_BETWEEN_WORDS: Final = str.maketrans(dict.fromkeys("\"'`<>()[]{}|,;:?", " "))
"""Not what base64, percent-encoding and quoted-printable are written with."""


def without_echoes(text: str, echoes: Iterable[str], needles: Needles) -> Interruptible[str]:
    """Take out of `text` each of `echoes` as it is, and each word that holds a secret.

    Single letters go as well: they may be a secret with blanks between its letters. Words beyond
    the limits stay.
    """
    text = unescape(text)
    text = without_texts(text, sorted(echoes, key=len, reverse=True))
    if needles.unsearchable:
        return text  # every word would seem to hold it
    words = dict.fromkeys(text.translate(_BETWEEN_WORDS).split())
    long = [word for word in words if len(word) >= MIN_SEARCHABLE_CHARACTERS]
    for word in long[: min(MAX_WORDS, MAX_LOOK_UPS // max(1, needles.count))]:
        yield
        if (yield from needles.search(word.encode("utf-8", "replace"))):
            text = text.replace(word, " ")
    return "\n".join(map(_without_letters, text.split("\n")))


def _without_letters(line: str) -> str:
    return " ".join(word for word in line.split() if not _is_letter(word))


def _is_letter(word: str) -> bool:
    """Tell whether this is one ASCII letter, the marks around it aside."""
    return word.isascii() and sum(map(str.isalnum, word)) <= 1
