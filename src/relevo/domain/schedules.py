"""When a cron line is due: `0 9 * * mon-fri`, in a zone.

What daylight saving time does to it is what Debian's cron does: a fixed time that is skipped comes just
after, one that comes twice comes once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError


class NoSchedule(ValueError):
    """The line cannot be read, or never comes true."""


def check(cron: str) -> None:
    """Raises NoSchedule."""
    if len(cron.split()) != 5:
        raise NoSchedule("it has five parts: minute, hour, day, month, weekday")
    try:
        next(CronSim(cron, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise NoSchedule(str(error) or "it never comes true") from None


def next_after(cron: str, zone: str, now: datetime) -> datetime | None:
    """The first time of the line after `now`; None when there is none for decades."""
    found = next(CronSim(cron, now.astimezone(ZoneInfo(zone))), None)
    return None if found is None else found.astimezone(UTC)


def last_before(cron: str, zone: str, now: datetime) -> datetime | None:
    """The latest time of the line that is not after `now`; None when there was none for decades."""
    after = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    found = next(CronSim(cron, after.astimezone(ZoneInfo(zone)), reverse=True), None)
    return None if found is None else found.astimezone(UTC)
