"""Instants and durations as people read them, in the workspace's time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class When(msgspec.Struct, frozen=True):
    """Says when something was or will be, seen from `now`."""

    now: datetime
    timezone: str = "UTC"

    def local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.timezone))

    def exact(self, at: datetime) -> str:
        """`22 Nov 2026, 10:42:07`"""
        local = self.local(at)
        return f"{local.day} {local:%b %Y, %H:%M:%S}"

    def short(self, at: datetime) -> str:
        """`10:42` today, `22 Nov, 10:42` this year, `22 Nov 2025` before."""
        local, today = self.local(at), self.local(self.now)
        if local.date() == today.date():
            return f"{local:%H:%M}"
        if local.year == today.year:
            return f"{local.day} {local:%b, %H:%M}"
        return f"{local.day} {local:%b %Y}"

    def clock(self, at: datetime) -> str:
        """`10:42`"""
        return f"{self.local(at):%H:%M}"

    def day(self, at: datetime) -> date:
        return self.local(at).date()

    def day_name(self, at: datetime) -> str:
        """`Today`, `Yesterday`, `Sunday, 22 November`, with the year when it is another."""
        day, today = self.day(at), self.day(self.now)
        if day == today:
            return "Today"
        if day == today - _DAY:
            return "Yesterday"
        name = f"{day:%A}, {day.day} {day:%B}"
        return name if day.year == today.year else f"{name} {day.year}"

    def ago(self, at: datetime) -> str:
        """`3 min ago`, `in 5 min`; the short form of the instant when it is further away than a day."""
        away = self.now - at
        if abs(away) >= _DAY:
            return self.short(at)
        if abs(away) < _MINUTE:
            return "just now" if away >= timedelta() else "in a moment"
        return f"{length(away)} ago" if away > timedelta() else f"in {length(-away)}"

    def tag(self, at: datetime | None) -> Markup:
        """`<time>` in the short form, with the exact one to find out."""
        return Markup("") if at is None else self._tag(at, self.short(at), "")

    def clock_tag(self, at: datetime) -> Markup:
        return self._tag(at, self.clock(at), "")

    def live_tag(self, at: datetime | None) -> Markup:
        """`<time>` that says how long ago or in how long, and that the script keeps true."""
        return Markup("") if at is None else self._tag(at, self.ago(at), " data-relative")

    def _tag(self, at: datetime, text: str, extra: str) -> Markup:
        stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        exact = f"{self.exact(at)} ({self.timezone})"
        return Markup('<time datetime="{}" title="{}"' + extra + ">{}</time>").format(stamp, exact, text)


def length(of: timedelta) -> str:
    """`45 s`, `12 min`, `3 h 20 min`, `2 days`: two units at most."""
    seconds = int(of.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        hours, minutes = divmod(seconds // 60, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days = seconds // 86400
    return "1 day" if days == 1 else f"{days} days"


def took(of: timedelta) -> str:
    """`812 ms`, `1.4 s`"""
    milliseconds = of / timedelta(milliseconds=1)
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def average(seconds: int) -> str:
    """`45 s`, `1 min 13 s`, `2 h 5 min`: what a day's average is to be compared by."""
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if minutes < 10 else length(timedelta(seconds=seconds))
