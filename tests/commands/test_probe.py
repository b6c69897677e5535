"""What `mailvouch-worker probe` takes: no server is asked here."""

import json

import pytest
from click.testing import CliRunner

from worker.commands.tree import mailvouch_worker as main


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # no .env of the checkout

    def invoke(server, *flags, password="right", stdin="", **settings):
        env = {"MAILVOUCH_PASSWORD": password}
        words = ["probe", "smtp", server, "--user", "u", *flags]
        return CliRunner().invoke(main, words, env=env | settings, input=stdin)

    return invoke


@pytest.mark.parametrize("server", ["::1", "[::1]", "[::1]:587", "127.0.0.1:587", "127.0.0.1"])
def test_an_address_may_have_a_port_also_after_brackets(run, server):
    found = json.loads(run(server, "--json").stdout)
    assert found["code"] == "TARGET_NOT_ALLOWED"  # so it was understood


@pytest.mark.parametrize(
    "server", ["", ":587", "host:", "host:x", "host:0", "[::1]:65536", "me@host", "host/imap"]
)
def test_what_names_no_server_or_no_port_is_a_wrong_call(run, server):
    ended = run(server)
    assert (ended.exit_code, "HOST[:PORT]" in ended.stderr) == (2, True)


def test_the_modes_exclude_each_other(run):
    ended = run("mail.test", "--tls", "--starttls")
    assert (ended.exit_code, "exclude each other" in ended.stderr) == (2, True)


def test_a_mode_that_the_operator_forbids_is_a_wrong_call(run):
    ended = run("mail.test", "--cleartext", MAILVOUCH_ALLOW_CLEARTEXT="false")
    assert (ended.exit_code, "ALLOW_CLEARTEXT" in ended.stderr) == (2, True)


def test_no_password_is_a_wrong_call_that_names_the_variable(run):
    ended = run("mail.test", password="")
    assert (ended.exit_code, "set MAILVOUCH_PASSWORD" in ended.stderr) == (2, True)
    assert len(ended.stderr.splitlines()) == 1  # no prompt where nobody can type


def test_a_password_may_come_through_a_pipe(run):
    ended = run("127.0.0.1:587", "--json", password="", stdin="right\n")
    assert json.loads(ended.stdout)["code"] == "TARGET_NOT_ALLOWED"
    assert ended.stderr == ""
