"""What comes out of the one logging set-up."""

import asyncio
import io
import json
import logging
import os
from collections.abc import Callable, Iterator

import dramatiq
import pytest
import structlog
from dramatiq.errors import DecodeError
from pydantic import BaseModel, SecretStr
from redis.exceptions import ResponseError

from producer.contract.names import MASK, Kind
from worker.telemetry import logs

CANARY = "c4nary-s3cret"


class Request(BaseModel):
    port: int


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def lines(restored_logging) -> Callable[[], list[dict]]:
    stream = io.StringIO()
    logs.configure("INFO", "json", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_time_level_logger_and_its_values(lines):
    structlog.get_logger("mailvouch").info(
        "job_ended", kind=Kind.CREDENTIAL_TEST, codes=("OK",), milliseconds=12.5
    )

    (line,) = lines()
    assert line["event"] == "job_ended"
    assert line["level"] == "info"
    assert line["logger"] == "mailvouch"
    assert line["timestamp"].endswith("Z")
    assert line["kind"] == "credential-test"
    assert line["codes"] == ["OK"]
    assert line["milliseconds"] == 12.5


def test_records_of_other_libraries_come_out_in_the_same_shape(lines):
    logging.getLogger("redis.connection").warning("retry %d of %s", 3, "GET")

    (line,) = lines()
    assert line["event"] == "retry 3 of GET"
    assert (line["level"], line["logger"]) == ("warning", "redis.connection")


def test_a_secret_is_masked_by_its_type_and_by_its_name_however_deep(lines):
    structlog.get_logger().info(
        "x", a=SecretStr(CANARY), b=[{"password": CANARY}], c={"deep": (SecretStr(CANARY),)}
    )

    (line,) = lines()
    assert CANARY not in json.dumps(line)
    assert (line["a"], line["b"], line["c"]) == (MASK, [{"password": MASK}], {"deep": [MASK]})


def test_an_unknown_type_is_shown_by_its_name_only(lines):
    structlog.get_logger().info("x", request=Request(port=25), raw=CANARY.encode())

    (line,) = lines()
    assert (line["request"], line["raw"]) == ("<Request>", "<bytes>")


def test_dramatiqs_lines_never_show_the_arguments_of_a_message(lines):
    message = dramatiq.Message(
        queue_name="q", actor_name="act", args=(CANARY,), kwargs={"k": CANARY}, options={}
    )
    logger = dramatiq.get_logger("dramatiq.worker", "Worker")
    logger.error("Failed to process message %s with unhandled exception.", message)
    logger.warning("Message %s was skipped.", dramatiq.MessageProxy(message))
    logger.warning("Odd %r", {"args": [CANARY], "raw": b"x"})

    first, second, _third = lines()
    assert CANARY not in first["event"] + second["event"]
    assert first["event"].startswith("Failed to process message act(...) of job ")
    assert message.message_id in second["event"]


def test_a_foreign_message_id_that_is_no_job_id_is_not_shown(lines):
    message = dramatiq.Message(
        queue_name="q", actor_name="act", args=(), kwargs={}, options={}, message_id=f"a {CANARY}"
    )
    logging.getLogger("dramatiq").warning("%s", message)

    assert lines()[0]["event"] == "act(...) of job not a job id"


def test_a_traceback_shows_places_and_causes_but_no_locals(lines):
    def inner() -> None:
        password = CANARY
        raise ValueError("broken" + password[:0])

    try:
        try:
            inner()
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        structlog.get_logger().exception("failed")

    (line,) = lines()
    outer, cause = line["exception"]
    assert (outer["type"], outer["message"]) == ("RuntimeError", "outer")
    assert (cause["type"], cause["message"]) == ("ValueError", "broken")
    assert cause["frames"][-1].endswith(" inner")
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(
    "fail",
    [
        lambda: Request.model_validate({"port": CANARY}),
        lambda: dramatiq.Message.decode(CANARY.encode()),
        lambda: (_ for _ in ()).throw(
            ResponseError(f"unknown command 'X', with args beginning with: {CANARY}")
        ),
        lambda: (_ for _ in ()).throw(ExceptionGroup("g", [DecodeError("x", CANARY, None)])),
        lambda: CANARY.encode().decode("utf-16").encode("ascii"),
    ],
    ids=["pydantic", "dramatiq", "redis", "group", "unicode"],
)
def test_an_exception_that_quotes_its_input_is_described_without(
    restored_logging, log_format, fail
):
    stream = io.StringIO()
    logs.configure("INFO", log_format, stream)
    try:
        fail()
    except Exception as error:
        structlog.get_logger().exception("ours", error=error)
        logging.getLogger("dramatiq").exception("theirs: %s", error)  # noqa: TRY401 - as Dramatiq does it

    assert "theirs" in stream.getvalue()
    assert CANARY not in stream.getvalue()


async def test_asyncios_report_of_a_lost_task_shows_no_objects(lines):
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": "lost", "future": {"password": CANARY}})

    assert lines()[0]["event"] == "lost"


def test_a_foreign_text_cannot_start_a_line_or_speak_to_the_terminal(restored_logging):
    stream = io.StringIO()
    logs.configure("INFO", "console", stream)
    structlog.get_logger().info("x", host="evil\nlevel=error \x1b[2J")

    assert stream.getvalue().count("\n") == 1
    assert "\x1b[2J" not in stream.getvalue()


def test_debug_is_switched_on_and_off_without_restart(restored_logging):
    stream = io.StringIO()
    level = logs.configure("INFO", "json", stream).level
    logger = structlog.get_logger("mailvouch")
    for event in ("hidden", "shown", "hidden again"):
        logger.debug(event)
        level.toggle_debug()

    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["debug_logs", "shown", "debug_logs", "debug_logs"]


def test_what_our_modules_give_as_extra_stands_in_the_line_and_what_others_give_does_not(lines):
    logging.getLogger("worker.queue").warning("job_lost", extra={"status": 9, "password": CANARY})
    logging.getLogger("redis").warning("moved", extra={"data": CANARY})

    ours, theirs = lines()
    assert (ours["status"], ours["password"]) == (9, MASK)
    assert "data" not in theirs


def test_every_line_tells_the_process_and_its_slot(restored_logging):
    stream = io.StringIO()
    logs.configure("INFO", "json", stream, slot="3")
    structlog.get_logger("worker").info("ours")
    logging.getLogger("worker.queue").warning("by way of the standard library")
    logging.getLogger("redis").warning("theirs")

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["pid"], line["slot"]) for line in lines] == [(os.getpid(), "3")] * 3
