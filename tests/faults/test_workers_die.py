"""Real workers are killed, terminated and stopped: every job ends, few logins come twice."""

import pytest

from tests.support import fault_scenarios as scenarios

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(300)]


@pytest.mark.slow
def test_jobs_of_killed_workers_end_though_nobody_does_anything_for_them(measure):
    measured = measure(scenarios.all_workers_killed)
    assert measured["outcomes"] == {"SUCCESS": 1000}
    assert measured["logins"] == {1: 2 * 700, 2: 2 * 300}


@pytest.mark.slow
def test_a_child_that_is_killed_is_replaced_and_its_jobs_run_again(measure):
    measured = measure(scenarios.one_child_killed)
    assert measured["outcomes"] == {"SUCCESS": 300}
    assert measured["logins"] == {1: 2 * 200, 2: 2 * 100}
    assert measured["survived"]


@pytest.mark.slow
def test_sigterm_to_the_group_drains_what_runs_and_leaves_the_rest_to_others(measure):
    measured = measure(scenarios.group_terminated)
    assert measured["status"] == 0
    assert measured["drained"] == 300
    assert measured["outcomes"] == {"SUCCESS": 500}
    assert measured["logins"] == {1: 2 * 500}


@pytest.mark.slow
def test_what_a_drain_cannot_wait_for_is_taken_over(measure):
    measured = measure(scenarios.drain_too_short)
    assert measured["status"] == 0
    assert measured["given_back"] == 100, "at once: a dead worker's come after 15 s"
    assert measured["outcomes"] == {"SUCCESS": 100}
    assert measured["logins"] == {2: 2 * 100}


@pytest.mark.slow
def test_dramatiqs_own_command_runs_and_drains(measure):
    measured = measure(scenarios.dramatiqs_command)
    assert measured["status"] == 0
    assert measured["drained"] == 40
    assert measured["outcomes"] == {"SUCCESS": 60}
    assert measured["logins"] == {1: 2 * 60}


@pytest.mark.slow
def test_a_worker_that_was_taken_for_dead_does_no_harm_when_it_wakes(measure):
    measured = measure(scenarios.worker_asleep)
    assert measured["outcomes"] == {"SUCCESS": 100}
    assert max(measured["logins"]) == 2


def test_mail_servers_that_die_in_the_middle_of_a_login_are_a_result(measure):
    measured = measure(scenarios.mail_servers_killed)
    assert measured["outcomes"] == {"FAILURE": 200}
    assert measured["logins"] == {1: 2 * 200}


@pytest.mark.slow
def test_three_kills_condemn_none_of_the_jobs_that_ran_beside_each_other(measure):
    assert measure(scenarios.three_kills)["outcomes"] == {"SUCCESS": 200}


@pytest.mark.slow
@pytest.mark.timeout(400)  # five deaths, each found out after 15 s
def test_a_job_that_kills_its_process_is_found_out_among_others_and_ends_alone(measure):
    measured = measure(scenarios.killer_job)
    assert measured["killer"] == {"WORKER_FAILED": 1}
    assert measured["outcomes"] == {"SUCCESS": 100}
    assert 3 <= measured["deaths"] <= 5


@pytest.mark.slow
def test_answers_that_came_while_the_worker_stood_still_are_read(measure):
    measured = measure(scenarios.worker_paused)
    assert measured["outcomes"] == {"SUCCESS": 200}
    assert measured["logins"] == {1: 2 * 200}
