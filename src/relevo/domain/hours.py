"""When a company is there: its hours by weekday, and the days that are different."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

MOST_SPANS = 6
"""Spans of one day."""
MOST_HOLIDAYS = 500

_DAY = 24 * 60
_LOOK_AHEAD = 370
"""Days in which the next opening is looked for."""
_SPAN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-–]\s*(?:([01]?\d|2[0-3]):([0-5]\d)|(24):(00))")
_YEARLY = re.compile(r"(\d{2})-(\d{2})")


class Span(msgspec.Struct, frozen=True, array_like=True):
    """From so many minutes after midnight to so many; an end that is not later is one of the next day."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return (self.end - self.start) % _DAY or _DAY

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"


class Holiday(msgspec.Struct, frozen=True, omit_defaults=True):
    """A day with hours of its own: none, as a rule. `day` is `2026-12-25`, or `12-25` for every year."""

    day: str
    name: str = ""
    spans: tuple[Span, ...] = ()


class Hours(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The hours of a workspace. A weekday that is not in `week` is closed. `zone` "": the workspace's."""

    zone: str = ""
    week: dict[Weekday, tuple[Span, ...]] = {}
    holidays: tuple[Holiday, ...] = ()


def is_open(hours: Hours, now: datetime) -> bool:
    """Whether it is open at this instant. A span belongs to the day that it begins on."""
    local = now.astimezone(ZoneInfo(hours.zone))
    minute = local.hour * 60 + local.minute
    day = local.date()
    today = any(span.start <= minute < span.start + span.length for span in spans_of(hours, day))
    return today or any(
        minute < span.start + span.length - _DAY for span in spans_of(hours, day - timedelta(days=1))
    )


def opens_at(hours: Hours, now: datetime) -> datetime | None:
    """When hours begin next, in their zone: after now; None when none do within a year."""
    zone = ZoneInfo(hours.zone)
    today = now.astimezone(zone).date()
    for ahead in range(_LOOK_AHEAD):
        day = today + timedelta(days=ahead)
        for span in sorted(spans_of(hours, day), key=lambda span: span.start):
            opening = datetime.combine(day, time(span.start // 60, span.start % 60), zone)
            # A wall time that the change to summer skips is not there: through UTC it becomes the real one.
            opening = opening.astimezone(UTC).astimezone(zone)
            if opening > now:
                return opening
    return None


def spans_of(hours: Hours, day: date) -> tuple[Span, ...]:
    """The hours that begin on a day: a holiday's if it is one, one of this year before a yearly one."""
    for form in (day.isoformat(), day.isoformat()[5:]):
        for holiday in hours.holidays:
            if holiday.day == form:
                return holiday.spans
    return hours.week.get(WEEKDAYS[day.weekday()], ())


def read_span(text: str) -> Span | None:
    """`09:00-17:30`; None for anything else."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        return None
    start = int(match[1]) * 60 + int(match[2])
    end = _DAY if match[5] else int(match[3]) * 60 + int(match[4])
    return None if start == end else Span(start, end)


def is_day(text: str) -> bool:
    """Whether it is a day: `2026-12-25`, or `12-25` for every year."""
    yearly = _YEARLY.fullmatch(text)
    try:
        return date.fromisoformat(f"2000-{text}" if yearly else text).isoformat().endswith(text)
    except ValueError:
        return False
