"""From what was found to the documented payloads: the result of a credential test, and its report.

Pure. The credentials of a request come back as the mask, and nothing that equals one is echoed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from producer.contract.codes import Code
from producer.contract.credentials import (
    FAILURE,
    SUCCESS,
    ErrorEntry,
    RequestItem,
    ResponseItem,
    TestResponse,
    WarningEntry,
)
from producer.contract.names import MASK
from producer.contract.report import ItemReport, Probe, Security
from worker.jobs.plan import ItemPlan
from worker.probing.result import ProbeResult, prefixed
from worker.probing.target import ProbePlan, Protocol

MIN_HIDDEN_CHARACTERS: Final = 8
"""A shorter secret is hidden only where a field equals it: "mail" is part of many honest hosts."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """An item's entry in the result and in the report."""

    response: ResponseItem
    report: ItemReport


def error_entry(code: str, sentence: str, error_id: str | None = None) -> ErrorEntry:
    """Make an error with a UUID, by default a fresh one, which the log gets as well."""
    return ErrorEntry(errorCode=code, errorDescription=sentence, errorUID=error_id or str(uuid4()))


def item_result(
    plan: ItemPlan,
    results: Sequence[ProbeResult],
    *,
    warnings: Iterable[tuple[str, str]],
    milliseconds: float,
) -> ItemResult:
    """Compose an item's entries. `results` are in the order SMTP, IMAP; `warnings` the item's."""
    causes = [
        (
            prefixed(result.protocol, result.probe.code),
            result.sentence,
            result.unexpected.error_id if result.unexpected else None,
        )
        for result in results
        if result.failed
    ]
    remarks = [*warnings, *(warning for result in results for warning in result.warnings)]
    # What holds for both protocols is said once.
    errors = tuple(error_entry(*cause) for cause in dict.fromkeys(causes))
    failed = bool(errors) or not results
    response = ResponseItem(
        **_echo(plan),
        serverLogs="\n".join(line for result in results for line in result.transcript),
        outcome=FAILURE if failed else SUCCESS,
        testDuration=str(max(0, round(milliseconds))),
        error=errors[0].errorDescription if errors else "",
        errors=errors,
        warnings=tuple(
            WarningEntry(warningCode=code, warningDescription=sentence)
            for code, sentence in dict.fromkeys(remarks)
        ),
    )
    return ItemResult(
        response,
        ItemReport(smtp=_first(results, Protocol.SMTP), imap=_first(results, Protocol.IMAP)),
    )


def _first(results: Sequence[ProbeResult], protocol: Protocol) -> Probe | None:
    found = (result.probe for result in results if result.protocol in (protocol, None))
    return next(found, None)


def request_failure(code: Code, sentence: str) -> TestResponse:
    """Answer for a request of which nothing could be run."""
    return TestResponse(errors=(error_entry(code, sentence),))


def _echo(plan: ItemPlan) -> dict[str, str]:
    """Give the request's fields back: what was given as it was, what was not as it was used."""
    item, used = plan.item, {probe.protocol: probe for probe in plan.probes}
    texts = {
        "dealerEmail": item.dealer_email,
        "accountType": item.account_type,
        "credentialsType": item.credentials_type,
        "smtphost": item.smtp_host,
        "smtpuserID": item.smtp_user_id or _user(used.get(Protocol.SMTP)),
        "imaphost": item.imap_host,
        "imapuserID": item.imap_user_id or _user(used.get(Protocol.IMAP)),
    }
    return {
        **{name: _hidden(text, plan.secrets) for name, text in texts.items()},
        # Ports and flags hold nothing but their few values, also where a password is "true".
        "smtpport": _port(item.smtp_port, used.get(Protocol.SMTP)),
        "imapport": _port(item.imap_port, used.get(Protocol.IMAP)),
        "smtpuseAuth": _flag(
            item.smtp_use_auth, used=_has(used.get(Protocol.SMTP), credential=True)
        ),
        **_security_flags(item, used),
        "password": _mask(item, "password"),
        "smtppassword": _mask(item, "smtp_password"),
        "imappassword": _mask(item, "imap_password"),
    }


def _security_flags(item: RequestItem, used: dict[Protocol, ProbePlan]) -> dict[str, str]:
    smtp, imap = used.get(Protocol.SMTP), used.get(Protocol.IMAP)
    implicit, starttls = Security.IMPLICIT_TLS, Security.STARTTLS
    return {
        "smtpuseSSLOrTLS": _flag(item.smtp_use_ssl_or_tls, used=_has(smtp, implicit)),
        "smtpenableStartTLS": _flag(item.smtp_enable_starttls, used=_has(smtp, starttls)),
        "imapuseSSLOrTLS": _flag(item.imap_use_ssl_or_tls, used=_has(imap, implicit)),
        "imapenableStartTLS": _flag(item.imap_enable_starttls, used=_has(imap, starttls)),
    }


def _has(
    plan: ProbePlan | None, security: Security | None = None, *, credential: bool = False
) -> bool:
    if plan is None:
        return False
    return plan.credential is not None if credential else plan.target.security is security


def _port(given: int | None, used: ProbePlan | None) -> str:
    port = given if given is not None else used.target.port if used else None
    return "" if port is None else str(port)


def _user(used: ProbePlan | None) -> str:
    return used.credential.user if used and used.credential else ""


def _flag(given: bool | None, *, used: bool) -> str:  # noqa: FBT001 - a documented flag
    return "true" if (used if given is None else given) else "false"


def _mask(item: RequestItem, name: str) -> str:
    return MASK if getattr(item, name).get_secret_value() else ""


def _hidden(text: str, secrets: Sequence[str]) -> str:
    """Hide a field that holds a password: someone may have typed it into the wrong box."""
    for secret in secrets:
        if text == secret or (len(secret) >= MIN_HIDDEN_CHARACTERS and secret in text):
            return MASK
    return text
