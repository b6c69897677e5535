import asyncio

from worker.queue.seats import Seats, Share

JOBS = 100
PARTS = 20


class CountingShare(Share):
    """Counts how often somebody looks at how many seats it holds."""

    looks = 0

    @property
    def held(self):
        CountingShare.looks += 1
        return self._held

    @held.setter
    def held(self, number):
        self._held = number


async def test_that_many_jobs_are_broken_off_costs_a_look_for_each_two_of_them_not_of_their_parts():
    seats, working = Seats(1), Share()
    await seats.take(working)
    shares = [CountingShare() for _ in range(JOBS)]
    waiting = [asyncio.create_task(seats.take(one)) for one in shares for _ in range(PARTS)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    CountingShare.looks = 0
    seats.leave(working)
    assert not seats.are_taken
    assert CountingShare.looks <= JOBS * JOBS
