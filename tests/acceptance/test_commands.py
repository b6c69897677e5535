"""docs/CONTRACT.md section 9: the commands and their exit codes."""

import json

import pytest

from tests.support.mail_office import HOST, PASSWORD, USER, account
from tests.support.servers import silent


@pytest.fixture(scope="module")
def server(office):
    return office.smtp("tls")


def body(*items):
    return json.dumps({"emailCredentialsRequests": list(items)})


def test_test_exits_by_what_was_found(outside, server):
    good = account(server, None)
    bad = {**good, "dealerEmail": "cmd@dealer.example", "password": "wrong-one-9"}
    for items, status in (([good], 0), ([good, bad], 1), ([{}] * 51, 2)):
        ended = outside.mailvouch("test", "-", "--json", stdin=body(*items))
        assert ended.status == status, ended
        assert list(ended.json) == ["emailCredentialsResponses", "errors", "warnings"]


@pytest.mark.slow
def test_result_exits_by_the_state_of_the_job(outside, server, office):
    ended = outside.mailvouch(
        "test", "-", "--no-wait", "--job-id", "cmd-1", stdin=body(account(server, None))
    )
    assert (ended.status, ended.out.strip()) == (0, "cmd-1")
    followed = outside.mailvouch("result", "cmd-1", "--follow", "--json")
    assert followed.status == 0
    assert followed.json["emailCredentialsResponses"][0]["outcome"] == "SUCCESS"
    assert outside.mailvouch("result", "cmd-1", "--report", "--json").json["jobId"] == "cmd-1"
    assert outside.mailvouch("result", "no-such-job").status == 5
    outside.redis.set(outside.key("request", "stuck"), "{}", ex=60)
    assert outside.mailvouch("result", "stuck").status == 3
    mute = office.open(silent)
    late = outside.mailvouch("test", "-", "--timeout", "0.2", stdin=body(account(mute, None)))
    assert (late.status, late.err.count("\n")) == (3, 2), late  # the job id, and what became of it


@pytest.mark.slow
def test_no_redis_is_exit_four_and_says_what_to_start(outside, tmp_path):
    missing = {"DATA_DIR": str(tmp_path)}
    unreachable = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    for settings in (missing, unreachable):
        for run, words in (
            (outside.mailvouch, ("result", "x")),
            (outside.mailvouch, ("brands", "list")),
            (outside.worker, ("queues",)),
            (outside.worker, ("dead", "list")),
            (outside.worker, ("doctor",)),
        ):
            ended = run(*words, **settings)
            assert ended.status == 4, ended
            said = " ".join((ended.out + ended.err).split())
            assert settings is unreachable or "mailvouch-worker run" in said


@pytest.mark.slow
def test_schema_has_three_forms(outside):
    assert "$schema" in outside.mailvouch("schema", "--json-schema").json
    assert "openapi" in outside.mailvouch("schema", "--openapi").json
    assert "asyncapi" in outside.mailvouch("schema", "--asyncapi").json


def test_probe_takes_the_password_from_the_environment(outside, server):
    words = ("probe", "smtp", f"{HOST}:{server.port}", "--user", USER, "--tls")
    good = outside.worker(*words, PASSWORD=PASSWORD)
    assert good.status == 0, good
    assert PASSWORD not in good.out + good.err
    bad = outside.worker(*words, "--json", PASSWORD="wrong-one-8")
    assert (bad.status, bad.json["code"]) == (1, "AUTHENTICATION_FAILED")
    assert outside.worker(*words, "--password", "x").status == 2


def test_operators_look_without_seeing_secrets(outside, server):
    outside.redis.hset(outside.key("credential-tests.msgs"), "odd", "canary-secret not json")
    outside.redis.rpush(outside.key("credential-tests"), "odd")
    for words in (("queues",), ("dead", "list"), ("doctor",)):
        ended = outside.worker(*words)
        assert ended.status == 0, ended
        assert "canary-secret" not in ended.out + ended.err


CATALOGUE = [
    {"type": "SMTP", "name": "Any", "status": "Active", "id": "any"},
    {"type": "PaymentGateway", "name": "Stripe", "status": "Active", "id": "stripe"},
]


@pytest.fixture(scope="module")
def brand(outside):
    imported = outside.mailvouch("catalogue", "import", "-", stdin=json.dumps(CATALOGUE))
    assert imported.status == 0, imported
    return outside.mailvouch("brands", "add", "https://Shop.Example/", "--json").json


def integration(server, **changes):
    return {
        "appIntegrationId": "any",
        "name": "Shop",
        "host": server.host,
        "port": server.port,
        "username": USER,
        "password": PASSWORD,
        "useTls": True,
        "isDefault": True,
        "description": "d",
        "status": "1 - Active",
    } | changes


@pytest.mark.slow
def test_an_integration_lives_by_the_rules(outside, office, brand):
    server = office.smtp("starttls")
    who = ("--brand-url", "HTTP://shop.example", "--auth-key", brand["authKey"])

    def job(*words, **changes):
        document = json.dumps(integration(server, **changes))
        return outside.mailvouch("update", *words, "-", *who, "--json", stdin=document).json

    made = outside.mailvouch(
        "integrations", "create", "-", *who, stdin=json.dumps(integration(server))
    )
    assert made.status == 0, made
    record = made.out.strip()

    first = job(record)
    assert list(first) == ["success", "statusCode", "message", "data", "errors"]
    assert (first["success"], first["statusCode"], first["errors"]) == (True, 200, [])
    assert list(first["data"]) == [
        *("appIntegration", "name", "host", "port", "username", "password"),
        *("useTls", "isDefault", "description", "status", "id"),
    ]
    assert (first["data"]["password"], first["data"]["id"]) == ("********", record)

    second = outside.mailvouch(
        "integrations", "create", "-", *who, stdin=json.dumps(integration(server, name="Two"))
    )
    listed = outside.mailvouch("integrations", "list", "--brand-url", "shop.example", "--json").json
    assert {entry["id"]: entry["isDefault"] for entry in listed} == {
        record: False,
        second.out.strip(): True,
    }

    kept = job(record, password="********", name="Renamed")
    assert (kept["success"], kept["data"]["name"]) == (True, "Renamed")
    answers = {
        "PasswordRequired": job(record, password="********", username="x@dealer.example"),
        "AppIntegrationNotFound": job(record, appIntegrationId="none"),
        "AppIntegrationUnsupported": job(record, appIntegrationId="stripe"),
        "AppIntegrationSmtpNotFound": job("no-such-id"),
        "SMTP_AUTHENTICATION_FAILED": job(record, password="wrong-one-7"),
    }
    assert {code: answer["errors"][0]["code"] for code, answer in answers.items()} == {
        code: code for code in answers
    }
    assert [answer["statusCode"] for answer in answers.values()] == [400, 404, 409, 404, 400]
    assert job(record, status="0 - Inactive", host="nowhere.invalid")["data"]["status"] == (
        "Inactive"
    )
    sleeping = integration(server)
    del sleeping["status"]
    still = outside.mailvouch("update", record, "-", *who, "--json", stdin=json.dumps(sleeping))
    assert still.json["data"]["status"] == "Inactive"
    several = job(record, port="587", name="", useTls="yes", status="On")
    assert (several["statusCode"], len(several["errors"])) == (400, 4)

    wrong = ("--brand-url", "shop.example", "--auth-key", "wrong")
    nobody = ("--brand-url", "nobody.example", "--auth-key", "wrong")
    for stranger in (wrong, nobody):
        ended = outside.mailvouch("integrations", "delete", record, *stranger, "--json")
        assert (ended.status, ended.json["statusCode"]) == (1, 401)
    rotated = outside.mailvouch(
        "brands", "rotate-key", "shop.example", "--grace", "0", "--json"
    ).json
    assert outside.mailvouch("integrations", "delete", record, *who, "--json").status == 1
    gone = outside.mailvouch(
        *("integrations", "delete", record, "--brand-url", "shop.example"),
        *("--auth-key", rotated["authKey"], "--json"),
    )
    assert (gone.status, gone.json["success"]) == (0, True)
    for key in outside.redis.scan_iter("*"):
        assert PASSWORD.encode() not in outside.redis.dump(key)
