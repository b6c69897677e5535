"""What a scrape is told beside what the worker processes count: queues, version, processes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import redis
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from worker.queue.depth import Depth
from worker.telemetry.exemplars import attach, read_exemplars
from worker.telemetry.heartbeat import Heartbeat

STATES: Final = ("ready", "delayed", "in_flight", "dead")


class QueueCollector(Collector):
    """The two queue metrics; an unreachable Redis leaves them out, which `absent()` tells."""

    def __init__(self, read: Callable[[], Sequence[Depth]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        messages = GaugeMetricFamily(
            "mailvouch_queue_messages", "Messages of a queue, by state.", labels=("queue", "state")
        )
        oldest = GaugeMetricFamily(
            "mailvouch_queue_oldest_seconds",
            "Age of the message at the head of a queue.",
            labels=("queue",),
        )
        try:
            depths = self._read()
        except redis.RedisError:
            depths = ()
        for depth in depths:
            for state in STATES:
                messages.add_metric((depth.queue, state), getattr(depth, state))
            oldest.add_metric((depth.queue,), depth.oldest_seconds)
        yield messages
        yield oldest


class BuildCollector(Collector):
    """Which version runs; the same in all processes, so it is not summed."""

    def __init__(self, version: str) -> None:
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Always 1: the label is what it says."""
        family = GaugeMetricFamily(
            "mailvouch_build_info", "The version that runs.", labels=("version",)
        )
        family.add_metric((self._version,), 1)
        yield family


class Workers(Protocol):
    """The worker processes of this page, however they are run. Called from the page's threads."""

    @property
    def directory(self) -> Path | None:
        """Where they count; None where no directory could be made."""

    def heartbeats(self) -> Sequence[Heartbeat]:
        """One for each process that should run."""

    def pids(self) -> Mapping[str, int]:
        """The processes that run, by slot."""

    def restarts(self) -> int:
        """How many of them were replaced."""


class SharedCollector(Collector):
    """What the worker processes have counted, summed; nothing while their directory is gone."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        directory = self._workers.directory
        if directory is not None and directory.is_dir():
            try:
                counted = MultiProcessCollector(None, str(directory)).collect()
            except OSError:  # removed at this moment
                return
            exemplars = read_exemplars(directory.glob("exemplars_*"))
            yield from (attach(metric, exemplars) for metric in counted)


class ProcessesCollector(Collector):
    """The worker processes: how many live, how often they were replaced, what each takes."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        beats = self._workers.heartbeats()
        yield GaugeMetricFamily(
            "mailvouch_worker_processes",
            "Worker processes whose event loop turns.",
            value=sum(beat.is_alive for beat in beats),
        )
        yield CounterMetricFamily(
            "mailvouch_worker_restarts",
            "Worker processes that ended, or were killed as stuck, and were replaced.",
            value=self._workers.restarts(),
        )
        yield from _per_slot(self._workers.pids())


def _per_slot(pids: Mapping[str, int]) -> Iterator[Metric]:
    """The standard `process_...` metrics, one sample for each process."""
    families: dict[str, Metric] = {}
    for slot, pid in pids.items():
        for metric in ProcessCollector(pid=partial(int, pid), registry=None).collect():
            family = families.setdefault(metric.name, metric)
            samples = [s._replace(labels={**s.labels, "slot": slot}) for s in metric.samples]
            if family is metric:
                family.samples = samples
            else:
                family.samples.extend(samples)
    yield from families.values()


def registry_of(*collectors: Collector) -> CollectorRegistry:
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return registry
