"""What the actors count, and what they say of a job that could not be run."""

import json

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from producer.contract.codes import Code
from producer.contract.envelope import EnvelopeError
from producer.contract.integrations import success
from producer.contract.names import Queue
from producer.contract.report import ItemReport
from worker.jobs.actors import Actors, refusal_documents
from worker.jobs.credential_test import BatchRules
from worker.jobs.integrations.service import Outcome
from worker.jobs.opening import Intake
from worker.queue.failed_job import FailedJob
from worker.queue.jobs import Started
from worker.telemetry.metrics import Metrics
from worker.telemetry.tracing import Tracing


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def metrics(registry):
    return Metrics(registry)


class UnreadableIntake:
    async def open(self, _envelope, _queue):
        raise EnvelopeError(Code.REQUEST_UNREADABLE, "The request envelope is not valid JSON.")


class SecondAttempt:
    """A job whose result another worker saves first."""

    def __init__(self):
        self.report = b""
        self.owner = None

    async def start(self, job_id):
        return Started(job_id, b"{", attempt=2, queue_wait_ms=0)

    def publish_progress(self, _job_id, _done, _total):
        pass

    async def finish(self, _job_id, _result, report, *, owner):
        self.report = report
        self.owner = owner
        return False


class NobodyProbes:
    """A prober for items that need no probe."""

    def for_job(self, _job_id):
        return self

    async def probe(self, _plan, _fields):
        raise AssertionError("an item without a server was probed")

    async def discover(self, _domain, _protocol):
        return None

    def log_words(self, _plan, _result):
        raise AssertionError("an item without a server was probed")


class PlainRequest(SecondAttempt):
    """A job whose item names no server."""

    async def start(self, job_id):
        body = {"emailCredentialsRequests": [{}]}
        envelope = {"version": 1, "kind": "credential-test", "dealerUUID": "d", "body": body}
        return Started(job_id, json.dumps(envelope).encode(), attempt=1, queue_wait_ms=0)


class UncheckedIntegration:
    """Saves an integration whose probe failed: the operator's policy is to warn."""

    async def run(self, _envelope, *, job_id, submitted_ms):
        return Outcome(
            result=success(data=True),
            item=ItemReport(),
            codes=("SMTP_AUTHENTICATION_FAILED",),
            correlation_id="c-1",
            saved_unverified=True,
        )


class IntegrationRequest(SecondAttempt):
    async def start(self, job_id):
        envelope = {"version": 1, "kind": "integration-delete", "id": "i", "body": None}
        envelope |= {"brandUrl": "https://shop.example", "authKey": "key"}
        return Started(job_id, json.dumps(envelope).encode(), attempt=1, queue_wait_ms=0)


async def test_the_log_says_that_an_integration_was_saved_although_its_probe_failed(metrics):
    actors = Actors(Intake(None), None, None, UncheckedIntegration(), metrics, Tracing())
    with capture_logs() as told:
        await actors.run(IntegrationRequest(), Queue.INTEGRATION_UPDATES, "j")
    assert {
        "event": "saved_unverified",
        "log_level": "warning",
        "job_id": "j",
        "codes": ("SMTP_AUTHENTICATION_FAILED",),
    } in told


@pytest.mark.parametrize("page", ["CODES.md", "https://help.example/codes"])
async def test_a_report_links_to_the_page_of_codes_where_it_is_hosted(metrics, page):
    rules = BatchRules(max_items=50, allow_cleartext=True)
    actors = Actors(Intake(None), rules, NobodyProbes(), None, metrics, Tracing(), page)
    jobs = PlainRequest()

    await actors.run(jobs, Queue.CREDENTIAL_TESTS, "j")

    (item,) = json.loads(jobs.report)["items"]
    links = {probe["helpUrl"] for probe in item.values()}
    assert links == {f"{page}#nothing_to_test"}


async def test_a_redelivery_is_counted_as_it_starts_for_it_may_kill_its_process_too(
    metrics, registry
):
    jobs = SecondAttempt()
    actors = Actors(UnreadableIntake(), None, None, None, metrics, Tracing())

    await actors.run(jobs, Queue.CREDENTIAL_TESTS, "j")

    assert registry.get_sample_value("mailvouch_redeliveries_total") == 1
    assert json.loads(jobs.report)["kind"] == "credential-test"
    assert jobs.owner == "", "what could not be read belongs to nobody"


def test_a_job_that_killed_its_workers_is_poison_and_says_how_often_it_was_started(
    metrics, registry
):
    _, report = refusal_documents(
        metrics, FailedJob("credential-tests", "j", Code.WORKER_FAILED, "Died.", attempts=3)
    )

    assert json.loads(report) | {"workerVersion": ""} == {
        "version": 1,
        "jobId": "j",
        "kind": "credential-test",
        "attempts": 3,
        "queueWaitMs": 0,
        "durationMs": 0,
        "workerVersion": "",
        "items": [],
    }
    assert registry.get_sample_value("mailvouch_poison_messages_total") == 1
    labels = {"kind": "credential-test", "outcome": "error"}
    assert registry.get_sample_value("mailvouch_jobs_total", labels) == 1


def test_a_job_that_expired_is_no_poison_and_was_never_started(metrics, registry):
    queue = Queue.INTEGRATION_UPDATES
    _, report = refusal_documents(metrics, FailedJob(queue, "j", Code.REQUEST_EXPIRED, "Expired."))

    found = json.loads(report)
    assert (found["kind"], found["attempts"]) == (None, 0)  # three kinds share this queue
    assert registry.get_sample_value("mailvouch_poison_messages_total") == 0
