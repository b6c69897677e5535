"""What the queue tells the outside; metrics and logs listen here."""

from typing import Protocol

from worker.queue.message import Delivery, Poison


class Observer(Protocol):
    """Called on the event loop: must not block, must not raise."""

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

    def messages_given_back(self, queue: str | None, count: int) -> None:
        """This worker stops, and gives back what it has not finished."""

    def clock_skewed(self, seconds: float) -> None:
        """Redis' clock is this much ahead of ours."""


class NullObserver:
    """An observer that does nothing; also the base of those that care for a part."""

    def message_taken(self, delivery: Delivery) -> None:
        """See Observer."""

    def message_left(self, delivery: Delivery) -> None:
        """See Observer."""

    def job_crashed(self, delivery: Delivery, error: Exception) -> None:
        """See Observer."""

    def message_poisoned(self, poison: Poison) -> None:
        """See Observer."""

    def messages_redelivered(self, queue: str | None, count: int) -> None:
        """See Observer."""

    def messages_given_back(self, queue: str | None, count: int) -> None:
        """See Observer."""

    def clock_skewed(self, seconds: float) -> None:
        """See Observer."""
