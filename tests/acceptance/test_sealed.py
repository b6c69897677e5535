"""A deployment with every choice made otherwise: sealed, its own namespace, short lives."""

import json
import stat
from pathlib import Path

import pytest
import redis
from joserfc import jwe
from joserfc.jwk import ECKey, OKPKey

from tests.support.certificates import ca_file
from tests.support.mail_office import account
from tests.support.outsider import Outsider, codes, run_command
from tests.support.redis_server import data_folder
from tests.support.worker_process import running_worker, worker_environment


def keygen(folder, purpose, *words):
    environment = worker_environment(folder)
    command = ("producer.cli", "keygen", purpose, "--out", str(folder / "keys"), *words)
    ended = run_command(environment, *command)
    assert ended.status == 0
    return ended.out.split()


@pytest.fixture(scope="module")
def sealed():
    with data_folder() as folder:
        old, new = keygen(folder, "request"), keygen(folder, "request", "--curve", "P-256")
        environment = worker_environment(
            folder,
            CA_FILE=str(ca_file(folder)),
            NAMESPACE="other",
            RESULT_TTL_SECONDS="100",
            MAX_BATCH="2",
            ALLOW_CLEARTEXT="false",
            PRIVATE_KEYS=f"{old[0]},{new[0]}",
            REQUIRE_SEALED="true",
            PROBE_DEADLINE_SECONDS="5",
        )
        with (
            running_worker(folder, environment) as process,
            redis.Redis(unix_socket_path=str(process.socket)) as store,
        ):
            yield Outsider(store, environment, "other"), old[1], new[1], folder


def seal(envelope, public_file, **header):
    jwk = json.loads(Path(public_file).read_text())
    key = (OKPKey if jwk["kty"] == "OKP" else ECKey).import_key(jwk)
    head = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": jwk["kid"], **header}
    return jwe.encrypt_compact(head, json.dumps(envelope).encode(), key)


def request(*items):
    body = {"emailCredentialsRequests": list(items)}
    return {"version": 1, "kind": "credential-test", "dealerUUID": "d", "body": body}


@pytest.mark.parametrize("which", [1, 2])
def test_both_active_keys_open(sealed, office, which):
    outside, item = sealed[0], account(office.smtp("tls"), None)
    job = outside.enqueue(seal(request(item), sealed[which]))
    result = outside.result(job)
    assert result["emailCredentialsResponses"][0]["outcome"] == "SUCCESS"
    assert 0 < outside.redis.ttl(outside.key("result", job)) <= 100
    assert 0 < outside.redis.ttl(outside.key("report", job)) <= 100


def test_what_is_not_sealed_or_not_for_us_is_refused(sealed):
    outside, public = sealed[:2]
    stranger = keygen(sealed[3], "request")[1]
    good = seal(request({}), public)
    cases = [
        (request({}), "REQUEST_NOT_SEALED"),
        (seal(request({}), stranger), "REQUEST_UNREADABLE"),
        (good[:-4] + "AAAA", "REQUEST_UNREADABLE"),
        (good.rpartition(".")[0], "REQUEST_UNREADABLE"),
        (seal([], public), "REQUEST_UNREADABLE"),
        (seal({"version": 3}, public), "INVALID_REQUEST_DATA"),
    ]
    for envelope, code in cases:
        assert codes(outside.result(outside.enqueue(envelope))["errors"]) == [code]


def test_the_batch_limit_and_clear_text_follow_the_settings(sealed, office):
    outside, public = sealed[:2]
    result = outside.result(outside.enqueue(seal(request({}, {}, {}), public)))
    assert codes(result["errors"]) == ["INVALID_REQUEST_DATA"]
    server = office.smtp("clear")
    clear = account(server, None, smtpUseSSLOrTLS=False, smtpEnableStartTLS=False)
    result = outside.result(outside.enqueue(seal(request(clear), public)))
    assert codes(result["emailCredentialsResponses"][0]["errors"]) == ["SMTP_AUTH_REQUIRES_TLS"]
    assert server.connections == 0


def test_the_command_seals_with_the_public_key(sealed, office):
    outside, public = sealed[:2]
    body = json.dumps({"emailCredentialsRequests": [account(office.smtp("tls"), None)]})
    ended = outside.mailvouch("test", "-", "--json", stdin=body, PUBLIC_KEY=str(public))
    assert ended.status == 0, ended
    assert outside.mailvouch("test", "-", "--json", stdin=body).status == 1


@pytest.mark.slow
def test_private_key_files_are_for_the_owner_only(sealed):
    store = keygen(sealed[3], "store")[0]
    assert json.loads(Path(store).read_text())["kty"] == "oct"
    for path in (sealed[3] / "keys").iterdir():
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o644 if path.name.endswith(".public.jwk") else 0o600), path
