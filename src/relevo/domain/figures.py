"""What is counted by the day: of a flow, and of each agent in it. Days are those of the workspace's zone."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

_FIRST = date(1970, 1, 1).toordinal()


class Figures(msgspec.Struct):
    """What happened on a day. It counts up. Of an agent, only what an agent can do.

    `arrived` are new subscribers; `assigned_new` and `done_new` are of those who were new that day.
    `first_waited` (seconds) is from when a customer began to wait for an agent until they had the first
    answer of a case, which `responses` had; `resolved_after` (seconds) is from opening to closing, of the
    cases `closed`.
    """

    arrived: int = 0
    active_users: int = 0
    in_messages: int = 0
    out_messages: int = 0
    agent_messages: int = 0
    note_messages: int = 0
    opened: int = 0
    closed: int = 0
    assigned: int = 0
    assigned_new: int = 0
    done_new: int = 0
    replied_users: int = 0
    responses: int = 0
    first_waited: int = 0
    resolved_after: int = 0

    @property
    def average_response(self) -> int:
        """Seconds; 0 when nobody answered."""
        return round(self.first_waited / self.responses) if self.responses else 0

    @property
    def average_resolution(self) -> int:
        """Seconds; 0 when nothing was closed."""
        return round(self.resolved_after / self.closed) if self.closed else 0


def together(all_figures: list[Figures]) -> Figures:
    names = Figures.__struct_fields__
    return Figures(**{name: sum(getattr(one, name) for one in all_figures) for name in names})


def day_of(at: datetime, timezone: str) -> int:
    """The day, counted from 1970-01-01."""
    return at.astimezone(_zone(timezone)).date().toordinal() - _FIRST


def date_of(day: int) -> date:
    return date.fromordinal(day + _FIRST)


def day_number(on: date) -> int:
    return on.toordinal() - _FIRST


def midnight_before(at: datetime, timezone: str) -> datetime:
    """When the day began in which `at` is."""
    zone = _zone(timezone)
    return datetime.combine(at.astimezone(zone).date(), time(), zone)


@lru_cache(maxsize=600)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
