"""How often somebody may ask: token buckets in memory, as many as are in use and no more than a bound."""

from __future__ import annotations

import math
from collections import OrderedDict

import msgspec

from relevo.domain.errors import TooManyRequests
from relevo.system.clock import Clock

MOST_BUCKETS = 20_000


class Limit(msgspec.Struct, frozen=True):
    """`burst` requests at once, and `a_second` more as time passes."""

    a_second: float
    burst: int


class _Bucket(msgspec.Struct):
    left: float
    at: float


class Buckets:
    """One limit for each of many callers.

    Beyond `MOST_BUCKETS` callers the one that has not asked for longest is forgotten: it begins anew
    with a full bucket, and nobody can fill the memory by having many names.
    """

    def __init__(self, limit: Limit, clock: Clock, most: int = MOST_BUCKETS) -> None:
        self._limit, self._clock, self._most = limit, clock, most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count a request. Raises `TooManyRequests`, which says in how many seconds there is room."""
        bucket = self._refilled(caller)
        if bucket.left < 1:
            wait = math.ceil((1 - bucket.left) / self._limit.a_second)
            raise TooManyRequests(f"Too many requests; try again in {wait} s.", retry_after=wait)
        bucket.left -= 1

    def left(self, caller: str) -> int:
        """How many requests would pass now."""
        return int(self._refilled(caller).left)

    def __len__(self) -> int:
        return len(self._buckets)

    def _refilled(self, caller: str) -> _Bucket:
        now = self._clock.monotonic()
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(float(self._limit.burst), now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(caller)
        bucket.left = min(self._limit.burst, bucket.left + (now - bucket.at) * self._limit.a_second)
        bucket.at = now
        return bucket
