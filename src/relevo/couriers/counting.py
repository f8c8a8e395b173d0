"""What the attempts at one endpoint come to, as this process counts them between two reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from relevo.domain.deliveries import Outcome, Refused, Unreachable
from relevo.domain.health import is_success
from relevo.domain.tallies import BUCKETS, SLOT, Tally, bucket_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slot_of(now: datetime) -> datetime:
    """When the slot began in which an instant lies."""
    return _EPOCH + (now - _EPOCH) // SLOT * SLOT


class Counted:
    """Counts. The numbers are of one slot; the instants are the latest ones of all."""

    def __init__(self) -> None:
        self.succeeded_at: datetime | None = None
        self.failed_at: datetime | None = None
        self.failure = ""
        self._slot_at: datetime | None = None
        self._attempts = self._failed = self._told = 0
        self._took = [0] * BUCKETS

    def note(self, outcome: Outcome, at: datetime, took: timedelta) -> None:
        succeeded = is_success(outcome)
        if succeeded is None:
            return
        self._attempts += 1
        if succeeded:
            self.succeeded_at = at
            self._took[bucket_of(took.total_seconds())] += 1
        else:
            self._failed += 1
            self.failed_at, self.failure = at, reason_of(outcome)

    def take(self, now: datetime) -> dict[datetime, Tally]:
        """What is to be stored, by slot: nothing when there is nothing new."""
        slot_at = self._slot_at or slot_of(now)
        self._slot_at = slot_at
        is_new = self._attempts != self._told
        tally = Tally(self._attempts, self._failed, tuple(self._took))
        self._told = self._attempts
        if slot_at != slot_of(now):
            self._slot_at = slot_of(now)
            self._attempts = self._failed = self._told = 0
            self._took = [0] * BUCKETS
        return {slot_at: tally} if is_new else {}


def reason_of(outcome: Outcome) -> str:
    """Why an attempt failed, in a word: a status, or what kept it from having one."""
    match outcome:
        case Refused(status_code=status):
            return str(status)
        case Unreachable(reason=reason):
            return reason
        case _:
            return type(outcome).__name__.lower()
