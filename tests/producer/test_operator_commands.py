"""The operators' commands from end to end, the worker's part played by a stand-in."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from producer.commands.console import Exit
from producer.commands.tree import mailvouch as main
from producer.contract.names import MASK
from producer.sealing.requests import write_store_key

pytestmark = pytest.mark.redis_server

CATALOGUE = Path(__file__).parents[2] / "examples" / "catalogue.json"
BODY = {
    "appIntegrationId": "gmail",
    "name": "Office",
    "host": "smtp.gmail.com",
    "port": 587,
    "username": "office@shop.example",
    "password": "s3cret-canary",
    "useTls": True,
    "isDefault": True,
}


@pytest.fixture
def run(redis_url, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "body.json").write_text(json.dumps(BODY))
    (tmp_path / "bodies.json").write_text(json.dumps([{**BODY, "id": "one"}]))
    settings = {"MAILVOUCH_REDIS_URL": redis_url, "MAILVOUCH_DATA_DIR": str(tmp_path / "data")}

    def run_it(*arguments: str, **env: str):
        return CliRunner().invoke(main, arguments, env={**settings, **env})

    return run_it


@pytest.fixture
def brand(run) -> str:
    run("catalogue", "import", str(CATALOGUE))
    return run("brands", "add", "https://Shop.example/").stdout.strip()


def test_a_new_key_is_printed_alone_so_that_a_script_can_take_it(run):
    ended = run("brands", "add", "shop.example")
    assert ended.exit_code == Exit.OK
    assert len(ended.stdout.splitlines()) == 1
    assert len(ended.stdout.strip()) >= 43
    assert "not shown again" in ended.stderr


@pytest.mark.parametrize(
    "command",
    ["brands add", "brands rotate-key", "subscribers add", "integrations create"],
)
def test_what_a_script_takes_is_not_said_to_be_json_in_a_pipe(run, command):
    page = run(*command.split(), "--help").stdout
    assert "--json" in page
    assert "no terminal" not in " ".join(page.split())


def test_a_new_key_as_json_has_the_documented_fields(run):
    document = json.loads(run("brands", "add", "https://Shop.example/", "--json").stdout)
    assert list(document) == ["brandUrl", "authKey"]
    assert document["brandUrl"] == "shop.example"
    rotated = json.loads(run("brands", "rotate-key", "SHOP.example", "--json").stdout)
    assert rotated["authKey"] != document["authKey"]
    (listed,) = json.loads(run("brands", "list", "--json").stdout)
    assert (listed["brandUrl"], listed["integrations"]) == ("shop.example", 0)
    assert listed["previousKeyValidUntil"].endswith("+00:00")


def test_a_brand_is_removed(run, brand):
    assert run("brands", "remove", "https://shop.example").exit_code == Exit.OK
    assert json.loads(run("brands", "list").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("brands", "add", "shop.example"), Exit.SOME_FAILED),
        (("brands", "add", "https://"), Exit.BAD_INPUT),
        (("brands", "add", "not-a-url"), Exit.BAD_INPUT),
        (("brands", "rotate-key", "nobody.example"), Exit.UNKNOWN_JOB),
        (("brands", "remove", "nobody.example"), Exit.UNKNOWN_JOB),
        (("brands", "rotate-key", "shop.example", "--grace", "-1"), Exit.BAD_INPUT),
        (("catalogue", "import", "gone.json"), Exit.BAD_INPUT),
        (("catalogue", "import", "body.json"), Exit.BAD_INPUT),
        (("integrations", "list", "--brand-url", "nobody.example"), Exit.UNKNOWN_JOB),
        (("integrations", "show", "x", "--brand-url", "shop.example"), Exit.UNKNOWN_JOB),
        (("integrations", "import", "body.json", "--brand-url", "shop.example"), Exit.BAD_INPUT),
        (("integrations", "list"), Exit.BAD_INPUT),
    ],
)
def test_what_cannot_be_done_ends_with_its_exit_code_and_no_traceback(
    run, brand, arguments, exit_code
):
    ended = run(*arguments)
    assert ended.exit_code == exit_code
    assert ended.stdout == ""
    assert ended.stderr
    assert ended.exception is None or isinstance(ended.exception, SystemExit)


def test_without_redis_the_exit_code_is_4(run):
    ended = run("brands", "list", MAILVOUCH_REDIS_URL="redis://127.0.0.1:1/0")
    assert ended.exit_code == Exit.REDIS_UNREACHABLE


def test_the_catalogue_is_listed_in_the_form_that_import_reads(run, tmp_path):
    run("catalogue", "import", str(CATALOGUE))
    listed = run("catalogue", "list", "--json").stdout
    (tmp_path / "again.json").write_text(listed)
    assert run("catalogue", "import", "again.json").exit_code == Exit.OK
    assert run("catalogue", "list", "--json").stdout == listed


def test_imported_integrations_are_listed_and_shown_with_a_mask(run, brand):
    imported = run("integrations", "import", "bodies.json", "--brand-url", "shop.example")
    assert (imported.exit_code, imported.stdout) == (Exit.OK, "one\n")
    (listed,) = json.loads(
        run("integrations", "list", "--brand-url", "shop.example", "--json").stdout
    )
    shown = run("integrations", "show", "one", "--brand-url", "shop.example", "--json")
    assert json.loads(shown.stdout) == listed
    assert listed["password"] == MASK
    assert listed["isDefault"] is True


def test_who_names_no_key_is_told_each_time_which_one_seals(run, brand, tmp_path):
    words = ("integrations", "import", "bodies.json", "--brand-url", "shop.example")
    for _ in range(2):
        assert str(tmp_path / "data" / "store-default.jwk") in run(*words).stderr
    named = write_store_key(tmp_path)
    assert "MAILVOUCH_STORE_KEYS" not in run(*words, MAILVOUCH_STORE_KEYS=str(named)).stderr


def test_a_folder_that_takes_no_key_is_not_taken_for_redis(run, brand):
    ended = run(
        *("integrations", "import", "bodies.json", "--brand-url", "shop.example"),
        MAILVOUCH_DATA_DIR="bodies.json",
    )
    assert ended.exit_code == Exit.BAD_INPUT
    assert "MAILVOUCH_DATA_DIR: bodies.json: File exists" in ended.stderr


def test_a_reseal_moves_every_password_to_the_first_key(run, brand, tmp_path):
    old, new = write_store_key(tmp_path), write_store_key(tmp_path)
    run(
        *("integrations", "import", "bodies.json", "--brand-url", "shop.example"),
        MAILVOUCH_STORE_KEYS=str(old),
    )
    done = run("integrations", "reseal", MAILVOUCH_STORE_KEYS=f"{new}, {old}")
    assert (done.exit_code, done.stderr.splitlines()[0][:1]) == (Exit.OK, "1")
    lost = run("integrations", "reseal", MAILVOUCH_STORE_KEYS=str(old))
    assert lost.exit_code == Exit.SOME_FAILED
    assert "shop.example one" in lost.stderr


def test_a_bad_store_key_is_named_with_its_variable(run, brand, tmp_path):
    (tmp_path / "bad.jwk").write_text("{}")
    ended = run("integrations", "reseal", MAILVOUCH_STORE_KEYS="bad.jwk")
    assert ended.exit_code == Exit.BAD_INPUT
    assert "MAILVOUCH_STORE_KEYS" in ended.stderr


def _success(data) -> dict:
    return {"success": True, "statusCode": 201, "message": "m", "data": data, "errors": []}


REFUSED = {
    "success": False,
    "statusCode": 400,
    "message": "m",
    "data": None,
    "errors": [{"code": "SMTP_AUTHENTICATION_FAILED", "message": "wrong", "correlationId": "u"}],
}


def test_create_submits_the_body_and_prints_the_new_id(run, brand, answering):
    seen = []
    with answering(lambda envelope: seen.append(envelope) or _success({"id": "new-id"})):
        ended = run(
            *("integrations", "create", "body.json", "--brand-url", "shop.example"),
            *("--auth-key", brand),
        )
    assert (ended.exit_code, ended.stdout) == (Exit.OK, "new-id\n")
    (envelope,) = seen
    assert envelope["kind"] == "integration-create"
    assert (envelope["authKey"], envelope["body"]) == (brand, BODY)


def test_a_create_that_was_refused_says_why(run, answering):
    with answering(lambda envelope: REFUSED):
        ended = run(*("integrations", "create", "body.json", "--brand-url", "b", "--auth-key", "k"))
    assert ended.exit_code == Exit.SOME_FAILED
    assert ended.stdout == ""
    assert "SMTP_AUTHENTICATION_FAILED: wrong" in ended.stderr


def test_a_create_without_a_worker_runs_out_of_time_and_names_the_job(run):
    ended = run(
        *("integrations", "create", "body.json", "--brand-url", "b", "--auth-key", "k"),
        *("--timeout", "0.1", "--job-id", "slow"),
    )
    assert ended.exit_code == Exit.NO_RESULT_IN_TIME
    assert "mailvouch result slow --follow" in ended.stderr


def test_delete_takes_the_key_from_the_environment(run, answering):
    seen = []
    with answering(lambda envelope: seen.append(envelope) or _success(data=True)):
        ended = run(
            *("integrations", "delete", "one", "--brand-url", "b", "--json"),
            MAILVOUCH_AUTH_KEY="from-the-environment",
        )
    assert ended.exit_code == Exit.OK
    assert json.loads(ended.stdout)["data"] is True
    assert seen[0]["kind"] == "integration-delete"
    assert (seen[0]["id"], seen[0]["authKey"]) == ("one", "from-the-environment")
