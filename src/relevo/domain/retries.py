"""Whether and when a delivery is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import assert_never

from relevo.domain.deliveries import (
    Accepted,
    Done,
    Forbidden,
    GiveUp,
    Outcome,
    Park,
    Refused,
    Rejected,
    RetryAt,
    Unreachable,
    Verdict,
)

WEBHOOK_SCHEDULE: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
)
"""The waits between the attempts at an endpoint: nine attempts within eighteen hours."""

CHANNEL_SCHEDULE: tuple[timedelta, ...] = (
    timedelta(seconds=1),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
)
"""For vendors' APIs: what a customer was told an hour ago is better not said at all."""

_HEEDED = frozenset({429, 503})  # the answers whose Retry-After counts


def decide(
    outcome: Outcome,
    *,
    attempts_made: int,
    schedule: Sequence[timedelta],
    now: datetime,
    jitter: float,
    is_probe: bool = False,
    patience: timedelta = timedelta(),
) -> Verdict:
    """Decide what becomes of a delivery after its latest attempt, which `attempts_made` counts.

    One that was a probe of a dead endpoint uses none of its retries up: it is due again at once, and the
    next probe is another lane's (`domain.health` says when).

    `jitter` is a number from 0.8 to 1.2 drawn by the caller. A `Retry-After` may lengthen the
    wait, to at most twice the scheduled one: an endpoint must not be able to stop its lane for a week.
    A vendor whose limits are known to be so may ask for as much as `patience`.
    """
    match outcome:
        case Accepted():
            return Done()
        case Refused(status_code=410):
            return GiveUp("endpoint_gone", disable=True)
        case Rejected(reason=reason):
            return GiveUp(reason)
        case Refused() | Unreachable() | Forbidden():  # Forbidden: the name may be pointed elsewhere
            if is_probe:
                return RetryAt(now)
            if attempts_made > len(schedule):
                return Park("schedule_exhausted")
            return RetryAt(now + _wait(schedule[attempts_made - 1], jitter, _asked_wait(outcome), patience))
        case _:
            assert_never(outcome)


def _wait(scheduled: timedelta, jitter: float, asked: timedelta, patience: timedelta) -> timedelta:
    return max(scheduled * jitter, min(asked, max(2 * scheduled, patience)))


def _asked_wait(outcome: Refused | Unreachable | Forbidden) -> timedelta:
    if isinstance(outcome, Refused) and outcome.status_code in _HEEDED:
        return outcome.retry_after or timedelta()
    return timedelta()


def parse_retry_after(text: str, now: datetime) -> timedelta | None:
    """The wait that a `Retry-After` header asks for (RFC 9110, 10.2.3): seconds, or a date, which is
    no wait when it is past. None for anything else."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text.lstrip("0")[:9] or "0"))  # 31 years are enough
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(_aware(when) - now, timedelta())


def _aware(when: datetime) -> datetime:
    """The oldest of the three forms of a date in HTTP names no zone: it is UTC."""
    return when if when.tzinfo else when.replace(tzinfo=UTC)
