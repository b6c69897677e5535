"""From a request item to what is to be probed: the rules of docs/CONTRACT.md section 4. Pure.

What is wrong with an item is a list of problems, not an exception: the item then ends without any
network, the other items of the batch unharmed.
"""

from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from producer.contract.codes import Code, WarningCode
from producer.contract.credentials import REQUEST_SPELLING, RequestItem
from worker.jobs.protocol_plan import Inputs, Problem, Remark, inputs_of, plan_protocol
from worker.jobs.reading import Entry, FieldFlaw, read_entry
from worker.limits.identity import same_host, same_user
from worker.probing.target import CredentialKind, ProbePlan, Protocol

Login = tuple[str, str]
"""Host and user, in one spelling."""

_PROTOCOLS_OF: Final = {
    "SMTP": (Protocol.SMTP,),
    "IMAP": (Protocol.IMAP,),
    "OAUTH2": (Protocol.SMTP, Protocol.IMAP),
    "BOTH": (Protocol.SMTP, Protocol.IMAP),
    "": (Protocol.SMTP, Protocol.IMAP),
}


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """What to probe of one item, and what to say of it in any case.

    A problem of one protocol leaves the other's probe; one of the item leaves none.
    """

    entry: Entry
    probes: tuple[ProbePlan, ...] = ()
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def item(self) -> RequestItem:
        """The readable part of the request; unreadable fields are blank in it."""
        return self.entry.item


def plan_item(raw: object, *, allow_cleartext: bool = True) -> ItemPlan:
    """Plan one entry of `emailCredentialsRequests`, whatever it is."""
    entry = read_entry(raw)
    if refusals := _whole_item(entry):
        return ItemPlan(entry, problems=refusals)
    kind = entry.item.credentials_type.strip().upper()
    bearer = CredentialKind.BEARER if kind == "OAUTH2" else CredentialKind.PASSWORD
    problems: list[Problem] = []
    probes: list[ProbePlan] = []
    remarks = _remarks(entry, kind)
    for protocol in _wanted(entry, kind):
        inputs = inputs_of(entry.item, protocol)
        if flaws := _flaws_of(entry, inputs):
            problems += flaws
            continue
        plan, problem, found = plan_protocol(inputs, bearer, allow_cleartext=allow_cleartext)
        remarks += found
        if problem:
            problems.append(problem)
        elif plan:
            probes.append(replace(plan, secrets=entry.secrets))
    if not probes and not problems:
        problems = [_invalid(flaw) for flaw in entry.flaws] or [_nothing(p) for p in _asked(kind)]
    return ItemPlan(entry, tuple(probes), tuple(problems), tuple(remarks))


class BatchPlan:
    """The plans of a batch, added one by one.

    No text about a probe may hold a password of another item: a server that was given it there
    could echo it here. Passwords for the same host and user, however these are spelled, are
    searched for as the item's own; those for others, which may be the same server, as
    `batch_secrets` says.
    """

    def __init__(self) -> None:
        self._plans: list[ItemPlan] = []
        self._logins: list[list[Login]] = []
        self._given: dict[Login, dict[str, None]] = {}

    def add(self, plan: ItemPlan) -> None:
        """Take the next item's plan."""
        logins = [_login(probe) for probe in plan.probes]
        for login in logins:
            self._given.setdefault(login, {}).update(dict.fromkeys(plan.entry.secrets))
        self._plans.append(plan)
        self._logins.append(logins)

    def items(self) -> list[ItemPlan]:
        """All of them, each probe knowing every secret that concerns it."""
        of_batch: tuple[str, ...] = ()
        if len(self._plans) > 1:
            of_batch = tuple(dict.fromkeys(chain.from_iterable(self._given.values())))
        return [
            replace(
                plan,
                probes=tuple(
                    replace(probe, secrets=tuple(self._given[login]), batch_secrets=of_batch)
                    for probe, login in zip(plan.probes, logins, strict=True)
                ),
            )
            for plan, logins in zip(self._plans, self._logins, strict=True)
        ]


def _login(probe: ProbePlan) -> Login:
    user = probe.credential.user if probe.credential else ""
    return same_host(probe.target.host), same_user(user)


def _whole_item(entry: Entry) -> tuple[Problem, ...]:
    """What ends the item without any network."""
    if not entry.is_object:
        return (Problem(Code.INVALID_FIELD, None, "the entry is no JSON object"),)
    return tuple(
        Problem(
            Code.MASKED_PASSWORD,
            REQUEST_SPELLING[name],
            f"{REQUEST_SPELLING[name]} holds the mask that results show, not a password",
            _protocol_of(name),
        )
        for name in entry.masked
    )


def _nothing(protocol: Protocol) -> Problem:
    return Problem(Code.NOTHING_TO_TEST, f"{protocol}Host", "no server name was given", protocol)


def _remarks(entry: Entry, kind: str) -> list[Remark]:
    unknown = [] if kind in _PROTOCOLS_OF else [Remark(WarningCode.UNKNOWN_CREDENTIALS_TYPE)]
    lookalikes = (Remark(WarningCode.UNKNOWN_FIELD, detail=name) for name in entry.lookalikes)
    return [*unknown, *lookalikes]


def _asked(kind: str) -> tuple[Protocol, ...]:
    return _PROTOCOLS_OF.get(kind, _PROTOCOLS_OF[""])


def _wanted(entry: Entry, kind: str) -> list[Protocol]:
    """The protocols that are asked for and whose host is given, readable or not."""
    return [
        protocol
        for protocol in _asked(kind)
        if inputs_of(entry.item, protocol).host or f"{protocol}_host" in entry.unread
    ]


def _flaws_of(entry: Entry, inputs: Inputs) -> list[Problem]:
    """Return the fields that this protocol uses and that could not be read."""
    protocol = inputs.protocol
    unused = {"dealer_email"} if inputs.own_user else set()
    unused |= {"password"} if inputs.own_secret.get_secret_value() else set()
    return [
        _invalid(flaw, protocol)
        for flaw in entry.flaws
        if flaw.name not in unused and _protocol_of(flaw.name) in (protocol, None)
    ]


def _invalid(flaw: FieldFlaw, protocol: Protocol | None = None) -> Problem:
    protocol = protocol or _protocol_of(flaw.name)
    return Problem(Code.INVALID_FIELD, flaw.given, flaw.reason, protocol)


def _protocol_of(name: str) -> Protocol | None:
    return next((protocol for protocol in Protocol if name.startswith(protocol)), None)
