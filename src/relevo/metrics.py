"""What Relevo counts. Names are published; the pages of numbers are in docs/reference/metrics.md.

The workers of one `relevo serve` count in files that each of them can read (`system.workers`), with the
client's own means for that: counters and histograms of all of them are added up, and so are levels.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

REGISTRY = CollectorRegistry()
FIGURES = CollectorRegistry()
"""What is looked up in the database, and not counted: the same whoever looks, and never added up."""


class Figures:
    """A gauge with one label, whose values are shown all at once."""

    def __init__(self, name: str, documentation: str, label: str) -> None:
        self.name, self.documentation, self.label = name, documentation, label
        self._values: Mapping[str, float] = {}
        FIGURES.register(self)

    def show(self, values: Mapping[str, float]) -> None:
        """These and no others, from now on."""
        self._values = values

    def describe(self) -> list[GaugeMetricFamily]:
        return [self._family()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = self._family()
        for of, value in self._values.items():
            family.add_metric([of], value)
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(self.name, self.documentation, labels=[self.label])


MESSAGES = Counter("relevo_messages", "Messages stored, by who said them.", ["type"], registry=REGISTRY)
DECISIONS = Counter(
    "relevo_decisions", "Events decided about, by kind and ending.", ["event", "ending"], registry=REGISTRY
)
ATTEMPTS = Counter(
    "relevo_delivery_attempts",
    "Attempts made, by kind of destination and what they came to.",
    ["destination", "outcome"],
    registry=REGISTRY,
)
DELIVERIES = Counter(
    "relevo_deliveries",
    "Deliveries finished, by kind of destination and state.",
    ["destination", "state"],
    registry=REGISTRY,
)
DELIVERY_SECONDS = Histogram(
    "relevo_delivery_seconds",
    "From commit to the other side's 2xx.",
    ["destination"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600),
    registry=REGISTRY,
)
CALLS = Counter(
    "relevo_calls",
    "Calls of flows that are over, by step and by what came of them.",
    ["step", "result"],
    registry=REGISTRY,
)
AI_TOKENS = Counter("relevo_ai_tokens", "Tokens that models say they have used.", registry=REGISTRY)
COMMIT_SIZE = Histogram(
    "relevo_commit_batch_size",
    "Events and outcomes in one commit.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    registry=REGISTRY,
)
COMMIT_SECONDS = Histogram(
    "relevo_commit_seconds",
    "Time of one commit.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
    registry=REGISTRY,
)
WAITING = Figures("relevo_deliveries_waiting", "Deliveries waiting, by destination.", "destination")
OLDEST_WAITING = Figures(
    "relevo_oldest_waiting_delivery_seconds",
    "Age of the oldest waiting delivery, by destination.",
    "destination",
)
ENDPOINT_STATE = Figures(
    "relevo_endpoint_state", "How an endpoint stands: 0 healthy, 1 failing, 2 open, 3 disabled.", "endpoint"
)
ENDPOINT_NOTICES = Counter(
    "relevo_endpoint_notices", "What became of endpoints, by type of notice.", ["type"], registry=REGISTRY
)
ENDPOINT_PROBES = Counter(
    "relevo_endpoint_probes", "Probes of open circuits, by what they came to.", ["outcome"], registry=REGISTRY
)
LANES = Gauge(
    "relevo_lanes_carried", "Lanes that are carried now.", registry=REGISTRY, multiprocess_mode="livesum"
)
EVENTS_WAITING = Gauge(
    "relevo_events_waiting", "Events waiting for a commit.", registry=REGISTRY, multiprocess_mode="livesum"
)
HTTP_REQUESTS = Counter(
    "relevo_http_requests",
    "Requests answered, by area and status; status 0 is a client that went away.",
    ["area", "status"],
    registry=REGISTRY,
)


@lru_cache(maxsize=1024)
def counter(metric: Counter, *labels: str) -> Counter:
    """The counter with these labels; looking it up each time costs more than counting."""
    return metric.labels(*labels)


@lru_cache(maxsize=256)
def histogram(metric: Histogram, *labels: str) -> Histogram:
    """The histogram with these labels."""
    return metric.labels(*labels)


_LEVELS: dict[Gauge, Callable[[], float]] = {}


def shows(gauge: Gauge, level: Callable[[], float]) -> None:
    """Let a gauge show this, of this process, whenever levels are read."""
    _LEVELS[gauge] = level


def read_levels() -> None:
    """Set the gauges to what they show now."""
    for gauge, level in _LEVELS.items():
        gauge.set(level())


def exposition() -> bytes:
    """Everything, in the text format of Prometheus: of all workers, if there are several."""
    read_levels()
    return generate_latest(_counted()) + generate_latest(FIGURES)


def _counted() -> CollectorRegistry:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]
    return together
