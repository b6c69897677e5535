"""A real Redis-compatible server, the embedded one, for tests that need more than semantics."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.process.embedded import EmbeddedRedis


@contextmanager
def data_folder() -> Iterator[Path]:
    # pytest's own temporary paths can be longer than a unix socket's path may be.
    folder = Path(tempfile.mkdtemp(prefix="mv-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def embedded_redis() -> Iterator[EmbeddedRedis]:
    with data_folder() as folder:
        server = EmbeddedRedis(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
