"""What is read of a request's header and body, function by function."""

import gc
import time
from contextlib import suppress

import pytest
from starlette.requests import Request

from producer.contract.ownership import normalise_brand
from producer.gateway.intake import (
    idempotency_key,
    read_json,
    require_type,
    wait_preference,
)
from producer.gateway.negotiation import prefers_html
from producer.gateway.refusals import HttpError, Reason

SMALL, LARGE = 4 * 1024, 64 * 1024
MOST_SECONDS = 0.02
"""Below, a slope cannot be measured and need not be: the largest header may take so long."""

STEEPEST = 48
"""16 times the text takes 16 times as long, if that is linear; 256 times, if it is quadratic."""

READERS = {
    "content-type": require_type,
    "prefer": lambda request: wait_preference(request, 60),
    "accept": prefers_html,
    "idempotency-key": idempotency_key,
    "brand-url": lambda request: normalise_brand(request.headers["brand-url"]),
}
BEGINNINGS = ("", "application/json;", 'application/json;a="', "wait=", "http://", '"')
UNITS = (
    ";",
    ",",
    '"',
    "\\",
    '\\"',
    ' "',
    " ",
    "a",
    "a=",
    "a;",
    "a,",
    "a b;",
    "/",
    "9",
    "=",
    "q=1;",
)


def request_with(name, value):
    headers = [(name.encode(), value.encode("latin-1"))]
    return Request({"type": "http", "method": "POST", "headers": headers})


def cpu_seconds(name, value, times=1):
    return min(_once(name, value) for _ in range(times))


def _once(name, value):
    request = request_with(name, value)
    began = time.thread_time()
    with suppress(HttpError):
        READERS[name](request)
    return time.thread_time() - began


def is_steep(name, beginning, unit):
    value = beginning + unit * (LARGE // len(unit))
    if cpu_seconds(name, value) <= MOST_SECONDS:
        return False
    few = beginning + unit * (SMALL // len(unit))
    return cpu_seconds(name, value, 3) > max(MOST_SECONDS, STEEPEST * cpu_seconds(name, few, 3))


@pytest.mark.parametrize("name", READERS)
def test_the_largest_header_is_read_in_linear_time_whatever_it_says(name):
    """The event loop waits for it: one request with a quadratic one held up all for 2.4 s."""
    steep = [
        (beginning, unit)
        for beginning in BEGINNINGS
        for unit in UNITS
        if is_steep(name, beginning, unit)
    ]
    assert steep == []


@pytest.mark.parametrize(
    "announced",
    [
        "application/json",
        "Application/JSON ; Charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json;charset=utf8;",
        "application/json; version=1; odd",
        'application/json; note="a;charset=latin-1"',
        "application/json; charset*" + "9" * 5000 + "=x",
    ],
)
def test_json_in_utf_8_may_be_announced_as_any_client_writes_it(announced):
    require_type(request_with("content-type", announced))


@pytest.mark.parametrize(
    "announced",
    [
        "",
        ";",
        ";application/json",
        "application/json, text/plain",
        "application/jsonp",
        "text/json",
        "application/json; charset=latin-1",
        "application/json; charset=",
        "application/json; charset='utf-8'",
        "application/json; charset=utf-8; charset=utf-16",
        'application/json; note="a"; charset=utf-16',
    ],
)
def test_what_is_announced_as_anything_else_is_refused(announced):
    with pytest.raises(HttpError) as raised:
        require_type(request_with("content-type", announced))
    assert raised.value.reason is Reason.WRONG_TYPE


@pytest.mark.parametrize("text", ["[" + "[]," * 12_000 + "[]]", "[" + "[]," * 12_000])
def test_nobody_looks_for_cycles_in_what_is_being_read(text):
    """Of a full body of small lists that takes eight times as long as to read them."""
    passes = []
    gc.callbacks.append(lambda phase, info: passes.append(phase))
    try:
        with suppress(ValueError):
            read_json(text)
    finally:
        gc.callbacks.pop()
    assert len(passes) <= 2  # the beginning and the end of one, once it is read
    assert gc.isenabled()
