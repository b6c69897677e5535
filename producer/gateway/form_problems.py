"""What is wrong with a form, as it is told to the person who sent it."""

from collections.abc import Sequence
from typing import Final

MOST_PROBLEMS: Final = 20


class FormProblems(Exception):
    """A form that cannot be read: one sentence for each mistake, none quotes what was typed."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__()
        self.sentences = tuple(sentences[:MOST_PROBLEMS])
