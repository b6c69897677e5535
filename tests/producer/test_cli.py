import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from producer.commands.console import Exit
from producer.commands.tree import mailvouch as main
from tests.support.queueing import wait_for
from tests.support.redis_server import data_folder

pytestmark = pytest.mark.redis_server

RIGHTS = ("+@all", "-zcount")
BODY = {"emailCredentialsRequests": [{"dealerEmail": "jo@example.com", "password": "s3cret"}]}


def item(outcome: str) -> dict:
    return {"outcome": outcome, "dealerEmail": "jo@example.com", "errors": [], "warnings": []}


def response(*outcomes: str, errors=()) -> dict:
    return {
        "emailCredentialsResponses": [item(outcome) for outcome in outcomes],
        "errors": list(errors),
        "warnings": [],
    }


@pytest.fixture
def run(redis_url, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "body.json").write_text(json.dumps(BODY))

    def run_it(*arguments: str, stdin: str | None = None, **env: str):
        return CliRunner().invoke(
            main, arguments, input=stdin, env={"MAILVOUCH_REDIS_URL": redis_url, **env}
        )

    return run_it


@pytest.mark.parametrize(
    ("result", "exit_code"),
    [
        (response("SUCCESS", "SUCCESS"), Exit.OK),
        (response("SUCCESS", "FAILURE"), Exit.SOME_FAILED),
        (response(errors=[{"errorCode": "WORKER_FAILED"}]), Exit.SOME_FAILED),
        (response(errors=[{"errorCode": "INVALID_REQUEST_DATA"}]), Exit.BAD_INPUT),
    ],
)
def test_test_prints_the_documented_json_in_a_pipe(run, answering, result, exit_code):
    with answering(lambda envelope: result):
        ended = run("test", "body.json", "--dealer", "d-7")
    assert json.loads(ended.stdout) == result
    assert ended.exit_code == exit_code


def test_test_submits_the_body_as_it_is_and_the_dealer(run, answering):
    seen = []
    with answering(lambda envelope: seen.append(envelope) or response("SUCCESS")):
        run("test", "-", "--dealer", "d-7", stdin=json.dumps(BODY))
    assert seen == [{"version": 1, "kind": "credential-test", "dealerUUID": "d-7", "body": BODY}]


def test_several_files_are_several_jobs_and_one_array(run, answering, tmp_path):
    other = {"emailCredentialsRequests": [{"dealerEmail": "other@example.com"}]}
    (tmp_path / "other.json").write_text(json.dumps(other))

    def answer(envelope):
        good = envelope["body"] == BODY
        return response("SUCCESS" if good else "FAILURE")

    with answering(answer):
        ended = run("test", "body.json", "other.json")
    assert json.loads(ended.stdout) == [response("SUCCESS"), response("FAILURE")]
    assert ended.exit_code == Exit.SOME_FAILED


def test_without_waiting_the_job_id_is_printed(run, store):
    ended = run("test", "body.json", "--job-id", "import-42", "--no-wait")
    assert (ended.stdout, ended.exit_code) == ("import-42\n", Exit.OK)
    assert store.exists("mailvouch:request:import-42")


def test_no_result_in_time_names_the_job_and_the_next_step(run):
    ended = run("test", "body.json", "--job-id", "slow", "--timeout", "0.1")
    assert ended.exit_code == Exit.NO_RESULT_IN_TIME
    assert "mailvouch result slow --follow" in ended.stderr
    assert ended.stdout == ""


def test_where_no_worker_lives_a_waiting_job_says_so_at_once(run):
    ended = run("test", "body.json", "--timeout", "1")
    assert "no worker is running" in ended.stderr
    assert ended.stderr.index("no worker is running") < ended.stderr.index("no result of job")
    assert "mailvouch-worker run" in ended.stderr


def test_where_a_worker_lives_a_waiting_job_says_nothing_of_workers(run, store):
    store.zadd("mailvouch:__heartbeats__", {"alive": 1000 * store.time()[0]})
    assert "no worker" not in run("test", "body.json", "--timeout", "1").stderr


def test_a_heartbeat_of_long_ago_is_no_worker(run, store):
    store.zadd("mailvouch:__heartbeats__", {"dead": 1000 * (store.time()[0] - 20)})
    assert "no worker is running" in run("test", "body.json", "--timeout", "1").stderr


def test_a_user_who_may_not_look_for_workers_is_told_nothing_of_them(run, store, redis_url):
    store.execute_command("ACL", "SETUSER", "looks_not", "on", "nopass", "~*", "&*", *RIGHTS)
    as_user = redis_url.replace("unix://", "unix://looks_not:x@")
    ended = run("test", "body.json", "--timeout", "1", MAILVOUCH_REDIS_URL=as_user)
    assert (ended.exit_code, "no worker" in ended.stderr) == (Exit.NO_RESULT_IN_TIME, False)


def test_json_has_the_job_id_beside_it_on_stderr(run, answering):
    with answering(lambda envelope: response("SUCCESS")):
        ended = run("test", "body.json", "--job-id", "import-42", "--json")
    assert json.loads(ended.stdout) == response("SUCCESS")
    assert ended.stderr == "job import-42\n"


def test_an_id_that_was_used_before_says_that_its_result_is_of_then(run, answering):
    with answering(lambda envelope: response("SUCCESS")):
        first = run("test", "body.json", "--job-id", "import-42")
        again = run("test", "body.json", "--job-id", "import-42")
    assert "before" not in first.stderr
    assert "this is its result of then" in again.stderr
    assert again.exit_code == Exit.OK


def test_an_id_whose_job_still_waits_says_that_it_runs_once(run):
    run("test", "body.json", "--job-id", "import-42", "--no-wait")
    again = run("test", "body.json", "--job-id", "import-42", "--timeout", "0")
    assert "has not ended: nothing is run a second time" in again.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is no JSON"),
        ('{"emailCredentialsRequests": [{"password": "s3cret"', "in line 1, column"),
        ("[]", "must hold"),
        ('{"emailCredentialsRequests": {"password": "s3cret"}}', "must hold"),
        ("\udcff", "UTF-8"),
        ('{"emailCredentialsRequests": [{"smtpPort": ' + "9" * 5000 + "}]}", "none that can be"),
        ("[" * 200_000, "none that can be read"),
    ],
)
def test_bad_input_is_one_line_that_quotes_nothing(run, tmp_path, content, reason):
    (tmp_path / "bad.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    ended = run("test", "bad.json")
    assert ended.exit_code == Exit.BAD_INPUT
    assert reason in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "s3cret" not in ended.output


def test_standard_input_is_named_where_it_holds_something_else(run):
    auth = ("--brand-url", "b", "--auth-key", "k")
    for arguments in (("test", "-"), ("update", "i-1", "-", *auth)):
        assert "standard input must hold" in run(*arguments, stdin="[]").stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("test", "gone.json"),
        ("test",),
        ("test", "body.json", "--job-id", "not valid"),
        ("test", "body.json", "body.json", "--job-id", "one"),
        ("test", "body.json", "--timeout", "soon"),
        ("test", "body.json", "--timeout", "nan"),
        ("test", "body.json", "--timeout", "inf"),
        ("update", "i-1", "body.json", "--brand-url", "b"),
        ("nonsense",),
    ],
)
def test_a_wrong_call_is_bad_input(run, arguments):
    assert run(*arguments).exit_code == Exit.BAD_INPUT


_BRAND = ("--brand-url", "https://shop.example", "--auth-key", "k")
_NO_TEXT = "\udcff"  # what Python makes of a byte that is no UTF-8


@pytest.mark.parametrize("unfit", ["x" * 129, _NO_TEXT])
@pytest.mark.parametrize(
    ("call", "field"),
    [
        (("test", "body.json", "--dealer"), "dealerUUID"),
        (("update", "body.json", *_BRAND), "id"),
        (("integrations", "delete", *_BRAND), "id"),
    ],
)
def test_an_argument_that_no_envelope_takes_is_bad_input_in_one_line(run, call, field, unfit):
    ended = run(*call, unfit) if call[0] != "update" else run("update", unfit, *call[1:])
    assert ended.exit_code == Exit.BAD_INPUT
    assert ended.stderr.startswith(f"mailvouch: {field}: ")
    assert ended.stderr.count("\n") == 1


def test_a_bad_setting_is_named_without_its_value(run):
    ended = run("test", "body.json", MAILVOUCH_REDIS_URL="http://user:s3cret@host")
    assert ended.exit_code == Exit.BAD_INPUT
    assert ended.stderr.startswith("mailvouch: MAILVOUCH_REDIS_URL: ")
    assert "s3cret" not in ended.output


def test_no_redis_is_exit_4_with_the_remedy(run):
    with data_folder() as folder:
        away = run("test", "body.json", MAILVOUCH_REDIS_URL=f"unix://{folder}/gone.sock")
        none = run("result", "x", MAILVOUCH_REDIS_URL="", MAILVOUCH_DATA_DIR=str(folder))
    assert (away.exit_code, none.exit_code) == (Exit.REDIS_UNREACHABLE, Exit.REDIS_UNREACHABLE)
    assert "check that it runs" in away.stderr
    assert "mailvouch-worker run" in none.stderr
    assert len(none.stderr.splitlines()) == 1


def test_result_tells_waiting_unknown_and_done_apart(run, save_result):
    assert run("result", "j").exit_code == Exit.UNKNOWN_JOB
    run("test", "body.json", "--job-id", "j", "--no-wait")
    waiting = run("result", "j")
    assert waiting.exit_code == Exit.NO_RESULT_IN_TIME
    assert "--follow" in waiting.stderr

    save_result("j", response("FAILURE"), {"version": 1, "items": []})
    done = run("result", "j")
    assert json.loads(done.stdout) == response("FAILURE")
    assert done.exit_code == Exit.SOME_FAILED
    assert json.loads(run("result", "j", "--report").stdout) == {"version": 1, "items": []}


def test_follow_waits_for_the_result(run, answering):
    run("test", "body.json", "--job-id", "j", "--no-wait")
    with answering(lambda envelope: response("SUCCESS")):
        ended = run("result", "j", "--follow")
    assert (json.loads(ended.stdout), ended.exit_code) == (response("SUCCESS"), Exit.OK)


@pytest.mark.parametrize(("success", "exit_code"), [(True, 0), (False, 1)])
def test_update_takes_the_key_from_the_environment(run, answering, success, exit_code):
    seen = []
    answer = {"success": success, "statusCode": 200, "message": "m", "data": None, "errors": []}
    with answering(lambda envelope: seen.append(envelope) or answer):
        ended = run(
            *("update", "i-1", "body.json", "--brand-url", "https://b.example"),
            MAILVOUCH_AUTH_KEY="the-key",
        )
    assert (json.loads(ended.stdout), ended.exit_code) == (answer, exit_code)
    assert seen == [
        {
            "version": 1,
            "kind": "integration-update",
            "id": "i-1",
            "brandUrl": "https://b.example",
            "authKey": "the-key",
            "body": BODY,
        }
    ]


def on_a_terminal(folder: Path, *words: str, **env: str) -> tuple[int, str]:
    terminal, inside = os.openpty()
    ended = subprocess.run(
        [sys.executable, "-m", "producer.cli", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm", **env},
        stdin=subprocess.DEVNULL,
        stdout=inside,
        stderr=inside,
        check=False,
        timeout=100,
    )
    seen = os.read(terminal, 65536).decode()
    os.close(terminal)
    os.close(inside)
    return ended.returncode, seen


def test_on_a_terminal_people_get_a_picture_and_progress(run, answering, redis_url, tmp_path):
    with answering(lambda envelope: response("SUCCESS", "FAILURE")):
        exit_code, seen = on_a_terminal(
            tmp_path, "test", "body.json", MAILVOUCH_REDIS_URL=redis_url
        )
    assert exit_code == Exit.SOME_FAILED
    for words in ("waiting for the result", "works", "does not work", "1 of 2 work"):
        assert words in seen
    assert "emailCredentialsResponses" not in seen


def looks(store):
    """How often whoever waits has looked for the result."""
    return store.info("commandstats").get("cmdstat_mget", {"calls": 0})["calls"]


def test_on_a_terminal_each_item_that_ends_is_counted(run, answering, store, redis_url, tmp_path):
    def answer(envelope):
        wait_for(lambda: looks(store) >= 2)  # after the confirmation of each subscription
        for _ in range(3):
            before = looks(store)
            store.publish("mailvouch:progress:import-42", '{"done": 2, "total": 3}')
            wait_for(lambda before=before: looks(store) > before)  # what was heard is told first
        return response("SUCCESS", "SUCCESS", "SUCCESS")

    store.config_resetstat()
    three = {"emailCredentialsRequests": BODY["emailCredentialsRequests"] * 3}
    (tmp_path / "three.json").write_text(json.dumps(three))
    with answering(answer):
        words = ("test", "three.json", "--job-id", "import-42")
        _, seen = on_a_terminal(tmp_path, *words, MAILVOUCH_REDIS_URL=redis_url)
    assert "0 of 3" in seen
    assert "2 of 3" in seen


def test_an_update_on_a_terminal_shows_what_changed(run, answering, store, redis_url, tmp_path):
    run("brands", "add", "b.example")
    record = {
        "version": 1,
        "appIntegrationId": "own",
        "name": "Old name",
        "host": "h",
        "port": 587,
        "username": "u",
        "password": "s3cret",
        "useTls": True,
        "description": None,
        "status": "Active",
        "submittedMs": 1,
        "arrival": 1,
        "jobId": "",
    }
    store.hset("mailvouch:integration:records:b.example", "i-1", json.dumps(record))
    data = {"appIntegration": {"id": "own", "name": "own"}, "name": "New name", "host": "h"}
    answer = {"success": True, "statusCode": 200, "message": "m", "data": data, "errors": []}
    with answering(lambda envelope: answer):
        exit_code, seen = on_a_terminal(
            tmp_path,
            *("update", "i-1", "body.json", "--brand-url", "b.example"),
            MAILVOUCH_REDIS_URL=redis_url,
            MAILVOUCH_AUTH_KEY="k",
        )
    assert exit_code == Exit.OK
    assert "Old name" in seen
    assert "New name" in seen
    assert "s3cret" not in seen
    assert "host" not in seen


def test_keygen_writes_keys_that_seal(run, store, tmp_path):
    made = run("keygen", "request", "--out", "keys")
    assert made.exit_code == Exit.OK
    (public,) = (tmp_path / "keys").glob("*.public.jwk")
    run("test", "body.json", "--job-id", "s", "--no-wait", MAILVOUCH_PUBLIC_KEY=str(public))
    assert store.get("mailvouch:request:s").startswith(b"eyJ")
    assert run("keygen", "store", "--out", "keys").exit_code == Exit.OK
    assert len(list((tmp_path / "keys").glob("store-*.jwk"))) == 1


def test_a_private_key_is_not_taken_for_the_public_one(run, tmp_path):
    run("keygen", "request", "--out", "keys")
    (private,) = (tmp_path / "keys").glob("*.private.jwk")
    ended = run("test", "body.json", MAILVOUCH_PUBLIC_KEY=str(private))
    assert ended.exit_code == Exit.BAD_INPUT
    assert "MAILVOUCH_PUBLIC_KEY" in ended.stderr
    assert json.loads(private.read_text())["d"] not in ended.output


@pytest.mark.parametrize("form", ["--json-schema", "--asyncapi", "--openapi"])
def test_schema_prints_json(run, form):
    ended = run("schema", form)
    assert ended.exit_code == Exit.OK
    assert isinstance(json.loads(ended.stdout), dict)


def test_schema_prints_one_document_and_takes_one_name(run):
    ended = run("schema", "--asyncapi", "--openapi")
    assert (ended.exit_code, ended.stdout) == (Exit.BAD_INPUT, "")


@pytest.mark.parametrize("command", ["test", "update", "result", "keygen", "schema"])
def test_every_command_teaches_by_example(run, command):
    ended = run(command, "--help")
    assert ended.exit_code == Exit.OK
    assert f"  mailvouch {command} " in ended.output


def test_help_imports_no_client_and_no_terminal_library():
    program = "import sys, producer.commands.tree; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"redis", "rich", "pydantic", "joserfc"} & set(out)


def test_an_id_of_another_dealers_job_is_bad_input_and_shows_nothing_of_it(run, answering, store):
    with answering(lambda _: response("SUCCESS")):
        assert run("test", "body.json", "--job-id", "x", "--dealer", "d-1").exit_code == Exit.OK
        ended = run("test", "body.json", "--job-id", "x", "--dealer", "d-2")
    assert ended.exit_code == Exit.BAD_INPUT
    assert "belongs to another" in ended.stderr
    assert ended.stdout == ""
