"""The terminal of every command: tables and live pages, with nothing foreign in control of it."""

import os
from collections.abc import Iterable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from producer.printable import plain_lines

PIPE_COLUMNS: Final = 240
"""Whoever filters lines wants them whole, not folded at the 80 columns of a terminal."""


class Terminal(Console):
    """A console that prints strings as they are, without markup, and cleans every text last."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = PIPE_COLUMNS

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Clean what is to be printed; the control sequences of rich itself stay."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(plain_lines(segment.text), segment.style)
