"""Help with ports and modes, through a real worker: seen to greet, never logged in to."""

import asyncio

from producer.client import credential_test
from tests.support import certificates
from tests.support.ports import own_address
from tests.support.servers import serve


async def only_greets(wire):
    await wire.line("220 mail.test ESMTP")
    await wire.silence()


async def run(worker, item):
    envelope = credential_test({"emailCredentialsRequests": [item]})
    job = await asyncio.to_thread(worker.client.submit, envelope)
    result = await asyncio.to_thread(worker.client.wait, job, 40)
    report = await asyncio.to_thread(worker.client.report, job)
    return result["emailCredentialsResponses"][0], report["items"][0]


async def test_a_refused_port_is_answered_with_the_sibling_that_greets(worker):
    host = own_address()
    context = certificates.good("localhost", host)
    async with serve(only_greets, tls=context, host=host, port=465) as sibling:
        item, report = await run(
            worker,
            {
                "dealerEmail": "d@example.com",
                "password": "Zq7-canary",
                "smtpHost": host,
                "smtpPort": "587",
            },
        )

    assert [error["errorCode"] for error in item["errors"]] == ["SMTP_CONNECTION_REFUSED"]
    assert report["smtp"]["suggestion"] == {
        "host": host,
        "port": 465,
        "security": "implicit_tls",
    }
    assert "465" in item["error"]
    assert sibling.commands == ["QUIT"]


async def test_plain_text_on_an_implicit_tls_port_is_named(worker):
    host = own_address()  # at 127.0.0.1 something of the machine's may greet, and be suggested
    async with serve(only_greets, host=host) as server:
        item, report = await run(
            worker,
            {
                "dealerEmail": "d@example.com",
                "password": "x",
                "smtpHost": host,
                "smtpPort": server.port,
                "smtpUseSSLOrTLS": "true",
            },
        )

    assert report["smtp"]["code"] == "TLS_MODE_MISMATCH"
    assert report["smtp"]["field"] in ("smtpUseSSLOrTLS", "smtpPort")
    assert "not encrypted from the start, but SSL/TLS is set; use STARTTLS" in item["error"]
    assert item["outcome"] == "FAILURE"


async def test_an_item_without_a_server_is_nothing_to_test(worker):
    item, report = await run(worker, {"dealerEmail": "d@nowhere.invalid", "password": "x"})

    assert [error["errorCode"] for error in item["errors"]] == ["NOTHING_TO_TEST"]
    assert report["smtp"]["code"] == report["imap"]["code"] == "NOTHING_TO_TEST"
