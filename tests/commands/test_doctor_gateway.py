"""What the doctor says of a gateway that its settings describe."""

import json

import pytest
from click.testing import CliRunner

from worker.commands.doctor.check import State
from worker.commands.doctor.command import doctor
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


def test_a_bad_setting_of_the_gateway_is_a_finding_and_no_traceback(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    bad = {"MAILVOUCH_GATEWAY_TRUSTED_PROXIES": "10.0.0.0/99", "MAILVOUCH_DATA_DIR": str(tmp_path)}
    answer = CliRunner().invoke(doctor, ["--json"], env=bad)
    (found,) = (one for one in json.loads(answer.stdout)["checks"] if one["check"] == "gateway")
    assert found["state"] == State.WARN
    assert "will not start: MAILVOUCH_GATEWAY_TRUSTED_PROXIES" in found["text"]
