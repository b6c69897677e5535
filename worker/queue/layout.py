"""Where things are in Redis: Dramatiq's own layout, and the few keys that we add to it.

`<ns>:<queue>`, `.msgs`, `.DQ`, `.XQ`, `<ns>:__acks__.<broker>.<queue>` and `<ns>:__heartbeats__`
are Dramatiq's (brokers/redis/dispatch.lua); the others are ours.
"""

from dataclasses import dataclass

from producer.contract.names import Keys


@dataclass(frozen=True, slots=True)
class Layout(Keys):
    """The keys of one namespace: those that producers know, and the queue's own."""

    @property
    def janitor(self) -> str:
        """What the janitors of all workers have to agree on."""
        return f"{self.namespace}:__janitor__"

    @property
    def ack_prefix(self) -> str:
        return f"{self.namespace}:__acks__."

    def acks(self, broker_id: str, queue: str) -> str:
        """The set of ids that one broker has fetched and not acknowledged."""
        return f"{self.ack_prefix}{broker_id}.{queue}"

    def delayed_index(self, queue: str) -> str:
        """The sorted set of the delayed messages of a queue, by when they are due."""
        return f"{self.queue(delayed(queue))}.due"

    def running(self, job_id: str) -> str:
        """Who runs the job: `<broker id> <redis message id>`."""
        return f"{self.running_prefix}{job_id}"

    @property
    def running_prefix(self) -> str:
        return f"{self.namespace}:running:"

    def attempts(self, job_id: str) -> str:
        """The hash of how often the job was started, and how much it is blamed for deaths."""
        return f"{self.namespace}:attempts:{job_id}"

    @property
    def started_prefix(self) -> str:
        return f"{self.namespace}:started:"

    @property
    def retried_prefix(self) -> str:
        return f"{self.namespace}:retried:"

    def started(self, broker_id: str) -> str:
        """The set of jobs that one broker runs; after its death, those that died with it."""
        return f"{self.started_prefix}{broker_id}"

    def retried(self, broker_id: str) -> str:
        """Those of `started` that were started before."""
        return f"{self.retried_prefix}{broker_id}"


def delayed(queue: str) -> str:
    """Dramatiq's name for the queue of delayed messages beside a queue."""
    return f"{queue}.DQ"
