"""What takes long is done beside the event loop: meanwhile everybody else is answered."""

import time
from contextlib import contextmanager

import pytest

from tests.support.gateway import BODY, TEST_PATH

pytestmark = pytest.mark.redis_server
FULL = 1024 * 1024
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HEADING = b"batch=dealerEmail,password\n"


@contextmanager
def others_are_answered():
    """Fail where the thread of the event loop, which is this one, did most of the work."""
    of_loop, of_all = time.thread_time(), time.process_time()
    yield
    of_loop, of_all = time.thread_time() - of_loop, time.process_time() - of_all
    assert of_all > 0.05, "this is not as costly as it is meant to be"
    assert of_loop < of_all / 2


@pytest.mark.parametrize(
    "body",
    [
        HEADING + b"\n" * (FULL - 100) + b"a,b",
        HEADING + b",\n" * (FULL // 2 - 100),
        b"batch=" + b"a," * (FULL // 2 - 100),
        b"orgName=" + b"%zz" * (FULL // 3 - 100),
    ],
    ids=["blank lines", "blank rows", "no such columns", "escapes"],
)
async def test_a_full_form_is_read_there(gateway, crm, body):
    with others_are_answered():
        answer = await gateway.post("/", content=body, headers=FORM, auth=crm)
    assert answer.status_code in (303, 400)


async def test_the_page_of_a_full_batch_is_made_there(gateway, crm, worker):
    headers = {"Prefer": "respond-async"}
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=headers)
    job = await worker.take()
    item = {"outcome": "FAILURE", "serverLogs": "SMTP S: \u202e\u0645" * 6000, "errors": []}
    await worker.finish(job, {"emailCredentialsResponses": [item] * 50})
    with others_are_answered():
        page = await gateway.get(f"/jobs/{job}", auth=crm, headers={"Accept": "text/html"})
    assert page.text.count("<article") == 50
