"""Days as people count them, in the zone of their workspace: `last_week` and its like."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal, assert_never
from zoneinfo import ZoneInfo

import msgspec

DateRange = Literal["yesterday", "last_7_days", "last_week", "last_30_days", "last_month", "last_3_months"]
"""UChat's. Each ends with a day that is over: today is in none."""


class Day(msgspec.Struct, frozen=True):
    """From its first instant to before the first of the next: some have 23 hours, and some 25."""

    date: date
    since: datetime
    until: datetime


def days_of(wanted: DateRange, now: datetime, timezone: str) -> list[Day]:
    """The days of a range, the first one first. Weeks begin on Monday; months are whole ones."""
    first, after = _bounds(wanted, now.astimezone(ZoneInfo(timezone)).date())
    return days_between(first, after, timezone)


def days_between(first: date, after: date, timezone: str) -> list[Day]:
    """From `first` to before `after`."""
    zone = ZoneInfo(timezone)
    dates = [first + timedelta(days=number) for number in range((after - first).days + 1)]
    starts = [datetime.combine(one, time(), zone).astimezone(UTC) for one in dates]
    return [Day(one, *span) for one, span in zip(dates, pairwise(starts), strict=False)]


def _bounds(wanted: DateRange, today: date) -> tuple[date, date]:
    monday, month = today - timedelta(days=today.weekday()), today.replace(day=1)
    match wanted:
        case "yesterday":
            return today - timedelta(days=1), today
        case "last_7_days":
            return today - timedelta(days=7), today
        case "last_week":
            return monday - timedelta(days=7), monday
        case "last_30_days":
            return today - timedelta(days=30), today
        case "last_month":
            return _months_before(month, 1), month
        case "last_3_months":
            return _months_before(month, 3), month
        case _:
            assert_never(wanted)


def _months_before(first: date, count: int) -> date:
    for _ in range(count):
        first = (first - timedelta(days=1)).replace(day=1)
    return first
