"""`GET /operations`: the page for operators. All shards together, read-only."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response

from producer.gateway.arrivals import Arrivals, EndedJob
from producer.gateway.callers import require_subscriber
from producer.gateway.pages import Pages
from producer.gateway.refusals import HttpError, Reason
from producer.gateway.shard_overview import Failure, Overview, QueueState, read_shard
from producer.gateway.store import GatewayStore


@dataclass(frozen=True, slots=True)
class Operations:
    """The endpoint, for subscribers that the settings name."""

    store: GatewayStore
    arrivals: Arrivals
    pages: Pages
    operators: frozenset[str]

    async def get(self, request: Request) -> Response:
        caller = await require_subscriber(request, self.store)
        if caller.subscriber.name not in self.operators:
            raise HttpError(Reason.NO_OPERATOR)
        overview = await read_overview(self.store, [*self.arrivals.ended])
        return self.pages.operations(overview)


async def read_overview(store: GatewayStore, ended: Sequence[EndedJob]) -> Overview:
    """Read every shard. Raises RedisUnavailableError."""
    parts = [
        await read_shard(calls, keys, [job for job in ended if store.shard(job.job_id)[1] == keys])
        for calls, keys in store.shards
    ]
    return parts[0] if len(parts) == 1 else _merged(parts)


def _merged(parts: Sequence[Overview]) -> Overview:
    letters = [letter for part in parts for letter in part.letters]
    return Overview(
        at=max(part.at for part in parts),
        queues=[_sum(states) for states in zip(*(part.queues for part in parts), strict=True)],
        workers=parts[0].workers,  # a worker beats in each shard
        heard=sum(part.heard for part in parts),
        failures=_failures([failure for part in parts for failure in part.failures]),
        letters=sorted(letters, key=lambda letter: -letter.died),
    )


def _sum(states: Sequence[QueueState]) -> QueueState:
    ages = [state.oldest_seconds for state in states if state.oldest_seconds is not None]
    return QueueState(
        name=states[0].name,
        waiting=sum(state.waiting for state in states),
        delayed=sum(state.delayed for state in states),
        running=sum(state.running for state in states),
        dead=sum(state.dead for state in states),
        oldest_seconds=max(ages, default=None),
    )


def _failures(failures: Sequence[Failure]) -> list[Failure]:
    """Sum up the failures of each code, with the job that was the last."""
    summed = []
    for code, group in groupby(sorted(failures, key=lambda one: one.code), lambda one: one.code):
        same = list(group)
        last = max(same, key=lambda one: one.last)
        summed.append(Failure(code, sum(one.count for one in same), last.last, last.job_id))
    return sorted(summed, key=lambda one: -one.count)
