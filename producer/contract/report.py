"""The report: the diagnosis beside a result (docs/CONTRACT.md, section 5)."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from producer.contract.codes import Code, help_url
from producer.contract.names import Kind


class PhaseName(StrEnum):
    """What a probe does, in the order in which it does it."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    CAPABILITY = "capability"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAILBOX = "mailbox"
    SENDER = "sender"


class PhaseState(StrEnum):
    """How a phase ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Security(StrEnum):
    """How the bytes travel."""

    IMPLICIT_TLS = "implicit_tls"
    STARTTLS = "starttls"
    CLEARTEXT = "cleartext"


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )


class Phase(_Frozen):
    """One phase and how long it took, in milliseconds (to a tenth)."""

    name: PhaseName
    state: PhaseState
    milliseconds: float


class TlsFacts(_Frozen):
    """What the TLS handshake showed. `reason` is empty where the certificate was verified."""

    version: str | None = None
    cipher: str | None = None
    subject_names: tuple[str, ...] = ()
    issuer: str | None = None
    days_left: int | None = None
    verified: bool
    reason: str = ""


class Suggestion(_Frozen):
    """Settings that were seen to work: a greeting at most, never a login."""

    host: str
    port: int
    security: Security


class Evidence(_Frozen):
    """What decided the code, never a server's words: those are `serverReply`.

    `reply`: the SMTP reply code ("535") or the IMAP condition ("NO"); `response_code` is one of
    those that IMAP servers are known to send, without arguments. `rule`: what decided, one of
    `rules.RULES`.
    """

    phase: PhaseName | None = None
    reply: str | None = None
    enhanced_code: str | None = None
    response_code: str | None = None
    rule: str


class Probe(_Frozen):
    """One protocol of one item. `field` is the input to change, as spelled in the request."""

    code: Code
    retryable: bool
    field: str | None = None
    phase: PhaseName | None = None
    phases: tuple[Phase, ...] = ()
    remote_address: str | None = None
    tls: TlsFacts | None = None
    mechanism: str | None = None
    server_reply: str | None = None
    evidence: Evidence | None = None
    help_url: str = Field(default_factory=lambda given: help_url(given["code"]))
    hint: str | None = None
    suggestion: Suggestion | None = None

    def linked_to(self, page: str) -> Self:
        """Return the probe with its link to the page of codes at `page`."""
        return self.model_copy(update={"help_url": help_url(self.code, page)})


class ItemReport(_Frozen):
    """Both protocols of one item; null where one was not attempted."""

    smtp: Probe | None = None
    imap: Probe | None = None

    def linked_to(self, page: str) -> Self:
        """Return the item with the links of both to the page of codes at `page`."""
        smtp, imap = (probe and probe.linked_to(page) for probe in (self.smtp, self.imap))
        return self.model_copy(update={"smtp": smtp, "imap": imap})


class Report(_Frozen):
    """What `mailvouch:report:<job id>` holds. Times are whole milliseconds."""

    version: Literal[1] = 1
    job_id: str
    kind: Kind | None
    attempts: int
    queue_wait_ms: int
    duration_ms: int
    worker_version: str
    items: tuple[ItemReport, ...] = ()
