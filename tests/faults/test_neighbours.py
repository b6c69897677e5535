"""What some jobs do to others: nothing."""

import pytest

from tests.support import fault_scenarios as scenarios

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(300)]


@pytest.mark.slow
def test_good_jobs_do_not_notice_malformed_ones_and_each_readable_one_ends(measure):
    measured = measure(scenarios.malformed_messages, each=200)
    assert measured["outcomes"] == {"SUCCESS": 200}
    assert measured["bad_outcomes"] == {
        "REQUEST_UNREADABLE": 80,
        "REQUEST_EXPIRED": 10,
        "INVALID_REQUEST_DATA": 50,
        "INTERNAL_SERVER_ERROR": 10,
    }
    assert measured["logins"] == {1: 2 * 400}


@pytest.mark.slow
def test_a_job_id_that_is_submitted_twenty_times_at_once_logs_in_once(measure):
    measured = measure(scenarios.same_job_twenty_times)
    assert measured["outcomes"] == {"SUCCESS": 1}
    assert measured["logins"] == {1: 2}


@pytest.mark.slow
def test_a_silent_server_holds_up_nobody_else(measure):
    measured = measure(scenarios.silent_server, HOST_CONCURRENCY="0")
    assert measured["outcomes"] == {"FAILURE": 200}
    assert measured["p95_beside_ms"] < 3000, "the silent ones take 6 s"


@pytest.mark.slow
def test_jobs_that_wait_for_a_full_server_hold_up_nobody_else(measure):
    measured = measure(scenarios.full_server)
    assert measured["outcomes"] == {"SUCCESS": 1}
    assert measured["unfinished"] >= 30, "they came first, and take ten seconds each"
    assert measured["in_flight"] == measured["unfinished"], "who waits is still in hand"
    assert measured["ended_meanwhile"] <= 2, "SIGTERM does not wait for those who wait"
    assert measured["status"] == 0
    assert measured["left_to_others"] == 40


@pytest.mark.slow
def test_a_batch_of_fifty_does_not_go_before_single_tests(measure):
    measured = measure(scenarios.large_batch)
    assert measured["outcomes"] == {"SUCCESS": 11}
    assert measured["slowest_single_ms"] < measured["batch_ms"] / 2


def test_neither_queue_shuts_out_the_other(measure):
    measured = measure(scenarios.queues_beside_each_other)
    assert measured["results"] == 202
    assert measured["ended_before"] == [0, 0], "of the full queue, when the other had its result"
    assert measured["logins"] == {1: 2 * 100 + 100}


@pytest.mark.slow
def test_jobs_do_not_take_files_from_each_other(measure):
    measured = measure(scenarios.few_open_files)
    assert measured["outcomes"] == {"SUCCESS": 400}
    assert measured["logins"] == {1: 2 * 400}


@pytest.mark.slow
def test_a_thousand_jobs_of_one_mailbox_hold_up_nobody_else_at_its_host(measure):
    measured = measure(scenarios.busy_account)
    assert measured["outcomes"] == {"SUCCESS": 50}
    assert measured["p95_ms"] < 6000, "they came 24 s late"
