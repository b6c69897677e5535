"""The stored integrations as a worker sees them: read as of one moment, change all or nothing.

Keys, record and scripts are `producer.records.store`'s.
"""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from producer.contract.integrations import CatalogueEntry, IntegrationResult
from producer.contract.names import REQUEST_TTL_SECONDS
from producer.contract.report import ItemReport
from producer.records.masking import FullId
from producer.records.store import (
    COMMIT_SCRIPT,
    MAX_CLOCK_AHEAD_MS,
    OPEN_SCRIPT,
    BrandKeys,
    Record,
    StoreKeys,
)
from worker.redis_link.link import Link, Script

_OPEN: Final = Script("open", OPEN_SCRIPT)
_COMMIT: Final = Script("commit", COMMIT_SCRIPT)
_DELETED: Final = ""


class JobResult(BaseModel):
    """What a job ends with: the documented result, and its item of the report."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    result: IntegrationResult
    item: ItemReport


@dataclass(frozen=True, slots=True)
class Job:
    """Which job asks, for what. `submitted_ms`: unix time, by the clock of who submitted it."""

    job_id: str
    submitted_ms: int
    brand: str
    record_id: str

    @property
    def full_id(self) -> FullId:
        """The id of the record that the job is about."""
        return FullId(self.brand, self.record_id)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store holds for a job, all as of `now_ms` by Redis' clock.

    `order` ranks jobs by their submission. `text` is the record's exact text, empty where there is
    none; `earlier` what this very job ended with when it was applied before.
    """

    now_ms: int
    order: tuple[int, int]
    earlier: JobResult | None
    brand_keys: BrandKeys
    text: str

    @property
    def record(self) -> Record | None:
        """The stored integration, None where there is none."""
        return Record.model_validate_json(self.text) if self.text else None


class IntegrationStore:
    """The store behind one Link."""

    def __init__(
        self, link: Link, namespace: str, *, job_life_seconds: int = REQUEST_TTL_SECONDS
    ) -> None:
        """Take how long a job can be delivered again: as long as its request lives."""
        self._link = link
        self._keys = StoreKeys(namespace)
        self._job_life_seconds = job_life_seconds

    async def open(self, job: Job) -> Snapshot:
        """Read all that a job needs in one round trip, the same for every brand and key."""
        keys = self._keys
        reply = await self._link.call(
            _OPEN,
            [
                keys.auth_keys(job.brand),
                keys.records(job.brand),
                keys.job(job.brand, job.job_id),
                keys.arrivals,
            ],
            [job.record_id, job.submitted_ms, MAX_CLOCK_AHEAD_MS, self._job_life_seconds],
        )
        now, submitted, arrival, earlier, current, previous, until, text = map(_text, reply)
        return Snapshot(
            now_ms=int(now),
            order=(int(submitted), int(arrival)),
            earlier=JobResult.model_validate_json(earlier) if earlier else None,
            brand_keys=BrandKeys(current or None, previous or None, int(until or 0)),
            text=text,
        )

    async def catalogue_entry(self, entry_id: str) -> CatalogueEntry | None:
        text = _text(await self._link.execute("HGET", self._keys.catalogue, entry_id))
        return CatalogueEntry.model_validate_json(text) if text else None

    async def save(
        self, job: Job, snapshot: Snapshot, record: Record, *, default: bool, ending: JobResult
    ) -> JobResult | None:
        """Put a record in place of what `snapshot` saw.

        Returns what the job ends with, as before where it has been applied before; None where
        the record has changed since, and nothing was saved.
        """
        return await self._commit(job, snapshot, record.to_text(), ending, default=default)

    async def delete(self, job: Job, snapshot: Snapshot, ending: JobResult) -> JobResult | None:
        """Remove what `snapshot` saw. Returns as `save` does."""
        return await self._commit(job, snapshot, _DELETED, ending, default=False)

    async def _commit(
        self, job: Job, snapshot: Snapshot, text: str, ending: JobResult, *, default: bool
    ) -> JobResult | None:
        keys = self._keys
        reply = await self._link.call(
            _COMMIT,
            [keys.records(job.brand), keys.default(job.brand), keys.job(job.brand, job.job_id)],
            [
                job.record_id,
                snapshot.text,
                text,
                "default" if default else "",
                ending.model_dump_json(by_alias=True),
                self._job_life_seconds,
            ],
        )
        return JobResult.model_validate_json(reply) if reply else None


def _text(reply: Any) -> str:
    if reply is None:
        return ""
    return reply.decode() if isinstance(reply, bytes) else str(reply)
