"""Redis is killed, stopped, filled and emptied under real workers: every job ends, once."""

import pytest

from tests.support import fault_scenarios as scenarios

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(300)]


@pytest.mark.slow
def test_five_seconds_without_redis_repeat_no_login(measure):
    measured = measure(scenarios.redis_killed)
    assert measured["outcomes"] == {"SUCCESS": 500}
    assert measured["logins"] == {1: 2 * 500}


@pytest.mark.slow
def test_nothing_is_stuck_after_redis_was_stopped_for_twelve_seconds(measure):
    measured = measure(scenarios.redis_hangs)
    assert measured["outcomes"] == {"SUCCESS": 1500}
    assert max(measured["logins"]) <= 2


@pytest.mark.slow
def test_lost_connections_and_forgotten_scripts_repeat_no_login(measure):
    measured = measure(scenarios.connections_and_scripts_lost)
    assert measured["outcomes"] == {"SUCCESS": 1000}
    assert measured["logins"] == {1: 2 * 1000}


def test_results_wait_for_a_redis_that_is_full(measure):
    measured = measure(scenarios.redis_full)
    assert measured["outcomes"] == {"SUCCESS": 300}
    assert measured["logins"] == {1: 2 * 300}


@pytest.mark.slow
def test_what_runs_gets_its_result_from_a_redis_that_has_forgotten_everything(measure):
    measured = measure(scenarios.redis_comes_back_empty)
    assert measured["outcomes"] == {"SUCCESS": 250}
    assert measured["logins"] == {1: 2 * 250}


@pytest.mark.slow
def test_a_redis_that_is_demoted_and_cuts_no_connection_is_waited_for_and_told(measure):
    measured = measure(scenarios.redis_demoted)
    assert measured["ready"] == [True, False, True]
    assert measured["outcomes"] == {"SUCCESS": 200}
    assert measured["logins"] == {1: 2 * 200}


@pytest.mark.slow
def test_a_primary_that_is_replaced_and_does_not_know_it_is_left_at_once(measure):
    measured = measure(scenarios.primary_replaced)
    assert measured["outcomes"] == {"SUCCESS": 200}
    assert measured["logins"] == {1: 2 * 200}
    assert measured["ready"]


@pytest.mark.slow
def test_a_drain_without_redis_keeps_its_results_and_repeats_no_login(measure):
    measured = measure(scenarios.drain_without_redis)
    assert measured["status"] == 0
    assert measured["outcomes"] == {"SUCCESS": 100}
    assert measured["logins"] == {1: 2 * 100}
