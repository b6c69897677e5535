"""The name servers of resolv.conf(5), read anew when the file has changed.

A worker outlives the lease, the tunnel or the network that they came with, and the old ones may
answer no more.
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

import dns.asyncresolver
import dns.exception

from worker.probing.wire.dns_answers import AddressCache

LOOKUP_SECONDS: Final = 5.0


class NameServers:
    """Those that a file lists; while it cannot be read, those that it listed last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, int] | None = None
        self._resolver: dns.asyncresolver.Resolver | None = None

    def resolver(self) -> dns.asyncresolver.Resolver:
        """What asks them. Raises DNSException, ValueError where none were ever read."""
        version = self._version_now()
        if self._resolver is None:
            self._resolver = self._read()
            self._version = version
        elif version != self._version:
            with suppress(dns.exception.DNSException, ValueError):  # it is being written
                self._resolver = self._read()
                self._version = version
        return self._resolver

    def _version_now(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def _read(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(str(self._path))
        resolver.lifetime = LOOKUP_SECONDS
        # Keeps what the record's own TTL allows. Each probe judges the addresses anew.
        resolver.cache = AddressCache()
        return resolver
