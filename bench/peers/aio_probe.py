"""The probe as a user writes it with aiosmtplib and aioimaplib: both accounts at once."""

import asyncio
import os
import ssl

import aioimaplib
import aiosmtplib

from bench.peers import standard_probe

TIMEOUT_SECONDS = 60
CONTEXT = ssl.create_default_context(cafile=os.environ["BENCH_CA_FILE"])


async def log_in_smtp(account):
    client = aiosmtplib.SMTP(
        hostname=account["host"],
        port=account["port"],
        use_tls=account["security"] == "implicit",
        start_tls=account["security"] == "starttls",
        tls_context=CONTEXT,
        timeout=TIMEOUT_SECONDS,
        local_hostname="bench.test",
    )
    async with client:
        await client.login(account["user"], account["password"])


async def log_in_imap(account):
    if account["security"] == "starttls":  # aioimaplib has none
        await asyncio.to_thread(standard_probe.log_in_imap, account)
        return
    client = aioimaplib.IMAP4_SSL(
        account["host"], account["port"], timeout=TIMEOUT_SECONDS, ssl_context=CONTEXT
    )
    await client.wait_hello_from_server()
    response = await client.login(account["user"], account["password"])
    if response.result != "OK":
        raise ConnectionError(response.result)
    await client.logout()


async def probe(job):
    ends = await asyncio.gather(
        log_in_smtp(job["smtp"]), log_in_imap(job["imap"]), return_exceptions=True
    )
    return dict(zip(("smtp", "imap"), (end is None for end in ends), strict=True))
