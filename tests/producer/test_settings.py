import os
import socket
from pathlib import Path

import pytest

from producer.redis_url import PlainUrl
from producer.settings import NoRedisError, ProducerSettings, SettingsError
from tests.support.redis_server import data_folder


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("MAILVOUCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_those_of_the_contract(monkeypatch):
    monkeypatch.setenv("HOME", "/home/jo")
    settings = ProducerSettings.load()
    assert settings.redis_url is None
    assert settings.namespace == "mailvouch"
    assert str(settings.data_dir) == "/home/jo/.local/share/mailvouch"
    assert settings.request_ttl_seconds == 86_400


def test_a_dotenv_file_is_read_and_the_environment_wins(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("MAILVOUCH_NAMESPACE=file\nMAILVOUCH_REQUEST_TTL_SECONDS=60\n")
    monkeypatch.setenv("MAILVOUCH_NAMESPACE", "shell")
    settings = ProducerSettings.load()
    assert (settings.namespace, settings.request_ttl_seconds) == ("shell", 60)


def test_the_workers_settings_in_the_same_file_are_no_error(tmp_path):
    (tmp_path / ".env").write_text("MAILVOUCH_CONCURRENCY=5\nOTHER=1\n")
    ProducerSettings.load()


def test_blank_means_unset(monkeypatch):
    monkeypatch.setenv("MAILVOUCH_REDIS_URL", "")
    assert ProducerSettings.load().redis_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "http://user:s3cret@host"),
        ("REDIS_URL", "redis://user:s3cret@host:0"),
        ("REQUEST_TTL_SECONDS", "s3cret"),
        ("REQUEST_TTL_SECONDS", "0"),
        ("REQUEST_TTL_SECONDS", "86401"),
        ("NAMESPACE", "two words"),
    ],
)
def test_a_bad_setting_is_one_line_with_name_and_reason(monkeypatch, name, value):
    monkeypatch.setenv(f"MAILVOUCH_{name}", value)
    with pytest.raises(SettingsError) as caught:
        ProducerSettings.load()
    message = str(caught.value)
    assert message.startswith(f"MAILVOUCH_{name}: ")
    assert len(message) > len(f"MAILVOUCH_{name}: ")
    assert "\n" not in message
    assert "s3cret" not in message


def test_a_file_that_is_no_text_is_an_error_not_a_traceback(tmp_path):
    (tmp_path / ".env").write_bytes(b"MAILVOUCH_NAMESPACE=\xff\n")
    with pytest.raises(SettingsError, match=r"\.env"):
        ProducerSettings.load()


def test_the_password_of_the_url_shows_nowhere(monkeypatch):
    monkeypatch.setenv("MAILVOUCH_REDIS_URL", "redis://u:s3cret@h")
    settings = ProducerSettings.load()
    assert "s3cret" not in repr(settings) + repr(settings.redis())
    assert settings.redis() == PlainUrl("redis://u:s3cret@h")


def test_without_a_url_the_embedded_socket_is_used(monkeypatch):
    with data_folder() as folder:
        monkeypatch.setenv("MAILVOUCH_DATA_DIR", f"{folder}/with space")
        (folder / "with space").mkdir()
        with pytest.raises(NoRedisError, match="mailvouch-worker run"):
            ProducerSettings.load().redis()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/with space/redis.sock")
            url = ProducerSettings.load().redis()
        assert url.location == f"{folder}/with space/redis.sock"


def test_a_home_directory_that_nobody_has_is_one_line(monkeypatch):
    monkeypatch.setenv("MAILVOUCH_DATA_DIR", "~no-such-user/data")
    with pytest.raises(SettingsError) as error:
        ProducerSettings.load()
    said = "~no-such-user/data needs a home directory: set HOME, or write the path"
    assert error.value.lines == (f"MAILVOUCH_DATA_DIR: {said}",)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="reads /proc")
def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path):
    (tmp_path / ".env").symlink_to("/proc/self/mem")  # also root cannot read where nothing is
    with pytest.raises(SettingsError, match=r"\.env cannot be read: Input/output error"):
        ProducerSettings.load()
