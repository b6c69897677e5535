"""What the doctor says of a gateway that its settings describe."""

import pytest

from worker.commands.doctor.check import State
from worker.commands.doctor.gateway import GatewayAddress, check_gateway


@pytest.mark.parametrize(
    ("chosen", "state", "words"),
    [
        ({}, State.OK, "this machine only"),
        ({"gateway_host": "::1"}, State.OK, "this machine only"),
        ({"gateway_host": "0.0.0.0", "gateway_tls_cert": "x.pem"}, State.OK, "TLS of its own"),
        (
            {"gateway_host": "0.0.0.0", "gateway_trusted_proxies": "10.0.0.0/8"},
            State.WARN,
            "clear text",
        ),
        ({"gateway_host": "192.0.2.1"}, State.WARN, "will not start"),
    ],
)
def test_a_gateway_without_tls_is_named(chosen, state, words):
    check = check_gateway(GatewayAddress(_env_file=None, **chosen))
    assert check.state is state
    assert words in check.text
    assert bool(check.remedy) is (state is State.WARN)
