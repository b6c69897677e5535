"""What sentinels answer in the middle of a failover; with real ones, see test_redis_clients.py."""

import pytest
from redis.exceptions import ResponseError

from producer.redis_sentinel import AsyncSentinels, Sentinels

OLD, NEW = ("10.0.0.1", 6379), ("10.0.0.2", 6379)


class MidFailover:
    """A sentinel that still lists the old primary."""

    def __init__(self, named):
        self._named = named

    def sentinel_masters(self):
        flags = dict.fromkeys(("is_sdown", "is_odown"), False)
        old = {"ip": OLD[0], "port": OLD[1], "is_master": True, "num-other-sentinels": 2, **flags}
        return {"main": old}

    def sentinel_get_master_addr_by_name(self, service):
        assert service == "main"
        if isinstance(self._named, Exception):
            raise self._named
        return self._named


class AsyncMidFailover(MidFailover):
    async def sentinel_masters(self):
        return super().sentinel_masters()

    async def sentinel_get_master_addr_by_name(self, service):
        return super().sentinel_get_master_addr_by_name(service)


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (NEW, NEW),
        ((NEW[0].encode(), NEW[1]), NEW),
        (None, OLD),
        (ResponseError("NOPERM"), OLD),
    ],
)
async def test_the_primary_is_whom_a_sentinel_names_and_not_whom_it_lists(named, found):
    manager, other = Sentinels([]), AsyncSentinels([])
    manager.sentinels = [MidFailover(named)]
    other.sentinels = [AsyncMidFailover(named)]
    assert manager.discover_master("main") == found
    assert await other.discover_master("main") == found
