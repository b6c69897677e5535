"""The board of all shards as one."""

from collections.abc import Sequence
from itertools import groupby

from producer.gateway.arrivals import EndedJob
from producer.gateway.board import Board, Failure, QueueState, read_board
from producer.gateway.store import GatewayStore


async def read_boards(store: GatewayStore, ended: Sequence[EndedJob]) -> Board:
    """Read every shard. Raises RedisUnavailableError."""
    boards = [
        await read_board(calls, keys, [job for job in ended if store.shard(job.job_id)[1] == keys])
        for calls, keys in store.shards
    ]
    return boards[0] if len(boards) == 1 else _merged(boards)


def _merged(boards: Sequence[Board]) -> Board:
    letters = [letter for board in boards for letter in board.letters]
    return Board(
        at=max(board.at for board in boards),
        queues=[_sum(states) for states in zip(*(board.queues for board in boards), strict=True)],
        workers=boards[0].workers,  # a worker beats in each shard
        heard=sum(board.heard for board in boards),
        failures=_failures([failure for board in boards for failure in board.failures]),
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
    """Of each code all, with the job that was the last."""
    summed = []
    for code, group in groupby(sorted(failures, key=lambda one: one.code), lambda one: one.code):
        same = list(group)
        last = max(same, key=lambda one: one.last)
        summed.append(Failure(code, sum(one.count for one in same), last.last, last.job_id))
    return sorted(summed, key=lambda one: -one.count)
