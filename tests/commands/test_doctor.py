"""What the doctor finds, and what it advises."""

import json
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.jwk import OctKey, OKPKey

from producer.contract.keyspace import Keyspace
from producer.terminal import Terminal
from worker.commands.doctor.check import State
from worker.commands.doctor.command import doctor, effective_settings, settings_table
from worker.commands.doctor.egress import check_egress
from worker.commands.doctor.machine import check_keys, check_machine, check_trust_store
from worker.commands.doctor.other_shards import check_other_shards
from worker.commands.doctor.server import check_redis
from worker.settings import Settings

GOOD = {
    "redis_version": "7.2.4",
    "redis_mode": "standalone",
    "aof_enabled": 1,
    "maxmemory": 1000,
    "used_memory": 100,
    "maxmemory_policy": "noeviction",
}


class StandInRedis:
    def __init__(self, skew_seconds: float = 0.0, workers: int = 2, **info: object) -> None:
        self._info, self._skew, self._workers = {**GOOD, **info}, skew_seconds, workers

    def info(self):
        return self._info

    def time(self):
        return int(time.time() + self._skew), 500_000

    def zcount(self, _key: str, oldest_ms: float, newest_ms: float) -> int:
        assert self.time()[0] * 1000 - oldest_ms == pytest.approx(15_000, abs=2_000)
        assert newest_ms - oldest_ms == 30_000
        return self._workers


def redis_states(client: StandInRedis, url: str = "rediss://host/0") -> dict[str, State]:
    return {check.name: check.state for check in check_redis(client, "mailvouch", url)}


def write_key(path: Path, mode: int = 0o600) -> Path:
    private = X25519PrivateKey.generate()
    path.write_text(json.dumps(OKPKey.import_key(private).as_dict(private=True)))
    path.chmod(mode)
    return path


def test_a_good_redis_is_all_ok():
    assert set(redis_states(StandInRedis()).values()) == {State.OK}


@pytest.mark.parametrize(
    ("client", "check", "state"),
    [
        (StandInRedis(redis_version="6.0.16"), "redis version", State.FAIL),
        (StandInRedis(redis_mode="cluster"), "redis version", State.FAIL),
        (StandInRedis(valkey_version="9.1.2", redis_version="2.0"), "redis version", State.OK),
        (StandInRedis(aof_enabled=0), "redis persistence", State.WARN),
        (StandInRedis(aof_last_write_status="ok"), "redis persistence", State.OK),
        (StandInRedis(aof_last_write_status="err"), "redis persistence", State.FAIL),
        (StandInRedis(maxmemory_policy="allkeys-lru"), "redis eviction", State.FAIL),
        (StandInRedis(maxmemory_policy="allkeys-lru", maxmemory=0), "redis eviction", State.OK),
        (StandInRedis(used_memory=900), "redis memory", State.WARN),
        (StandInRedis(skew_seconds=5), "clock", State.WARN),
        (StandInRedis(skew_seconds=-300), "clock", State.FAIL),
        (StandInRedis(workers=0), "workers", State.WARN),
    ],
)
def test_each_trouble_of_redis_is_told(client, check, state):
    assert redis_states(client)[check] == state


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("redis://u:p@10.0.0.1/0", State.WARN),
        ("redis://localhost/0", State.OK),
        ("unix:///run/redis.sock", State.OK),
        ("rediss+sentinel://h/s/0", State.OK),
    ],
)
def test_an_unencrypted_way_to_another_machine_is_told(url, state):
    assert redis_states(StandInRedis(), url)["redis transport"] == state


def test_an_unreachable_redis_is_one_failed_check_without_its_password():
    client = redis.Redis.from_url("redis://user:c4nary@127.0.0.1:1/0")
    (check,) = check_redis(client, "mailvouch", "redis://user:c4nary@127.0.0.1:1/0")

    assert check.state is State.FAIL
    assert "127.0.0.1:1 cannot be reached (connection refused)" in check.text
    assert "c4nary" not in check.text + check.remedy


@pytest.mark.parametrize(("ours", "theirs"), [(3, 1), (1, 3), (3, 64)])
def test_jobs_of_a_producer_with_another_number_of_shards_are_told(client, ours, theirs):
    workers, producers = Keyspace("mv", ours), Keyspace("mv", theirs)
    client.rpush(f"{workers.of_jobs[-1]}:credential-tests", "fetched soon")
    assert list(check_other_shards(client, workers)) == []

    lost = producers.of_jobs[-1]
    client.rpush(f"{lost}:credential-tests", "a", "b")
    client.rpush(f"{lost}:integration-updates", "c")
    (check,) = check_other_shards(client, workers)
    assert (check.state, check.text) == (
        State.WARN,
        f"jobs wait where no worker looks: 3 under {lost}:",
    )


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that everybody can look into: pytest's own, and maybe TMPDIR, keep others out."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_good_keys_are_ok_and_a_world_readable_one_is_told(tmp_path, open_folder):
    good = write_key(tmp_path / "a.jwk")
    loose = write_key(open_folder / "b.jwk", 0o644)
    store = tmp_path / "s.jwk"
    store.write_text(json.dumps(OctKey.generate_key(256).as_dict(private=True)))
    store.chmod(0o600)
    settings = Settings(private_keys=(good, loose), store_keys=(store,), require_sealed=True)

    states = [check.state for check in check_keys(settings)]
    assert states == [State.OK, State.WARN, State.OK]


def test_a_readable_key_in_a_folder_that_keeps_others_out_is_ok(tmp_path):
    tmp_path.chmod(0o700)
    settings = Settings(private_keys=(write_key(tmp_path / "a.jwk", 0o644),))
    assert next(iter(check_keys(settings))).state is State.OK


def test_a_key_of_the_wrong_kind_fails_and_is_not_quoted(tmp_path):
    public = tmp_path / "p.jwk"
    public.write_text(json.dumps(OKPKey.generate_key("X25519").as_dict(private=False)))
    settings = Settings(private_keys=(public,), store_keys=(write_key(tmp_path / "x.jwk"),))

    states = {check.name: check for check in check_keys(settings)}
    assert states["request key"].state is State.FAIL
    assert states["store key"].state is State.FAIL
    assert states["sealing"].state is State.WARN
    assert json.loads(public.read_text())["x"] not in states["request key"].text


def test_more_jobs_than_files_may_be_open_is_a_failure():
    checks = {c.name: c.state for c in check_machine(Settings(concurrency=1))}
    assert checks["open files"] is State.OK


def test_a_trust_file_that_is_none_fails(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")

    assert check_trust_store(tmp_path / "ca.pem").state is State.FAIL
    assert check_trust_store(None).state is State.OK


def test_a_host_of_ours_is_reached_but_refused_by_policy_unless_allowed():
    with closing(socket.create_server(("127.0.0.1", 0))):
        strict = {c.name: c.state for c in check_egress(Settings(), "127.0.0.1")}
        opened = Settings.model_validate({"allow_networks": "127.0.0.0/8"})
        lenient = {c.name: c.state for c in check_egress(opened, "127.0.0.1")}

    assert strict["egress policy"] is State.FAIL
    assert lenient["egress policy"] is State.OK
    assert {"port 25", "port 465", "port 587", "port 993", "port 143"} < strict.keys()


def test_without_a_host_the_way_out_is_not_tried():
    (check,) = check_egress(Settings(), None)
    assert (check.name, check.state, "--host" in check.remedy) == ("egress", State.WARN, True)


def test_a_name_that_does_not_exist_is_a_failed_dns():
    (check,) = check_egress(Settings(), "no-such-host.invalid")
    assert (check.name, check.state) == ("dns", State.FAIL)


def test_effective_settings_are_shown_by_variable_and_secrets_masked():
    shown = effective_settings(
        Settings.model_validate(
            {
                "redis_url": "redis://:c4nary@h/0",
                "allow_ports": "25,1000-1002",
                "log_level": "debug",
            }
        )
    )

    assert shown["MAILVOUCH_REDIS_URL"] == "redis://:********@h/0"
    assert shown["MAILVOUCH_ALLOW_PORTS"] == "25,1000-1002"
    assert shown["MAILVOUCH_LOG_LEVEL"] == "DEBUG"
    assert shown["MAILVOUCH_ALLOW_CLEARTEXT"] == "true"


def run(tmp_path: Path, *arguments: str):
    environment = {"MAILVOUCH_DATA_DIR": str(tmp_path), "MAILVOUCH_REDIS_URL": ""}
    return CliRunner().invoke(doctor, arguments, env=environment)


def test_the_command_exits_with_four_where_there_is_no_redis(tmp_path):
    answer = run(tmp_path, "--json")

    assert answer.exit_code == 4
    page = json.loads(answer.stdout)
    assert page["settings"]["MAILVOUCH_NAMESPACE"] == "mailvouch"
    (redis_check,) = [line for line in page["checks"] if line["check"] == "redis"]
    assert redis_check["state"] == "fail"
    assert "mailvouch-worker run" in redis_check["remedy"]


def settings_as_shown(settings, capsys):
    Terminal().print(settings_table(settings))
    return capsys.readouterr().out.splitlines()


def test_nothing_of_a_setting_is_cut_off_in_a_pipe_or_on_a_narrow_terminal(
    tmp_path, monkeypatch, capsys
):
    authorities = tmp_path / ("authorities-" * 8)
    authorities.touch()
    settings = Settings(ca_file=authorities)
    monkeypatch.delenv("COLUMNS", raising=False)
    assert any(str(authorities) in line for line in settings_as_shown(settings, capsys))
    monkeypatch.setenv("COLUMNS", "40")
    lines = settings_as_shown(settings, capsys)
    assert max(map(len, lines)) <= 40
    assert str(authorities) in "".join(line.split()[-1] for line in lines)


def test_the_command_prints_a_table_with_the_remedy(tmp_path):
    answer = run(tmp_path)

    assert answer.exit_code == 4
    assert "MAILVOUCH_PROBE_DEADLINE_SECONDS" in answer.stdout
    assert "mailvouch keygen request" in answer.stdout
