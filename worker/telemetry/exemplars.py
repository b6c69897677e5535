"""Which job a count came from last: exemplars, for scrapers that ask for OpenMetrics.

prometheus_client keeps none where several processes count (`MmapedValue.set_exemplar` does
nothing), so each slot writes its own into a file beside the shared ones, a record for each series,
and a scrape reads them all. What cannot be written or read is left out: no job and no scrape ends
by it.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from prometheus_client.core import Metric
from prometheus_client.samples import Exemplar

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and its labels, sorted."""

JOB_ID: Final = "job_id"
MAX_LABEL_CHARACTERS: Final = 128
"""Of an exemplar's labels, names included (OpenMetrics 1.0, "Exemplars")."""

_RECORD_BYTES: Final = 512
_NEXT_AFTER_SECONDS: Final = 1.0
"""A scrape takes one exemplar of a series, so more than one a second are of no use."""


def exemplar_of(job_id: str) -> dict[str, str] | None:
    """Return what points to a job; None for an id that is too long to be in an exemplar."""
    fits = 0 < len(job_id) <= MAX_LABEL_CHARACTERS - len(JOB_ID)
    return {JOB_ID: job_id} if fits else None


def series(name: str, labels: Mapping[str, str]) -> Series:
    """Return the key of a sample."""
    return name, tuple(sorted(labels.items()))


class ExemplarFile:
    """The last exemplars of one slot; written by one thread.

    A record is written whole by one `pwrite`. Those of an earlier process of the slot stay until
    they are written over: each has its time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers: dict[Series, int] = {}
        self._times: dict[Series, float] = {}
        self._file = _open(path)

    def put(self, of: Series, exemplar: Exemplar) -> None:
        """Write the newest exemplar of a series, unless there is one of this very second."""
        now = _time(exemplar)
        if abs(now - self._times.get(of, 0.0)) < _NEXT_AFTER_SECONDS:
            return
        record = json.dumps([*of, exemplar.labels, exemplar.value, now]).encode()
        if self._file is None or len(record) > _RECORD_BYTES:
            return
        self._times[of] = now
        number = self._numbers.setdefault(of, len(self._numbers))
        try:
            os.pwrite(self._file, record.ljust(_RECORD_BYTES), number * _RECORD_BYTES)
        except OSError:  # no room
            return

    def keep(self) -> None:
        """Make the file again where it is gone."""
        if self._file is not None and os.fstat(self._file).st_nlink:
            return
        if self._file is not None:
            os.close(self._file)
        self._file = _open(self._path)
        self._times.clear()


def _time(exemplar: Exemplar) -> float:
    return float(exemplar.timestamp or 0)


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def values_with_exemplars(base: Any, put: Callable[[Series, Exemplar], None]) -> Any:
    """Extend a class of values of prometheus_client: it hands its exemplars to `put`."""

    class Value(base):  # type: ignore[misc]  # the library makes its class in a function
        def __init__(self, *words: Any, **more: Any) -> None:
            super().__init__(*words, **more)
            _, _, name, label_names, label_values, *_ = words
            self._series = series(name, dict(zip(label_names, label_values, strict=True)))

        def set_exemplar(self, exemplar: Exemplar) -> None:
            put(self._series, exemplar)

    return Value


def read_exemplars(files: Iterable[Path]) -> dict[Series, Exemplar]:
    """Return the newest exemplar of each series in the files of all slots."""
    found: dict[Series, Exemplar] = {}
    for file in files:
        for of, exemplar in _records(file):
            known = found.get(of)
            if known is None or _time(known) <= _time(exemplar):
                found[of] = exemplar
    return found


def _records(file: Path) -> Iterator[tuple[Series, Exemplar]]:
    try:
        content = file.read_bytes()
    except OSError:  # removed at this moment
        return
    for start in range(0, len(content), _RECORD_BYTES):
        try:
            name, labels, job, value, when = json.loads(content[start : start + _RECORD_BYTES])
            yield series(name, dict(labels)), Exemplar(job, value, when)
        except (ValueError, TypeError):  # half written, or of another version
            continue


def attach(metric: Metric, exemplars: Mapping[Series, Exemplar]) -> Metric:
    metric.samples = [
        sample._replace(exemplar=exemplars.get(series(sample.name, sample.labels)))
        for sample in metric.samples
    ]
    return metric
