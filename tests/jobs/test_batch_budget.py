"""What one item of a batch may take of the loop, whatever was typed into it (ARCHITECTURE.md)."""

import asyncio
import time

import pytest

from producer.contract.codes import Code
from producer.contract.report import Probe
from tests.support.pace import assert_within
from worker.jobs.credential_test import BatchRules, Engine, run_batch
from worker.jobs.plan import BatchPlan, plan_item
from worker.jobs.response import item_result
from worker.probing.result import ProbeResult

LONGEST_STRETCH_SECONDS = 0.02

USUAL = {
    "smtpHost": "mail.example.test",
    "smtpUserID": "amy@example.test",
    "smtpPassword": "pw-Long-1234567",
    "imapHost": "imap.example.test",
    "imapUserID": "amy@example.test",
    "imapPassword": "other-Pw-9999999",
}
TEXTS = ("dealerEmail", "smtpHost", "smtpUserID", "imapHost", "imapUserID")
WORDS = ("accountType", "credentialsType", "smtpPort", "imapPort", "smtpUseAuth")
REMARKS = ("accountType", "orgName")
IDEOGRAPHS = "".join(map(chr, range(0x4E00, 0x5E00)))
SHAPES = {
    "texts of a megabyte": dict.fromkeys(TEXTS, "жé" * 500_000),
    "texts of a megabyte of marks": dict.fromkeys(TEXTS, "a" + "\u0301\u0315" * 500_000),
    "remarks of megabytes": dict.fromkeys(REMARKS, "\ufdfa" * 1_000_000),
    "remarks that are lists": dict.fromkeys(REMARKS, [[1]] * 500_000),
    "lists": {"smtpHost": [[]] * 500_000, "smtpUserID": {"a": [1] * 500_000}},
    "passwords of a megabyte": {"password": "ж" * 500_000, "imapPassword": "é" * 500_000},
    "passwords of the most octets": {"password": "ж" * 2048, "imapPassword": "é" * 2048},
    "a host of many labels": {"smtpHost": ".".join("ж" * 120), "imapHost": ".".join("я" * 120)},
    "names of one long label": {
        name: f"{at * '@'}{IDEOGRAPHS[number * 300 :][:252]}"
        for number, (name, at) in enumerate(zip(TEXTS, (1, 0, 1, 0, 1), strict=True))
    },
    "texts and passwords of nearly one letter": {
        **{name: "a" * (2480 + len(name)) for name in (*TEXTS, *WORDS)},
        "password": f"{'a' * 1248}ba",
        "smtpPassword": f"{'a' * 1248}ca",
        "imapPassword": f"{'a' * 1248}da",
    },
    "names like ours": {f"smtpHostpaswrdiu{number:04}": "x" for number in range(5000)},
}


def result_of(plan, probe):
    return ProbeResult(
        probe.protocol,
        Probe(code=Code.AUTHENTICATION_FAILED, retryable=False),
        sentence=f"{probe.target.host} says no.",
    )


def seconds_for(raw):
    started = time.thread_time()
    batch = BatchPlan()
    batch.add(plan_item(raw, allow_cleartext=True))
    (plan,) = batch.items()
    found = [result_of(plan, probe) for probe in plan.probes]
    item_result(plan, found, warnings=[], milliseconds=1)
    return time.thread_time() - started


@pytest.mark.parametrize("shape", SHAPES)
def test_one_item_is_planned_and_answered_within_a_short_stretch(shape):
    raw = USUAL | SHAPES[shape]
    assert_within(LONGEST_STRETCH_SECONDS, lambda: seconds_for(raw))


async def test_the_loop_turns_between_two_items_of_a_batch():
    turns = 0

    async def count_turns():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def probe(plan, fields):
        return result_of(plan, plan)

    async def discover(domain, protocol):
        return None

    rules = BatchRules(max_items=50, allow_cleartext=True)
    counting = asyncio.create_task(count_turns())
    engine = Engine(probe, discover, lambda *_: None)
    await run_batch([USUAL] * 50, rules, engine, lambda *_: None)
    counting.cancel()
    assert turns >= 49
