"""The ranges of days that summaries are asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from relevo.domain.date_ranges import DateRange, days_of

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("yesterday", date(2026, 11, 21), date(2026, 11, 21)),
        ("last_7_days", date(2026, 11, 15), date(2026, 11, 21)),
        ("last_week", date(2026, 11, 9), date(2026, 11, 15)),
        ("last_30_days", date(2026, 10, 23), date(2026, 11, 21)),
        ("last_month", date(2026, 10, 1), date(2026, 10, 31)),
        ("last_3_months", date(2026, 8, 1), date(2026, 10, 31)),
    ],
)
def test_a_range_ends_with_a_day_that_is_over(wanted: DateRange, first: date, last: date) -> None:
    days = days_of(wanted, SUNDAY, "UTC")

    assert (days[0].date, days[-1].date) == (first, last)
    assert [one.date for one in days] == [first + timedelta(days=n) for n in range(len(days))]


def test_days_follow_one_another_and_are_those_of_the_zone() -> None:
    days = days_of("last_month", SUNDAY, "Europe/Madrid")

    assert days[0].since == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert all(one.until == following.since for one, following in pairwise(days))
    lengths = {one.date: one.until - one.since for one in days}
    assert lengths[date(2026, 10, 25)] == timedelta(hours=25)
    assert sum(lengths.values(), timedelta()) == timedelta(days=31, hours=1)


def test_which_day_it_is_depends_on_the_zone() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)

    assert days_of("yesterday", late, "UTC")[0].date == date(2026, 11, 21)
    assert days_of("yesterday", late, "Asia/Tokyo")[0].date == date(2026, 11, 22)
