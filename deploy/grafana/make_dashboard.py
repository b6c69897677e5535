"""Write dashboard.json beside this file: `python deploy/grafana/make_dashboard.py`.

A test compares the file with what this prints, and every metric name in it with what is exported.
"""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("dashboard.json")
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT, ROW = 12, 8, 24

# Title, unit, and the queries as (legend, expression).
GRAPHS: list[tuple[str, str, list[tuple[str, str]]]] = [
    (
        "Waiting and running jobs",
        "short",
        [
            (
                "{{queue}} {{state}}",
                'max by (queue, state) (mailvouch_queue_messages{state!="dead"})',
            ),
            ("in flight, all workers", "sum(mailvouch_jobs_in_flight)"),
        ],
    ),
    (
        "Age of the oldest waiting job",
        "s",
        [("{{queue}}", "max by (queue) (mailvouch_queue_oldest_seconds)")],
    ),
    (
        "Jobs a second, by outcome",
        "ops",
        [
            (
                "{{kind}} {{outcome}}",
                "sum by (kind, outcome) (rate(mailvouch_jobs_total[$__rate_interval])) > 0",
            )
        ],
    ),
    (
        "Duration of a job",
        "s",
        [
            (
                f"{share:.0%} of {{{{kind}}}}",
                (
                    f"histogram_quantile({share}, sum by (le, kind) "
                    "(rate(mailvouch_job_duration_seconds_bucket[$__rate_interval])))"
                ),
            )
            for share in (0.5, 0.95)
        ],
    ),
    (
        "Time from submission to start",
        "s",
        [
            (
                f"{share:.0%} of {{{{kind}}}}",
                (
                    f"histogram_quantile({share}, sum by (le, kind) "
                    "(rate(mailvouch_queue_wait_seconds_bucket[$__rate_interval])))"
                ),
            )
            for share in (0.5, 0.95)
        ],
    ),
    (
        "Probes a second, by code",
        "ops",
        [
            (
                "{{protocol}} {{code}}",
                (
                    "topk(12, sum by (protocol, code) "
                    "(rate(mailvouch_probes_total[$__rate_interval])) > 0)"
                ),
            )
        ],
    ),
    (
        "Share of probes that worked",
        "percentunit",
        [
            (
                "{{protocol}}",
                (
                    "sum by (protocol) (rate(mailvouch_probes_total"
                    '{code=~"OK|SENDER_REJECTED|SENDER_INCONCLUSIVE"}[$__rate_interval]))'
                    " / sum by (protocol) (rate(mailvouch_probes_total[$__rate_interval]))"
                ),
            )
        ],
    ),
    (
        "Mean time of a phase",
        "s",
        [
            (
                "{{protocol}} {{phase}}",
                (
                    "sum by (protocol, phase) "
                    "(rate(mailvouch_probe_phase_seconds_sum[$__rate_interval]))"
                    " / sum by (protocol, phase) "
                    "(rate(mailvouch_probe_phase_seconds_count[$__rate_interval]))"
                ),
            )
        ],
    ),
    (
        "What should not happen",
        "short",
        [
            ("redeliveries", "sum(increase(mailvouch_redeliveries_total[5m]))"),
            ("poison messages", "sum(increase(mailvouch_poison_messages_total[5m]))"),
            (
                "unclassified {{protocol}}",
                "sum by (protocol) (increase(mailvouch_unclassified_replies_total[5m]))",
            ),
            (
                "dead letters {{queue}}",
                'max by (queue) (mailvouch_queue_messages{state="dead"})',
            ),
        ],
    ),
    (
        "Gateway: answers a second, by route and status",
        "ops",
        [
            (
                "{{method}} {{route}} {{status}}",
                (
                    "topk(12, sum by (method, route, status) "
                    "(rate(mailvouch_gateway_requests_total[$__rate_interval])) > 0)"
                ),
            )
        ],
    ),
    (
        "Gateway: requests that wait, and time of an answer",
        "short",
        [
            ("waiting", "sum(mailvouch_gateway_waiting)"),
            (
                "95% of {{route}}, seconds",
                (
                    "histogram_quantile(0.95, sum by (le, route) "
                    "(rate(mailvouch_gateway_request_seconds_bucket[$__rate_interval])))"
                ),
            ),
        ],
    ),
    (
        "Running versions",
        "short",
        [("{{version}}", "count by (version) (mailvouch_build_info)")],
    ),
]


def graph(index: int, title: str, unit: str, queries: list[tuple[str, str]]) -> dict[str, Any]:
    """One panel; two stand side by side."""
    return {
        "id": index + 1,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": {
            "x": index * WIDTH % ROW,
            "y": index * WIDTH // ROW * HEIGHT,
            "w": WIDTH,
            "h": HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "table", "placement": "right", "calcs": ["last"]}},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "expr": expression,
                "legendFormat": legend,
                "exemplar": True,  # the job ids, where Prometheus keeps them
            }
            for number, (legend, expression) in enumerate(queries)
        ],
    }


def dashboard() -> dict[str, Any]:
    """Make what Grafana imports."""
    return {
        "uid": "mailvouch",
        "title": "Mailvouch",
        "tags": ["mailvouch"],
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "15s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "source",
                    "type": "datasource",
                    "query": "prometheus",
                    "label": "Prometheus",
                }
            ]
        },
        "panels": [graph(index, *parts) for index, parts in enumerate(GRAPHS)],
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
