"""Where a job's keys are, from its id alone: for us, and for a shell with the contract at hand."""

import re
import subprocess
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from producer.client import credential_test, integration
from producer.contract.keyspace import MAX_SHARDS, Keyspace, hash_slot_of
from producer.contract.names import Kind
from producer.submission import Submitter

CONTRACT = (Path(__file__).parents[3] / "docs/CONTRACT.md").read_text(encoding="utf-8")
IDS = [
    *("import-42", "s0-a", "s3-a", "s4-a", "s03-a", "s3", "s-1-a", "S3-a", "s12-a", "s63-b"),
    *("s99-", "s3_x", "ss3-a", "a:s3-b", "0b7e2a0c-8c6f-4c52-a7ff-7f6d1c9f6c55", "." * 128),
]


def body(dealer=""):
    return credential_test({"emailCredentialsRequests": [{}]}, dealer)


def submitter(shards):
    return Submitter(Keyspace(shards=shards), 60, None)


@pytest.mark.parametrize(
    ("keyspace", "records", "of_jobs"),
    [
        (Keyspace(), "mailvouch", ("mailvouch",)),
        (Keyspace(on_cluster=True), "{mailvouch}", ("{mailvouch}",)),
        (Keyspace(shards=2), "mailvouch", ("{mailvouch-0-}", "{mailvouch-1-}")),
        (Keyspace("x", 2, on_cluster=True), "{x}", ("{x-0-}", "{x-1-}")),
    ],
)
def test_a_hash_tag_stands_where_a_cluster_or_a_shard_wants_one(keyspace, records, of_jobs):
    assert (keyspace.records, keyspace.of_jobs) == (records, of_jobs)


@pytest.mark.parametrize("shards", [2, 4, 7, 64])
def test_a_shell_finds_the_shard_of_every_id_by_the_contracts_example(shards):
    found = re.search(r"\n( +shard_of\(\).*?\n +\}\n)", CONTRACT, re.DOTALL)
    script = textwrap.dedent(found[1]) + 'for id; do shard_of "$id" "$n"; done'
    command = ["/bin/sh", "-euc", f"n={shards}\n{script}", "sh", *IDS]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert told == [str(Keyspace(shards=shards).shard_of_job(job_id)) for job_id in IDS]


def test_the_contracts_example_says_the_right_shard():
    assert "shard_of import-42 4" in CONTRACT
    assert "# shard 1\n" in CONTRACT
    assert Keyspace(shards=4).shard_of_job("import-42") == 1


def test_chosen_ids_spread_over_all_shards():
    keyspace = Keyspace(shards=MAX_SHARDS)
    counts = Counter(keyspace.shard_of_job(f"import-{number}") for number in range(64_000))
    assert len(counts) == MAX_SHARDS
    assert max(counts.values()) < 1.2 * 1000


@pytest.mark.parametrize("primaries", range(2, 13))
def test_four_shards_a_primary_leave_none_idle_and_none_with_twice_its_part(primaries):
    """CRC16 is linear: of names that end in the number half the primaries of eight had none."""
    names = Keyspace(shards=4 * primaries, on_cluster=True).of_jobs
    counts = Counter(hash_slot_of(name) * primaries // 16384 for name in names)
    assert len(counts) == primaries
    assert max(counts.values()) < 2 * 4


def test_fresh_ids_of_one_dealer_and_of_one_brand_name_one_shard():
    for envelopes in (
        [body("dealer-7")] * 5,
        [integration(Kind.INTEGRATION_UPDATE, brand_url="shop.example", auth_key="k")] * 5,
    ):
        jobs = [submitter(8).one(envelope, None) for envelope in envelopes]
        assert len({job.shard for job in jobs}) == 1
        assert all(job.jobs[0].job_id.startswith(f"s{job.shard}-") for job in jobs)


def test_dealers_spread_over_the_shards_and_so_do_jobs_without_a_dealer():
    by_dealer = {submitter(8).one(body(f"dealer-{number}"), None).shard for number in range(200)}
    without = {submitter(8).one(body(), None).shard for _ in range(200)}
    assert by_dealer == without == set(range(8))


def test_without_shards_an_id_is_a_bare_uuid():
    (job,) = submitter(1).one(body("dealer-7"), None).jobs
    assert re.fullmatch(r"[0-9a-f-]{36}", job.job_id)


def test_many_jobs_are_written_by_shard_and_accounted_for_in_their_order():
    ids = [f"job-{number}" for number in range(600)]
    submissions = submitter(4).many([body()] * 600, ids)
    written = Counter()
    for transaction in submissions:
        shards = {Keyspace(shards=4).shard_of_job(job.job_id) for job in transaction.jobs}
        assert shards == {transaction.shard}
        assert b"{mailvouch-%d-}:request:" % transaction.shard in transaction.octets
        written.update(job.job_id for job in transaction.jobs)
        assert submissions.submitted == ids[: len(submissions.submitted)]
        assert {job.job_id for job in transaction.jobs} <= set(submissions.uncertain)
    assert submissions.submitted == ids
    assert written == Counter(ids)
