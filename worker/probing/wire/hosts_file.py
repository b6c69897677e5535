"""The hosts file (hosts(5)), read anew when it has changed."""

from collections.abc import Sequence
from pathlib import Path

from worker.probing.wire.addresses import Address, as_address


class HostsFile:
    """Names and addresses of a hosts file. One that cannot be read is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, int] | None = None
        self._entries: dict[str, list[Address]] = {}

    def addresses(self, name: str) -> Sequence[Address]:
        """The addresses listed for `name` (any case), in the file's order."""
        self._refresh()
        return self._entries.get(name.lower(), ())

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
            version = (status.st_mtime_ns, status.st_size)
            if version != self._version:
                self._entries = parse(self._path.read_text("utf-8", "replace"))
                self._version = version
        except OSError:
            self._entries = {}
            self._version = None


def parse(text: str) -> dict[str, list[Address]]:
    """Lower-case name to addresses; lines that name no address are passed over."""
    entries: dict[str, list[Address]] = {}
    for line in text.splitlines():
        first, *names = line.partition("#")[0].split() or [""]
        address = as_address(first)
        if address is None:
            continue
        for name in names:
            entries.setdefault(name.lower().removesuffix("."), []).append(address)
    return entries
