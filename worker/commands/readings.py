"""One reading of the metrics page and of a sample of reports, as `top` shows it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from producer.contract.report import Probe, Report
from worker.queue.depth import Depth

MOST_SERVERS: Final = 8

Labels = frozenset[tuple[str, str]]
Samples = Mapping[tuple[str, Labels], float]


@dataclass(frozen=True, slots=True)
class ServerTimes:
    """What a sample of probes says of one address."""

    address: str
    probes: int
    mean_milliseconds: float
    last_code: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read at one instant (`at`: seconds of the monotonic clock)."""

    at: float
    samples: Samples
    depths: Sequence[Depth] = ()
    servers: Sequence[ServerTimes] = ()
    troubles: Sequence[str] = ()

    def total(self, name: str) -> float:
        """The sum over all labels."""
        return sum(value for (sample, _), value in self.samples.items() if sample == name)

    def by(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """The values by these labels, in this order."""
        return {
            tuple(dict(found)[label] for label in labels): value
            for (sample, found), value in self.samples.items()
            if sample == name
        }

    def rate(self, before: "Reading", name: str, **labels: str) -> float:
        """Events a second since an earlier reading; a counter that fell began anew."""
        key = (name, frozenset(labels.items()))
        now, then = self.samples.get(key, 0.0), before.samples.get(key, 0.0)
        seconds = self.at - before.at
        grown = now - then if now >= then else now
        return grown / seconds if seconds > 0 else 0.0


def parse_metrics(page: str) -> Samples:
    """Every sample of a page in the text format."""
    return {
        (sample.name, frozenset(sample.labels.items())): float(sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def slowest_servers(reports: Iterable[bytes]) -> list[ServerTimes]:
    """The addresses with the longest mean probe; a report that cannot be read is left out."""
    probes: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in _probes(reports):
        if probe.remote_address:
            probes[probe.remote_address].append(probe)
    servers = [_server(address, found) for address, found in probes.items()]
    return sorted(servers, key=lambda server: -server.mean_milliseconds)[:MOST_SERVERS]


def _server(address: str, probes: Sequence[Probe]) -> ServerTimes:
    spent = sum(phase.milliseconds for probe in probes for phase in probe.phases)
    return ServerTimes(address, len(probes), spent / len(probes), probes[-1].code)


def _probes(reports: Iterable[bytes]) -> Iterable[Probe]:
    for raw in reports:
        try:
            report = Report.model_validate_json(raw)
        except ValidationError:
            continue
        for item in report.items:
            yield from (probe for probe in (item.smtp, item.imap) if probe)
