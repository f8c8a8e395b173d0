"""Counting attempts, and reading success and latency off the counts."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.tallies import BOUNDS, BUCKETS, Tally, bucket_of, together


def tally(*seconds: float, failed: int = 0) -> Tally:
    took = [0] * BUCKETS
    for one in seconds:
        took[bucket_of(one)] += 1
    return Tally(len(seconds) + failed, failed, tuple(took))


def test_nothing_has_neither_rate_nor_latency() -> None:
    assert (Tally().success_rate, Tally().quantile(0.5)) == (None, None)
    assert together([]) == Tally()


def test_the_rate_is_the_part_that_succeeded() -> None:
    assert tally(0.1, 0.1, 0.1, failed=1).success_rate == 0.75


@given(st.lists(st.floats(0.0001, 50), min_size=1, max_size=200), st.sampled_from([0.5, 0.95]))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(seconds: list[float], part: float) -> None:
    found = tally(*seconds).quantile(part)

    true = sorted(seconds)[max(-(-int(part * 100 * len(seconds)) // 100) - 1, 0)]
    bucket = bucket_of(true)
    low = BOUNDS[bucket - 1] if bucket else 0.0
    assert found is not None
    assert low - 1e-6 <= found.total_seconds() <= BOUNDS[bucket] + 1e-6


def test_what_took_longer_than_anything_counts_as_the_longest() -> None:
    assert tally(1000.0).quantile(0.5) == timedelta(seconds=BOUNDS[-1])


@given(st.lists(st.lists(st.floats(0.001, 10), max_size=20), max_size=6))
def test_tallies_together_are_as_if_they_were_counted_together(parts: list[list[float]]) -> None:
    assert together(tally(*part) for part in parts) == tally(*(one for part in parts for one in part))
