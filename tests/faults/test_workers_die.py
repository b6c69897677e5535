"""Real workers are killed, terminated and stopped: every job ends, few logins come twice."""

import pytest

from tests.support import fault_scenarios as scenarios

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(180)]


@pytest.mark.slow
def test_jobs_of_killed_workers_end_within_twenty_seconds_and_the_probes_own_time(world):
    figures = scenarios.all_workers_killed(world)
    assert figures["outcomes"] == {"SUCCESS": 1000}
    assert figures["seconds"] < 20 + 10
    assert figures["logins"] == {1: 2 * 700, 2: 2 * 300}


@pytest.mark.slow
def test_a_child_that_is_killed_is_replaced_and_its_jobs_run_again(world):
    figures = scenarios.one_child_killed(world)
    assert figures["outcomes"] == {"SUCCESS": 300}
    assert figures["logins"] == {1: 2 * 200, 2: 2 * 100}
    assert figures["survived"]


@pytest.mark.slow
def test_sigterm_to_the_group_drains_what_runs_and_leaves_the_rest_to_others(world):
    figures = scenarios.group_terminated(world)
    assert figures["status"] == 0
    assert figures["drained"] == 300
    assert figures["outcomes"] == {"SUCCESS": 500}
    assert figures["logins"] == {1: 2 * 500}


@pytest.mark.slow
def test_what_a_drain_cannot_wait_for_is_taken_over(world):
    figures = scenarios.drain_too_short(world)
    assert figures["status"] == 0
    assert figures["seconds"] < 10, "given back at once: a dead worker's jobs would come after 15 s"
    assert figures["outcomes"] == {"SUCCESS": 100}
    assert figures["logins"] == {2: 2 * 100}


@pytest.mark.slow
def test_dramatiqs_own_command_runs_and_drains(world):
    figures = scenarios.dramatiqs_command(world)
    assert figures["status"] == 0
    assert figures["drained"] == 40
    assert figures["outcomes"] == {"SUCCESS": 60}
    assert figures["logins"] == {1: 2 * 60}


@pytest.mark.slow
def test_a_worker_that_was_taken_for_dead_does_no_harm_when_it_wakes(world):
    figures = scenarios.worker_asleep(world)
    assert figures["outcomes"] == {"SUCCESS": 100}
    assert max(figures["logins"]) == 2


def test_mail_servers_that_die_in_the_middle_of_a_login_are_a_result(world):
    figures = scenarios.mail_servers_killed(world)
    assert figures["outcomes"] == {"FAILURE": 200}
    assert figures["logins"] == {1: 2 * 200}


@pytest.mark.slow
def test_three_kills_condemn_none_of_the_jobs_that_ran_beside_each_other(world):
    assert scenarios.three_kills(world)["outcomes"] == {"SUCCESS": 200}


@pytest.mark.slow
def test_answers_that_came_while_the_worker_stood_still_are_read(world):
    figures = scenarios.worker_paused(world)
    assert figures["outcomes"] == {"SUCCESS": 200}
    assert figures["logins"] == {1: 2 * 200}
