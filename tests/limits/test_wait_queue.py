from worker.limits.wait_queue import Line, Stay
from worker.probing.target import Protocol


def stay(job_id, account="", protocol=Protocol.SMTP):
    return Stay(ticket=job_id, job_id=job_id, protocol=protocol, host="host", account=account)


def take(line, now=0.0):
    chosen = line.next(now)
    if chosen is not None:
        line.hold(chosen)
    return chosen


def test_jobs_take_turns():
    line = Line(0)
    for job_id in ("batch", "batch", "batch", "batch", "single", "other"):
        line.join(stay(job_id))
    order = [take(line).job_id for _ in range(6)]
    assert order == ["batch", "batch", "single", "other", "batch", "batch"]


def test_both_protocols_of_an_item_go_in_one_turn():
    line = Line(0)
    for job_id in ("first", "second", "third"):
        for protocol in Protocol:
            line.join(stay(job_id, job_id, protocol))
    order = [take(line).job_id for _ in range(6)]
    assert order == ["first", "first", "second", "second", "third", "third"]


def test_a_turn_that_was_put_off_is_still_one_turn():
    line = Line(0)
    for job_id in ("batch", "batch", "batch", "batch", "single"):
        line.join(stay(job_id))
    line.join(line.next(0.0), first=True)
    assert take(line).job_id == "batch"
    line.join(line.next(0.0), first=True)
    assert [take(line).job_id for _ in range(4)] == ["batch", "single", "batch", "batch"]


def test_one_job_holds_at_most_half_of_the_places():
    line = Line(4)
    for _ in range(10):
        line.join(stay("batch"))
    assert [take(line) is not None for _ in range(4)] == [True, True, False, False]
    line.join(stay("single"))
    assert take(line).job_id == "single"


def test_a_single_place_may_be_held():
    line = Line(1)
    line.join(stay("batch"))
    assert take(line) is not None


def test_of_one_account_and_protocol_only_one_goes_at_a_time():
    line = Line(0)
    first, again = stay("one", "amy"), stay("two", "amy")
    line.join(first)
    line.join(again)
    line.join(stay("three", "amy", Protocol.IMAP))
    assert take(line) is first
    assert take(line).protocol is Protocol.IMAP
    assert take(line) is None
    line.release(first)
    assert take(line) is again


def test_nobody_goes_while_this_process_holds_every_place():
    line = Line(2)
    held = [stay("a"), stay("b")]
    for one in held:
        line.hold(one)
    line.join(stay("c"))
    assert take(line) is None
    line.release(held[0])
    assert take(line).job_id == "c"


def test_a_postponed_one_lets_others_pass():
    line = Line(0)
    line.join(busy := stay("busy", "amy"))
    line.join(stay("free", "bob"))
    line.postpone(busy, until=10.0)
    assert take(line, now=5.0).job_id == "free"
    assert take(line, now=5.0) is None
    assert take(line, now=10.0) is busy


def test_whose_turn_it_was_stays_first():
    line = Line(0)
    line.join(first := stay("first"))
    line.join(stay("second"))
    assert line.next(0.0) is first
    line.join(first, first=True)
    assert line.next(0.0) is first


def test_who_gave_up_is_forgotten():
    line = Line(0)
    line.join(gone := stay("gone"))
    line.drop(gone)
    line.drop(gone)
    assert not line.someone_waits
    assert not line
