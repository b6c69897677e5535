"""A metrics page as tests read it: by the library's own parser, not by what `top` makes of it."""

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


class MetricsPage:
    """Every sample of a page in the text format."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self._samples = [sample for family in families for sample in family.samples]

    def samples(self, name: str, **labels: str) -> list[Sample]:
        """Those of a name that have at least these labels."""
        return [
            sample
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def total(self, name: str, **labels: str) -> float:
        """Their sum; 0 where there is none."""
        return sum(sample.value for sample in self.samples(name, **labels))
