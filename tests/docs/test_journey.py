"""A newcomer's first minutes: the README's blocks, typed as printed into a fresh clone.

Another user, an empty home, a fresh virtual environment, no Redis. What the README asks for is
done: an account of one's own goes into the examples, here one of a server on this machine.
"""

import json
import re

import pytest

from tests.support.mail_servers import HOST, PASSWORD, USER, mail_servers
from tests.support.newcomer import ROOT, STATUS, Newcomer
from tests.support.redis_server import data_folder

pytestmark = [pytest.mark.redis_server, pytest.mark.slow, pytest.mark.timeout(900)]

README = (ROOT / "README.md").read_text("utf-8")


def blocks(title):
    """The lines of each fenced block of a section, examples of output aside."""
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)[1]
    found = [
        block.splitlines()
        for block in re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    ]
    return [lines for lines in found if not lines[0].startswith("$ ")]


def test_the_first_minutes_go_as_the_readme_says():
    with data_folder() as folder, mail_servers(folder) as servers:
        settings = {
            "CA_FILE": str(servers.ca_file),
            "ALLOW_NETWORKS": "127.0.0.0/8",
            "ALLOW_PORTS": "1-65535",
            "METRICS_PORT": "0",
        }
        newcomer = Newcomer(folder, settings)
        (*install, run), again, completion, *_ = blocks("The first five minutes")
        statuses, done = newcomer.type(install, seconds=600)
        assert set(statuses) == {0}, done.stdout
        tls = {"smtpPort": servers.smtp_tls, "smtpUseSSLOrTLS": True}
        newcomer.change("batch.json", dealerEmail=USER, password=PASSWORD, smtpHost=HOST, **tls)
        newcomer.change(
            "integration.json",
            host=HOST,
            port=servers.smtp_tls,
            username=USER,
            password=PASSWORD,
        )
        with (folder / "worker.log").open("wb") as log:
            worker = newcomer.start(run, log)
            try:
                look_at_results(newcomer, again, completion)
                store_an_integration(newcomer)
            finally:
                worker.terminate()
                assert worker.wait(100) == 0
        assert "Traceback" not in (folder / "worker.log").read_text()


def look_at_results(newcomer, lines, completion):
    activate, test, look = lines
    statuses, done = newcomer.type([activate, test])
    assert statuses == [0, 0], done.stdout
    job = re.search(r"^job (\S+)$", done.stdout, re.MULTILINE)[1]
    statuses, done = newcomer.type([look.replace("JOB", job)])
    assert statuses == [0], done.stdout
    assert json.loads(done.stdout.partition(STATUS)[0])["items"][0]["smtp"]["code"] == "OK"
    statuses, done = newcomer.type([*completion, "complete -p mailvouch mailvouch-worker"])
    assert statuses == [0, 0, 0], done.stdout


def store_an_integration(newcomer):
    ((imported, key, create, update),) = blocks("Integration updates")
    statuses, done = newcomer.type([imported, key, create, 'echo "key $MAILVOUCH_AUTH_KEY"'])
    assert statuses == [0, 0, 0, 0], done.stdout
    made = re.search(r"^job \S+\n(\S+)$", done.stdout, re.MULTILINE)[1]
    auth_key = re.search(r"^key (\S+)$", done.stdout, re.MULTILINE)[1]
    statuses, done = newcomer.type(
        [f"export MAILVOUCH_AUTH_KEY={auth_key}", update.replace(" ID ", f" {made} ")]
    )
    assert statuses == [0, 0], done.stdout
