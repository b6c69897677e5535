"""The fields of a request as its result gives them back (docs/CONTRACT.md, section 4). Pure.

A field that was given comes back as given, one that was not as it was used, one that could not be
read as it was sent; passwords as the mask. The flags of a host that was not tested say what would
have been used: sent back as a request, "false" would mean clear text and no login.
"""

from producer.contract.credentials import RESPONSE_SPELLING
from producer.contract.names import MASK
from producer.contract.report import Security
from worker.jobs.concealment import Concealment
from worker.jobs.plan import ItemPlan
from worker.jobs.protocol_plan import choose_security, inputs_of
from worker.jobs.reading import PASSWORDS
from worker.probing.target import ProbePlan, Protocol


def echo(plan: ItemPlan, concealment: Concealment) -> dict[str, str]:
    """Give the request's fields back, in the spelling of results."""
    item, used = plan.item, {probe.protocol: probe for probe in plan.probes}
    smtp, imap = used.get(Protocol.SMTP), used.get(Protocol.IMAP)
    texts = {
        "dealerEmail": item.dealer_email,
        "accountType": item.account_type,
        "credentialsType": item.credentials_type,
        "smtphost": item.smtp_host,
        "smtpuserID": item.smtp_user_id or _user(smtp),
        "imaphost": item.imap_host,
        "imapuserID": item.imap_user_id or _user(imap),
    }
    return {
        **{name: concealment.field(text) for name, text in texts.items()},
        # Ports and flags hold nothing but their few values, also where a password is "true".
        "smtpport": _port(item.smtp_port, smtp),
        "imapport": _port(item.imap_port, imap),
        **_flags(plan, Protocol.SMTP),
        **_flags(plan, Protocol.IMAP),
        **_as_sent(plan, concealment),
        **_passwords(plan),
    }


def _as_sent(plan: ItemPlan, concealment: Concealment) -> dict[str, str]:
    unread = plan.entry.unread
    return {
        RESPONSE_SPELLING[name]: concealment.field(text)
        for name, text in unread.items()
        if name not in PASSWORDS
    }


def _passwords(plan: ItemPlan) -> dict[str, str]:
    item, unread = plan.item, plan.entry.unread
    return {
        RESPONSE_SPELLING[name]: MASK
        if getattr(item, name).get_secret_value() or unread.get(name)
        else ""
        for name in PASSWORDS
    }


def _port(given: int | None, used: ProbePlan | None) -> str:
    port = given if given is not None else used.target.port if used else None
    return "" if port is None else str(port)


def _user(used: ProbePlan | None) -> str:
    return used.credential.user if used and used.credential else ""


def _flags(plan: ItemPlan, protocol: Protocol) -> dict[str, str]:
    given = inputs_of(plan.item, protocol)
    to_test = bool(given.host) or f"{protocol}_host" in plan.entry.unread
    security = choose_security(given.implicit_tls, given.starttls, given.port) if to_test else None
    flags = {
        "useSSLOrTLS": _flag(given.implicit_tls, used=security is Security.IMPLICIT_TLS),
        "enableStartTLS": _flag(given.starttls, used=security is Security.STARTTLS),
    }
    if protocol is Protocol.SMTP:
        flags["useAuth"] = _flag(given.use_auth, used=to_test)
    return {f"{protocol}{name}": value for name, value in flags.items()}


def _flag(given: bool | None, *, used: bool) -> str:  # noqa: FBT001 - a documented flag
    return "true" if (used if given is None else given) else "false"
