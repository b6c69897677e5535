import pytest

from producer.setting_names import unknown_settings


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("MAILVOUCH_CONCURENCY", "MAILVOUCH_CONCURRENCY"),
        ("MAILVOUCH_REDIS_ULR", "MAILVOUCH_REDIS_URL"),
        ("MAILVOUCH_REDISURL", "MAILVOUCH_REDIS_URL"),
        ("MAILVOUCH_ALLOWED_NETWORKS", "MAILVOUCH_ALLOW_NETWORKS"),
        ("MAILVOUCH_GATEWAY_WAIT_SECOND", "MAILVOUCH_GATEWAY_WAIT_SECONDS"),
        ("mailvouch_log_levle", "MAILVOUCH_LOG_LEVEL"),
    ],
)
def test_a_name_that_is_no_setting_is_told_with_the_nearest_and_without_its_value(
    tmp_path, wrong, meant
):
    (line,) = unknown_settings({wrong: "s3cret"}, tmp_path / ".env")
    assert line == f"{wrong.upper()} is no setting; did you mean {meant}?"


def test_a_name_like_no_other_is_told_as_well(tmp_path):
    (line,) = unknown_settings({"MAILVOUCH_XYZZY": "1"}, tmp_path / ".env")
    assert line == "MAILVOUCH_XYZZY is no setting, and none has a name like it"


def test_settings_in_any_case_and_foreign_variables_are_none_of_it(tmp_path):
    fine = {"MAILVOUCH_REDIS_URL": "x", "mailvouch_namespace": "x", "PATH": "x", "MAILVOUC": "x"}
    assert unknown_settings(fine, tmp_path / ".env") == []


def test_the_file_is_read_as_well(tmp_path):
    file = tmp_path / ".env"
    file.write_text("# MAILVOUCH_NOT=1\n export MAILVOUCH_PROCESES = 4\nMAILVOUCH_LOG_LEVEL=INFO\n")
    (line,) = unknown_settings({}, file)
    assert line.endswith("did you mean MAILVOUCH_PROCESSES?")


def test_a_file_that_cannot_be_read_is_told_of_elsewhere(tmp_path):
    (tmp_path / ".env").write_bytes(b"MAILVOUCH_X=\xff\n")
    assert unknown_settings({}, tmp_path / ".env") == []
