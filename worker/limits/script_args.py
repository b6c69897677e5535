"""What goes to the scripts and comes back: keys of hashed names, findings as JSON."""

import json
from collections.abc import Sequence

from producer.contract.codes import Code
from worker.limits.limits import Limits
from worker.limits.wait_queue import Claim
from worker.probing.gate import PROVEN_LOGINS, Finding


class LimitKeys:
    """Where the limits are in Redis."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{namespace}:limits"
        self.processes = f"{self._prefix}:processes"

    def account(self, claim: Claim) -> str:
        return f"{self._prefix}:account:{claim.account or 'none'}"

    def places(self, host: str) -> str:
        return f"{self._prefix}:places:{host}"

    def waiting(self, host: str) -> str:
        return f"{self._prefix}:waiting:{host}"

    def enter(self, claim: Claim) -> list[str]:
        host = claim.host
        return [self.account(claim), self.places(host), self.waiting(host), self.processes]

    def types(self, keys: Sequence[str]) -> list[str]:
        """What Redis' TYPE says of each of them."""
        account = f"{self._prefix}:account:"
        return ["hash" if key.startswith(account) else "zset" for key in keys]

    def leave(self, claim: Claim, limits: Limits) -> list[str]:
        places = [self.places(claim.host)] if limits.host_concurrency else []
        return [self.account(claim), *places]


def enter_args(claim: Claim, process: str, limits: Limits) -> Sequence[str | int]:
    """The arguments of enter.lua."""
    return (
        claim.ticket,
        process,
        claim.protocol,
        claim.fingerprint,
        limits.host_concurrency,
        limits.login_failure_limit,
        limits.window_ms,
        limits.hold_ms,
        limits.life_ms,
    )


def leave_args(claim: Claim, finding: Finding | None, limits: Limits) -> Sequence[str | int]:
    """The arguments of leave.lua."""
    outcome = login_outcome(finding)
    credential = claim.fingerprint
    if credential and finding is not None and finding.unanswered:
        credential = claim.ticket  # it counts, and the same credential is asked again
        outcome = outcome if limits.login_failure_limit else ""
    args = (claim.ticket, claim.protocol, credential, outcome)
    if finding is None or outcome != "refused":
        return args
    return (*args, write_finding(finding), limits.window_ms, limits.hold_ms)


def login_outcome(finding: Finding | None) -> str:
    """What a probe says of its credential: "refused", "proven", or nothing."""
    if finding is None:
        return ""
    if finding.counts:
        return "refused"
    return "proven" if finding.code in PROVEN_LOGINS else ""


def write_finding(finding: Finding) -> str:
    """Write what Redis keeps of a finding, to answer the same credential with again."""
    return json.dumps([finding.code, finding.retryable, finding.field, finding.hint])


def read_finding(record: bytes) -> Finding:
    """Read what `write_finding` wrote."""
    code, retryable, field, hint = json.loads(record)
    return Finding(Code(code), retryable=retryable, field=field, hint=hint)
