"""What was done in a run of `bench.chaos`, and what became of the jobs."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from tests.support.fault_world import World

MARGIN_SECONDS: Final = 20
"""A killed worker's jobs run again within that time."""


@dataclass
class Account:
    """What was done, and when: unix time."""

    submitted: dict[str, float] = field(default_factory=dict)
    killers: list[str] = field(default_factory=list)
    poison: list[str] = field(default_factory=list)
    reasons: list[float] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)


def judge(world: World, account: Account) -> dict[str, object]:
    """What was found; those that must be empty or 0 are marked with a star."""
    jobs = list(account.submitted)
    with_result = [job for job in jobs if world.redis.exists(f"mailvouch:result:{job}")]
    outcomes = world.outcomes(with_result)
    logins = world.farm.logins()
    twice = {name.partition(" ")[2] for name, count in logins.items() if count > 1}
    twice &= set(with_result)
    reasons = [*account.reasons, *world.farm.kills()]
    unreasoned = [job for job in twice if not _has_reason(world, account.submitted, job, reasons)]
    killers = [job for job in account.killers if world.finished([job])]
    condemned = world.outcomes(killers)["WORKER_FAILED"]
    return {
        "jobs": len(jobs),
        "results": len(with_result),
        "outcomes": dict(outcomes),
        "* innocents condemned": outcomes["WORKER_FAILED"],
        "logins per account and protocol": dict(sorted(Counter(logins.values()).items())),
        "jobs with a login twice": len(twice),
        "* of these without a reason": len(unreasoned),
        "jobs that kill": len(account.killers),
        "* of these not condemned": len(account.killers) - condemned,
        "kills by them": len(world.farm.kills()),
        "messages that cannot be run": len(account.poison),
        "of these with a result": world.finished(account.poison) if account.poison else 0,
        "faults": dict(account.actions),
    }


def _has_reason(world: World, submitted: dict[str, float], job: str, reasons: list[float]) -> bool:
    began = submitted[job]
    ended = began + world.milliseconds(job) / 1000 + MARGIN_SECONDS
    return any(began <= at <= ended for at in reasons)
