import asyncio
import json
import os
import time

import pytest

from tests.support.queueing import NS
from tests.support.redis_process import free_port
from tests.support.waiting import until
from worker.queue.results import MOST_LATE_SAVES, Results, Save, Spool
from worker.queue.slots import JobSlot, Slots, current_slot
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link
from worker.redis_link.pipe import Outage

KEYS = [f"{NS}:{name}:job" for name in ("result", "report", "request", "running", "attempts")]
KEYS += [f"{NS}:messages", f"{NS}:acks", f"{NS}:owner:job", f"{NS}:started:w", f"{NS}:retried:w"]


def save_of(result=b'{"ok":true}'):
    return Save(KEYS, [result, b"{}", 1000, f"{NS}:done:job", "job", b"rid\xff", ""])


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", 3600)


def test_what_was_put_is_there_again_octet_by_octet(spool):
    saves = [save_of(bytes(range(256))), save_of()]
    spool.put("worker", saves)
    ((path, found),) = spool.files()
    assert [(list(one.keys), list(one.args)) for one in found] == [
        (list(one.keys), list(one.args)) for one in saves
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b'[{"keys": []}]',
        b'[{"keys": [], "args": [null]}]',
        b"\xff",
        b'[{"keys": [], "args": [{"octets": "?"}]}]',
        b"[" * 100_000,
    ],
)
def test_a_file_that_cannot_be_read_is_passed_over_and_kept(spool, tmp_path, content):
    spool.put("b", [save_of()])
    (tmp_path / "spool" / "a.results").write_bytes(content)
    assert [path.stem for path, _ in spool.files()] == ["b"]
    assert (tmp_path / "spool" / "a.results").exists()


def test_what_no_job_waits_for_any_more_is_dropped(spool, tmp_path):
    spool.put("old", [save_of()])
    long_ago = time.time() - 4000
    os.utime(tmp_path / "spool" / "old.results", (long_ago, long_ago))
    assert list(spool.files()) == []
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_directory_that_is_not_there_holds_nothing(spool):
    assert list(spool.files()) == []


@pytest.mark.redis_server
async def test_a_save_that_is_cancelled_is_spooled_and_recovered(server, client, spool):
    link = Link(async_pool(server.url))
    results = Results(link, "worker", spool)
    server.kill()
    saving = asyncio.create_task(results.save("job", save_of()))
    with pytest.raises(Outage):
        await link.execute("PING", retry=False)
    saving.cancel()
    await asyncio.wait([saving])
    results.spool()
    await link.close()
    await asyncio.to_thread(server.start)
    link = Link(async_pool(server.url))
    await Results(link, "another", spool).recover()
    assert json.loads(client.get(f"{NS}:result:job")) == {"ok": True}
    assert list(spool.files()) == []
    await link.close()


@pytest.mark.redis_server
async def test_jobs_that_save_just_now_do_not_disturb_who_saves_what_others_left(server, client):
    """A drain gives back the jobs that wait; one of another account ended in that moment."""
    link = Link(async_pool(server.url))
    results = Results(link, "worker", None)
    server.freeze()
    saving = asyncio.create_task(results.save("job", save_of()))
    await asyncio.sleep(0)
    assert results.unsaved
    saving_all = asyncio.create_task(results.save_unsaved())
    await asyncio.sleep(0)
    server.thaw()
    assert await saving
    await saving_all
    assert not results.unsaved
    assert json.loads(client.get(f"{NS}:result:job")) == {"ok": True}
    await link.close()


@pytest.mark.redis_server
@pytest.mark.parametrize("word", [True, "\ud800"], ids=["no word", "no text"])
async def test_a_file_that_cannot_be_saved_keeps_no_other_from_it(server, client, spool, word):
    spool.put("a", [Save(["k"], [word])])
    spool.put("b", [save_of()])
    link = Link(async_pool(server.url))
    await Results(link, "w", spool).recover()
    await link.close()
    assert client.get(KEYS[0]) == b'{"ok":true}'
    assert [path.stem for path, _ in spool.files()] == ["a"]


@pytest.mark.redis_server
async def test_without_room_on_the_disk_the_worker_ends_all_the_same(server, tmp_path, caplog):
    (tmp_path / "spool").write_text("in the way")
    link = Link(async_pool(server.url))
    results = Results(link, "worker", Spool(tmp_path / "spool", 3600))
    saving = asyncio.create_task(results.save("job", save_of()))
    await asyncio.sleep(0)
    saving.cancel()
    await asyncio.wait([saving])
    results.spool()
    assert "results_not_spooled" in caplog.text
    await link.close()


async def test_a_job_whose_result_redis_does_not_take_gives_its_slot_to_others():
    link = Link(async_pool(f"redis://127.0.0.1:{free_port()}"))
    results = Results(link, "worker", None)
    slots = Slots(1, ["tests"])
    slots.take("tests")
    slot = JobSlot(slots, "tests")

    async def job():
        current_slot.set(slot)
        await results.save("job", save_of())

    task = asyncio.create_task(job())
    assert await asyncio.wait_for(slots.wait("tests"), 20) == 1
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
    assert slots.in_use == 1
    await link.close()


async def test_with_many_results_that_redis_does_not_take_no_more_jobs_are_begun():
    link = Link(async_pool(f"redis://127.0.0.1:{free_port()}"))
    results = Results(link, "worker", None)
    saves = [
        asyncio.create_task(results.save(f"job-{number}", save_of()))
        for number in range(MOST_LATE_SAVES)
    ]
    await until(lambda: not results.few_are_late.is_set())
    saves[0].cancel()
    await asyncio.wait_for(results.few_are_late.wait(), 20)
    await link.close()
    await asyncio.wait(saves)
