"""Token buckets: so many at once, so many a second, and no more callers in memory than a bound."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.domain.errors import TooManyRequests
from relevo.system.notes import OwnNotes
from relevo.testing.clock import FakeClock
from relevo.web.addresses import network_of
from relevo.web.buckets import Buckets, Limit


def passes(buckets: Buckets, caller: str = "ana") -> bool:
    try:
        buckets.take(caller)
    except TooManyRequests:
        return False
    return True


def test_a_burst_passes_and_then_so_many_a_second() -> None:
    clock = FakeClock()
    buckets = Buckets(Limit(a_second=2, burst=3), clock)

    assert [passes(buckets) for _ in range(4)] == [True, True, True, False]
    clock.advance(timedelta(seconds=1))
    assert [passes(buckets) for _ in range(3)] == [True, True, False]


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = FakeClock()
    buckets = Buckets(Limit(a_second=2, burst=3), clock)
    passes(buckets)

    clock.advance(timedelta(days=1))
    assert [passes(buckets) for _ in range(4)] == [True, True, True, False]


def test_who_is_refused_is_told_when_there_is_room_and_then_there_is() -> None:
    clock = FakeClock()
    buckets = Buckets(Limit(a_second=0.25, burst=1), clock)
    buckets.take("ana")

    with pytest.raises(TooManyRequests) as refused:
        buckets.take("ana")
    assert refused.value.facts["retry_after"] == 4
    clock.advance(timedelta(seconds=4))
    buckets.take("ana")


def test_nobody_pays_for_somebody_else() -> None:
    buckets = Buckets(Limit(a_second=1, burst=1), FakeClock())
    passes(buckets, "ana")

    assert passes(buckets, "bea")


def test_many_names_do_not_fill_the_memory() -> None:
    notes = OwnNotes(most=10)
    buckets = Buckets(Limit(a_second=1, burst=1), FakeClock(), notes)
    passed = []
    for number in range(1000):
        passes(buckets, f"caller-{number}")
        passed.append(passes(buckets, "ana"))

    assert len(notes) == 10
    assert passed == [True] + [False] * 999  # who asks often is not forgotten


@pytest.mark.parametrize(
    ("address", "limited_together"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ("unknown", "unknown"),
    ],
)
def test_who_is_limited_together(address: str, limited_together: str) -> None:
    assert network_of(address) == limited_together
