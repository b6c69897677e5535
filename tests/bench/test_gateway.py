"""The gateway's bench runs at its smallest; a failed login or request would end it."""

import asyncio

import pytest

from bench.gateway import latency, throughput

pytestmark = [pytest.mark.redis_server, pytest.mark.slow]


def test_logins_go_through_the_workers_and_through_the_gateway():
    alone, through = throughput.logins_a_second(rounds=1, logins=10)
    assert len(alone) == len(through) == 1


def test_a_request_is_timed_beside_a_submit_of_the_client():
    with latency.real_site(processes=1) as site:
        raw, http = asyncio.run(latency.pairs(site, 2))
    assert raw > 0
    assert http > 0
