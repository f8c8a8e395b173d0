"""Counting attempts: how many succeeded, and how long the answers took."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

SLOT = timedelta(minutes=5)
"""What is counted together."""

BOUNDS = (
    0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7,
    1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 60.0,
)  # fmt: skip
"""Seconds: the upper ends of the buckets; the last bucket has none."""
BUCKETS = len(BOUNDS) + 1


class Tally(msgspec.Struct, frozen=True):
    """What the attempts of some time came to. `took`: of those that succeeded, how many fall into each
    bucket."""

    attempts: int = 0
    failed: int = 0
    took: tuple[int, ...] = (0,) * BUCKETS

    @property
    def success_rate(self) -> float | None:
        """From 0 to 1; None when nothing was attempted."""
        return (self.attempts - self.failed) / self.attempts if self.attempts else None

    def quantile(self, part: float) -> timedelta | None:
        """In how long a `part` of the answers (0.95: nineteen in twenty) were there, to about a fifth."""
        total = sum(self.took)
        if not total:
            return None
        return timedelta(seconds=_within(self.took, part * total))


def _within(took: Sequence[int], wanted: float) -> float:
    """How far one has to go through the buckets to have passed so many; within one they lie evenly."""
    passed = 0
    for bucket, count in enumerate(took):
        if count and passed + count >= wanted:
            low = BOUNDS[bucket - 1] if bucket else 0.0
            high = BOUNDS[min(bucket, len(BOUNDS) - 1)]
            return low + max(high - low, 0.0) * (wanted - passed) / count
        passed += count
    return BOUNDS[-1]


def bucket_of(seconds: float) -> int:
    return bisect_left(BOUNDS, seconds)


def together(tallies: Iterable[Tally]) -> Tally:
    """The sum of some."""
    listed = list(tallies)
    took = tuple(map(sum, zip(*(one.took for one in listed), strict=True))) if listed else Tally().took
    return Tally(sum(one.attempts for one in listed), sum(one.failed for one in listed), took)
