"""What the queue tells the outside; metrics and logs listen here."""

from worker.queue.message import Delivery, Poison


class Observer:
    """Called on the event loop: must not block, must not raise. This one does nothing."""

    def message_taken(self, delivery: Delivery) -> None:
        """A task for the message begins."""

    def message_left(self, delivery: Delivery) -> None:
        """The task has ended: `delivery.settled`, or given back."""

    def job_crashed(self, delivery: Delivery, error: Exception) -> None:
        """The actor raised. Its arguments and locals must not be logged."""

    def message_poisoned(self, poison: Poison) -> None:
        """A message went to the dead letters."""

    def messages_redelivered(self, queue: str | None, count: int) -> None:
        """Messages of dead workers (queue None), or lost by an outage, went back."""

    def messages_given_back(self, count: int) -> None:
        """This worker stops, and gives back what it has not finished."""

    def clock_skewed(self, seconds: float) -> None:
        """Redis' clock is this much ahead of ours."""
