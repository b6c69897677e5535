"""Names that cross a process: queues, actors, keys, limits (docs/CONTRACT.md sections 1 and 2)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NAMESPACE: Final = "mailvouch"
REQUEST_TTL_SECONDS: Final = 24 * 60 * 60
RESULT_TTL_SECONDS: Final = 24 * 60 * 60
MAX_BATCH: Final = 50
LARGEST_MAX_BATCH: Final = 1000
"""What the setting MAX_BATCH may be at most."""

MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024
"""Of a plain envelope. A full batch of the longest secrets, every character escaped, fits."""

HEARTBEAT_LIFETIME_MS: Final = 15_000
"""Workers renew their heartbeat every two seconds; one that is older is of a dead worker."""

SOCKET_NAME: Final = "redis.sock"
"""Under DATA_DIR: where the embedded Redis listens if no MAILVOUCH_REDIS_URL is set."""

MASK: Final = "********"
"""Stands for every password that was given, whatever its length."""

_JOB_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")


class Kind(StrEnum):
    """What an envelope asks for."""

    CREDENTIAL_TEST = "credential-test"
    INTEGRATION_UPDATE = "integration-update"
    INTEGRATION_CREATE = "integration-create"
    INTEGRATION_DELETE = "integration-delete"
    INTEGRATION_TEST = "integration-test"


class Queue(StrEnum):
    """The two queues; each has one actor."""

    CREDENTIAL_TESTS = "credential-tests"
    INTEGRATION_UPDATES = "integration-updates"


class Actor(StrEnum):
    """The actor names that a message may carry."""

    TEST_CREDENTIALS = "test_credentials"
    UPDATE_INTEGRATION = "update_integration"


QUEUE_OF: Final[dict[Kind, Queue]] = {
    Kind.CREDENTIAL_TEST: Queue.CREDENTIAL_TESTS,
    Kind.INTEGRATION_UPDATE: Queue.INTEGRATION_UPDATES,
    Kind.INTEGRATION_CREATE: Queue.INTEGRATION_UPDATES,
    Kind.INTEGRATION_DELETE: Queue.INTEGRATION_UPDATES,
    Kind.INTEGRATION_TEST: Queue.INTEGRATION_UPDATES,
}

ACTOR_OF: Final[dict[Queue, Actor]] = {
    Queue.CREDENTIAL_TESTS: Actor.TEST_CREDENTIALS,
    Queue.INTEGRATION_UPDATES: Actor.UPDATE_INTEGRATION,
}


def is_job_id(value: object) -> bool:
    """Tell whether `value` is 1 to 128 of `A-Z a-z 0-9 . _ : -`."""
    return isinstance(value, str) and _JOB_ID.match(value) is not None


@dataclass(frozen=True, slots=True)
class Keys:
    """The Redis keys of one namespace."""

    namespace: str = NAMESPACE

    def request(self, job_id: str) -> str:
        """The request envelope; there until the result is saved."""
        return f"{self.namespace}:request:{job_id}"

    def result(self, job_id: str) -> str:
        """The result payload: exactly the documented JSON."""
        return f"{self.namespace}:result:{job_id}"

    def report(self, job_id: str) -> str:
        """The diagnosis that the documented schema has no room for."""
        return f"{self.namespace}:report:{job_id}"

    def owner(self, job_id: str) -> str:
        """Whose job it is (`producer.contract.ownership`); lives as request and result do."""
        return f"{self.namespace}:owner:{job_id}"

    def done(self, job_id: str) -> str:
        """The pub/sub channel on which the job id is published once the result is readable."""
        return f"{self.namespace}:done:{job_id}"

    def progress(self, job_id: str) -> str:
        """The pub/sub channel with `{"done", "total"}` as each item of a batch ends."""
        return f"{self.namespace}:progress:{job_id}"

    @property
    def heartbeats(self) -> str:
        """The sorted set of worker processes, scored by the last heartbeat in unix milliseconds."""
        return f"{self.namespace}:__heartbeats__"

    def queue(self, queue: str) -> str:
        """The list of redis message ids that wait."""
        return f"{self.namespace}:{queue}"

    def messages(self, queue: str) -> str:
        """The hash of redis message id to message."""
        return f"{self.namespace}:{queue}.msgs"

    def dead(self, queue: str) -> str:
        """The sorted set of dead letters, scored by unix milliseconds."""
        return f"{self.namespace}:{queue}.XQ"

    def dead_messages(self, queue: str) -> str:
        """The hash of redis message id to dead letter."""
        return f"{self.namespace}:{queue}.XQ.msgs"
