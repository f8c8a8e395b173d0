"""How often a token may call the API. (How large a request may be is checked where bodies are read.)"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from relevo.domain.errors import TooManyRequests
from relevo.domain.ids import ApiKeyId
from relevo.web.buckets import Limit
from relevo.web.services import Services

_HOUR = timedelta(hours=1).total_seconds()


class Allowance(msgspec.Struct, frozen=True):
    """What a token may do in an hour, and how many calls of it are left now."""

    limit: int
    remaining: int


class HourlyLimit:
    """So many calls an hour for each token: all at once, or one after another.

    A call comes back every `3600 / limit` seconds, so that nobody has to wait for a full hour to pass.
    0 is no limit.
    """

    def __init__(self, limit: int, services: Services) -> None:
        self._limit = limit
        self._buckets = services.buckets("token", Limit(a_second=limit / _HOUR, burst=limit))

    def take(self, key: ApiKeyId) -> None:
        """Count a call. Raises TooManyRequests, in UChat's words, with `retry_after` in seconds."""
        if not self._limit:
            return
        try:
            self._buckets.take(str(key))
        except TooManyRequests as full:
            raise TooManyRequests(retry_after=full.facts["retry_after"]) from None

    def allowance(self, key: ApiKeyId) -> Allowance | None:
        """None where there is no limit."""
        return Allowance(self._limit, self._buckets.left(str(key))) if self._limit else None
