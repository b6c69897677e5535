r"""The one place where patterns for what a server says are compiled.

RE2 matches in time linear in the text, whatever the pattern and whatever the text: it knows no
backtracking. So it has no look-around and no back-reference; `\z` is the end of the text (Python's
`\Z`), and `\w`, `\b`, `\s` know ASCII only (`\pL`, `\pN` know all letters and digits).

A call costs some 2 microseconds and each match of `findall` or `sub` as much: where a server can
choose the number of matches, cap the text or use the methods of `bytes`.
"""

from collections.abc import Iterator
from typing import AnyStr, Final, Protocol, TypeVar

import re2

MAX_MEMORY_BYTES: Final = 256 * 1024
"""Of one pattern's automaton, which grows with the texts it has seen. Beyond it RE2 starts anew."""


S_co = TypeVar("S_co", str, bytes, covariant=True)


class Match(Protocol[S_co]):
    """What was matched; groups by number, None for one that took no part."""

    def __getitem__(self, group: int, /) -> S_co: ...
    def end(self, group: int = 0, /) -> int: ...


class Pattern(Protocol[AnyStr]):
    """A compiled pattern, used as Python's own."""

    def match(self, text: AnyStr) -> Match[AnyStr] | None: ...
    def search(self, text: AnyStr) -> Match[AnyStr] | None: ...
    def findall(self, text: AnyStr) -> list[AnyStr]: ...
    def finditer(self, text: AnyStr) -> Iterator[Match[AnyStr]]: ...
    def sub(self, repl: AnyStr, text: AnyStr, count: int = 0) -> AnyStr: ...


def octet_pattern(pattern: bytes, *, ignore_case: bool = False) -> Pattern[bytes]:
    """Compile for bytes: each is one character, and `.` is any of them, line feeds too."""
    options = _options()
    options.case_sensitive = not ignore_case
    options.encoding = re2.Options.Encoding.LATIN1
    compiled: Pattern[bytes] = re2.compile(pattern, options)
    return compiled


def text_pattern(pattern: str) -> Pattern[str]:
    """Compile for text without lone surrogates; `.` is any character, line feeds too."""
    compiled: Pattern[str] = re2.compile(pattern, _options())
    return compiled


def _options() -> re2.Options:
    options = re2.Options()
    options.dot_nl = True
    options.max_mem = MAX_MEMORY_BYTES
    options.log_errors = False
    return options
