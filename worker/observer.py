"""What the queue layer tells the operators: its events as metrics and log lines."""

import structlog

from worker.metrics import Metrics
from worker.queue.message import Delivery, Poison
from worker.queue.observer import Silence

_log = structlog.get_logger("worker.queue")


class QueueEvents(Silence):
    """Listens to the queue of one process."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def job_crashed(self, delivery: Delivery, error: Exception) -> None:
        """Log a bug of ours, once; the traceback shows no values."""
        _log.error(
            "job_crashed",
            job_id=delivery.job_id,
            queue=delivery.queue,
            exc_info=(type(error), error, error.__traceback__),
        )

    def message_poisoned(self, poison: Poison) -> None:
        """Count and log a message that went to the dead letters."""
        self._metrics.observe_poison()
        _log.warning(
            "message_to_dead_letters",
            queue=poison.queue,
            reason=poison.flaw,
            size=poison.size,
            job_id=poison.job_id,
        )

    def messages_redelivered(self, queue: str | None, count: int) -> None:
        """Log messages that went back because their worker died, or Redis was away."""
        _log.warning("messages_redelivered", queue=queue, count=count)

    def messages_given_back(self, queue: str | None, count: int) -> None:
        """Log what a stopping worker did not finish."""
        _log.info("messages_given_back", queue=queue, count=count)

    def clock_skewed(self, seconds: float) -> None:
        """Log a clock that is not Redis'."""
        _log.warning("clock_skewed", seconds=round(seconds, 1), remedy="run a time service (NTP)")
