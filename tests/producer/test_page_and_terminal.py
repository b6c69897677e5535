"""Of every code the page says what the terminal says."""

import html
import io
import re

import pytest
from rich.console import Console

from producer.commands.render import credential_result
from producer.contract.codes import REQUEST_CODES, SUCCESSFUL, Code
from producer.contract.names import Kind
from producer.gateway.pages import JobView, Pages

CODES = [code for code in Code if code not in REQUEST_CODES - {Code.INTERNAL_SERVER_ERROR}]
WORDS = (
    *("cause here", "remedy there", "to change", "trying again", "may help", "will not help"),
    *("said so", "nothing was sent", "not known", "h.test port 465", "login works"),
)
FAILED = {"name": "connect", "state": "failed", "milliseconds": 3}


def documents(code, phases):
    probe = {"code": code, "retryable": bool(phases), "field": "imapPort", "phases": phases}
    probe |= {"serverReply": "said so", "mechanism": "PLAIN" if code in SUCCESSFUL else None}
    probe |= {"suggestion": {"host": "h.test", "port": 465, "security": "starttls"}}
    error = {"errorCode": f"IMAP_{code}", "errorDescription": "Cause here; remedy there."}
    item = {"outcome": "FAILURE", "errors": [] if code in SUCCESSFUL else [error]}
    return {"emailCredentialsResponses": [item]}, {"items": [{"imap": probe}]}


def on_the_terminal(result, report):
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(credential_result(result, report))
    return console.export_text().lower()


def on_the_page(pages, result, report):
    view = JobView("job-1", Kind.CREDENTIAL_TEST, 1, 1, result, report)
    return html.unescape(re.sub(r"<[^>]+>", " ", pages.job(view).body.decode())).lower()


@pytest.mark.parametrize("phases", [[], [FAILED]])
def test_page_and_terminal_say_the_same_of_every_code(phases):
    pages = Pages()
    differ = []
    for code in CODES:
        both = documents(code, phases)
        terminal, page = on_the_terminal(*both), on_the_page(pages, *both)
        differ += [(code, word) for word in WORDS if (word in terminal) != (word in page)]
    assert differ == []
