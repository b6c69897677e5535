"""The probe as a user writes it with the standard library: one account after the other."""

import imaplib
import os
import smtplib
import ssl
from contextlib import suppress

TIMEOUT_SECONDS = 60
CONTEXT = ssl.create_default_context(cafile=os.environ["BENCH_CA_FILE"])


def log_in_smtp(account):
    options = {"local_hostname": "bench.test", "timeout": TIMEOUT_SECONDS}
    where = (account["host"], account["port"])
    if account["security"] == "implicit":
        client = smtplib.SMTP_SSL(*where, context=CONTEXT, **options)
    else:
        client = smtplib.SMTP(*where, **options)
    with client:
        if account["security"] == "starttls":
            client.starttls(context=CONTEXT)
        client.login(account["user"], account["password"])


def log_in_imap(account):
    where = (account["host"], account["port"])
    if account["security"] == "implicit":
        client = imaplib.IMAP4_SSL(*where, ssl_context=CONTEXT, timeout=TIMEOUT_SECONDS)
    else:
        client = imaplib.IMAP4(*where, timeout=TIMEOUT_SECONDS)
    with client:
        if account["security"] == "starttls":
            client.starttls(ssl_context=CONTEXT)
        client.login(account["user"], account["password"])


def probe(job):
    result = {"smtp": False, "imap": False}
    with suppress(OSError, smtplib.SMTPException):
        log_in_smtp(job["smtp"])
        result["smtp"] = True
    with suppress(OSError, imaplib.IMAP4.error):
        log_in_imap(job["imap"])
        result["imap"] = True
    return result
