import pytest

from worker.limits.wait_queue import Claim, WaitQueue
from worker.probing.target import Protocol


def claim(job_id, account="", protocol=Protocol.SMTP):
    return Claim(ticket=job_id, job_id=job_id, protocol=protocol, host="host", account=account)


def take(queue, now=0.0):
    chosen = queue.next(now)
    if chosen is not None:
        queue.hold(chosen)
    return chosen


def test_jobs_take_turns():
    queue = WaitQueue(0)
    for job_id in ("batch", "batch", "batch", "batch", "single", "other"):
        queue.join(claim(job_id))
    order = [take(queue).job_id for _ in range(6)]
    assert order == ["batch", "batch", "single", "other", "batch", "batch"]


def test_both_protocols_of_an_item_go_in_one_turn():
    queue = WaitQueue(0)
    for job_id in ("first", "second", "third"):
        for protocol in Protocol:
            queue.join(claim(job_id, job_id, protocol))
    order = [take(queue).job_id for _ in range(6)]
    assert order == ["first", "first", "second", "second", "third", "third"]


def test_a_turn_that_was_put_off_is_still_one_turn():
    queue = WaitQueue(0)
    for job_id in ("batch", "batch", "batch", "batch", "single"):
        queue.join(claim(job_id))
    queue.put_back(queue.next(0.0))
    assert take(queue).job_id == "batch"
    queue.put_back(queue.next(0.0))
    assert [take(queue).job_id for _ in range(4)] == ["batch", "single", "batch", "batch"]


def test_one_job_holds_at_most_half_of_the_places():
    queue = WaitQueue(4)
    for _ in range(10):
        queue.join(claim("batch"))
    assert [take(queue) is not None for _ in range(4)] == [True, True, False, False]
    queue.join(claim("single"))
    assert take(queue).job_id == "single"


def test_a_single_place_may_be_held():
    queue = WaitQueue(1)
    queue.join(claim("batch"))
    assert take(queue) is not None


def test_of_one_account_and_protocol_only_one_goes_at_a_time():
    queue = WaitQueue(0)
    first, again = claim("one", "amy"), claim("two", "amy")
    queue.join(first)
    queue.join(again)
    queue.join(claim("three", "amy", Protocol.IMAP))
    assert take(queue) is first
    assert take(queue).protocol is Protocol.IMAP
    assert take(queue) is None
    queue.release(first)
    assert take(queue) is again


def test_nobody_goes_while_this_process_holds_every_place():
    queue = WaitQueue(2)
    held = [claim("a"), claim("b")]
    for one in held:
        queue.hold(one)
    queue.join(claim("c"))
    assert take(queue) is None
    queue.release(held[0])
    assert take(queue).job_id == "c"


def test_a_postponed_one_lets_others_pass():
    queue = WaitQueue(0)
    queue.join(busy := claim("busy", "amy"))
    queue.join(claim("free", "bob"))
    queue.postpone(busy.login, until=10.0)
    assert take(queue, now=5.0).job_id == "free"
    assert take(queue, now=5.0) is None
    assert take(queue, now=10.0) is busy


def test_whose_turn_it_was_stays_first():
    queue = WaitQueue(0)
    queue.join(first := claim("first"))
    queue.join(claim("second"))
    assert queue.next(0.0) is first
    queue.put_back(first)
    assert queue.next(0.0) is first


def test_who_gave_up_is_forgotten():
    queue = WaitQueue(0)
    queue.join(gone := claim("gone"))
    queue.drop(gone)
    queue.drop(gone)
    assert not queue.someone_waits
    assert not queue


def test_of_those_who_want_one_login_one_takes_turns_for_all():
    queue = WaitQueue(0)
    waiting = [claim(f"j{number}", "amy") for number in range(1000)]
    for one in waiting:
        queue.join(one)
    queue.join(stranger := claim("stranger", "bob"))
    assert [take(queue), take(queue), take(queue)] == [waiting[0], stranger, None]
    queue.release(waiting[0])
    assert take(queue) is waiting[1]


def test_one_that_is_asked_again_goes_before_those_behind_it():
    queue = WaitQueue(0)
    first, second = claim("one", "amy"), claim("two", "amy")
    queue.join(first)
    queue.join(second)
    assert take(queue) is first
    queue.release(first)  # makes the second step forward
    queue.put_back(first)
    assert take(queue) is first
    queue.release(first)
    assert take(queue) is second


@pytest.mark.parametrize("leaver", [0, 1, 2])
def test_one_of_those_behind_a_login_may_give_up(leaver):
    queue = WaitQueue(0)
    waiting = [claim(f"j{number}", "amy") for number in range(3)]
    for one in waiting:
        queue.join(one)
    gone = waiting.pop(leaver)
    queue.drop(gone)
    queue.drop(gone)
    for one in waiting:
        assert take(queue) is one
        queue.release(one)
    assert not queue


def test_a_newcomer_passes_those_who_cannot_go_and_nobody_else():
    queue = WaitQueue(2)
    queue.join(claim("busy", "amy"))
    assert not queue.lets_pass(claim("new", "bob"), 0.0)
    queue.postpone(("amy", Protocol.SMTP), until=10.0)
    assert queue.lets_pass(claim("new", "bob"), 0.0)
    assert not queue.lets_pass(claim("new", "amy"), 0.0)
    assert not queue.lets_pass(claim("new", "bob"), 10.0)
    queue.hold(claim("other"))
    queue.hold(claim("another"))
    assert not queue.lets_pass(claim("new", "bob"), 0.0)


def test_the_time_to_look_again_is_that_of_the_first_who_was_postponed():
    queue = WaitQueue(0)
    assert queue.soonest(0.0) is None
    for user, until in (("amy", 20.0), ("bob", 10.0)):
        queue.join(claim(user, user))
        queue.postpone((user, Protocol.SMTP), until)
    assert (queue.soonest(0.0), queue.soonest(10.0), queue.soonest(20.0)) == (10.0, 20.0, None)
