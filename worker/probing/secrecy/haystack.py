"""A text in all the ways in which secrets are looked for in it."""

from dataclasses import dataclass
from typing import Final

from worker.probing.interruptible import Interruptible
from worker.probing.secrecy.decoding import MAX_DECODED_BYTES, Text, decoded_texts, views
from worker.probing.secrecy.letters import ascii_letters_and_digits
from worker.probing.secrecy.substitutions import in_other_letters
from worker.probing.secrecy.whole_spellings import Words
from worker.probing.secrecy.word_orders import in_other_orders


class Reading:
    """A text with its views, joined into one: to be searched once instead of fifty times."""

    __slots__ = ("ascii", "plain_texts", "text", "views")

    def __init__(self, text: Text) -> None:
        self.text = text.octets
        self.plain_texts = (text.octets, *text.solid)
        self.views = b"\n".join(views(text))
        self.ascii = ascii_letters_and_digits(self.views)


@dataclass(frozen=True, slots=True)
class Haystack:
    """A text in every reading of it: what takes the time, and is the same for all secrets.

    `overfull`: there is too much of it to look for anything.
    """

    readings: list[Reading]
    orders: bytes
    other_letters: bytes
    words: Words
    overfull: bool = False

    @property
    def size(self) -> int:
        """Octets of the text and of all that was decoded from it."""
        return sum(len(reading.text) for reading in self.readings)


_OVERFULL: Final = Haystack([], b"", b"", Words(b""), overfull=True)


def haystack_of(text: bytes) -> Interruptible[Haystack]:
    """Read a text in every way."""
    if len(text) > MAX_DECODED_BYTES:
        return _OVERFULL
    texts = yield from decoded_texts(text)
    if texts is None:
        return _OVERFULL
    readings = []
    for plain in texts:
        yield
        readings.append(Reading(plain))
    yield
    orders = in_other_orders(text)
    yield
    return Haystack(readings, orders, in_other_letters(text), Words(text))
