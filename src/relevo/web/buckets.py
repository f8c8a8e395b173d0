"""How often somebody may ask: token buckets in memory."""

from __future__ import annotations

import math

import msgspec

from relevo.domain.errors import TooManyRequests
from relevo.system.clock import Clock
from relevo.system.notes import Notes, OwnNotes


class Limit(msgspec.Struct, frozen=True):
    """`burst` requests at once, and `a_second` more as time passes."""

    a_second: float
    burst: int


class Buckets:
    """One limit for each of many callers.

    Of a caller we note what is left, and when. One who is forgotten begins anew with a full bucket, so that
    nobody can fill the memory by having many names. `kind` keeps apart what is in the same notes.
    """

    def __init__(self, limit: Limit, clock: Clock, notes: Notes | None = None, kind: str = "") -> None:
        self._limit, self._clock = limit, clock
        self._notes, self._kind = notes if notes is not None else OwnNotes(), kind

    def take(self, caller: str) -> None:
        """Count a request. Raises `TooManyRequests`, which says in how many seconds there is room."""
        with self._notes:
            left, now = self._left(caller)
            self._notes.write(self._name(caller), (left - (left >= 1), now))
        if left < 1:
            wait = math.ceil((1 - left) / self._limit.a_second)
            raise TooManyRequests(f"Too many requests; try again in {wait} s.", retry_after=wait)

    def left(self, caller: str) -> int:
        """How many requests would pass now."""
        with self._notes:
            return int(self._left(caller)[0])

    def _left(self, caller: str) -> tuple[float, float]:
        """With what has come back until now, which is the other number."""
        now, noted = self._clock.monotonic(), self._notes.read(self._name(caller))
        if noted is None:
            return float(self._limit.burst), now
        left, at = noted
        return min(self._limit.burst, left + max(now - at, 0.0) * self._limit.a_second), now

    def _name(self, caller: str) -> str:
        return f"{self._kind} {caller}"
