"""A text in all the ways in which secrets are looked for in it."""

from worker.probing.disguise import MAX_DECODED_BYTES, Readings, Text, views
from worker.probing.letters import narrow
from worker.probing.pieces import in_other_orders
from worker.probing.substitutions import in_other_letters
from worker.probing.whole_spellings import Words


class Haystack:
    """A text in every reading of it: what takes the time, and is the same for all secrets."""

    __slots__ = ("orders", "other_letters", "overfull", "readings", "words")

    def __init__(self, text: bytes) -> None:
        cut = Readings(text[:MAX_DECODED_BYTES])
        self.overfull = cut.overfull or len(text) > MAX_DECODED_BYTES
        self.readings = [] if self.overfull else [Reading(plain) for plain in cut.texts]
        self.orders = b"" if self.overfull else in_other_orders(text)
        self.other_letters = b"" if self.overfull else in_other_letters(text)
        self.words = Words(b"" if self.overfull else text)


class Reading:
    """One text with its views as one: one search instead of fifty."""

    __slots__ = ("narrow", "octets", "plain_texts", "text")

    def __init__(self, text: Text) -> None:
        self.text = text.octets
        self.plain_texts = (text.octets, *text.solid)
        self.octets = b"\n".join(views(text))
        self.narrow = narrow(self.octets)
