"""What Relevo counts. Names are published; the pages of numbers are in docs/reference/metrics.md."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

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
WAITING = Gauge(
    "relevo_deliveries_waiting", "Deliveries waiting, by destination.", ["destination"], registry=REGISTRY
)
OLDEST_WAITING = Gauge(
    "relevo_oldest_waiting_delivery_seconds",
    "Age of the oldest waiting delivery, by destination.",
    ["destination"],
    registry=REGISTRY,
)
ENDPOINT_STATE = Gauge(
    "relevo_endpoint_state",
    "How an endpoint stands: 0 healthy, 1 failing, 2 open, 3 disabled.",
    ["endpoint"],
    registry=REGISTRY,
)
ENDPOINT_NOTICES = Counter(
    "relevo_endpoint_notices", "What became of endpoints, by type of notice.", ["type"], registry=REGISTRY
)
ENDPOINT_PROBES = Counter(
    "relevo_endpoint_probes", "Probes of open circuits, by what they came to.", ["outcome"], registry=REGISTRY
)
LANES = Gauge("relevo_lanes_carried", "Lanes that this process carries now.", registry=REGISTRY)
EVENTS_WAITING = Gauge("relevo_events_waiting", "Events waiting for a commit.", registry=REGISTRY)
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
