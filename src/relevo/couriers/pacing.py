"""How soon one may write to the same person again."""

from __future__ import annotations

from relevo.channels.adapter import Rates
from relevo.domain.ids import ChannelId
from relevo.system.clock import Clock

REMEMBERED = 10_000
"""Recipients whose last message is remembered before those who may be written to again are forgotten."""


class Pacing:
    """Keeps messages to the same person apart. (How many go out to all of them is kept by the gates.)"""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._free: dict[tuple[ChannelId, str], float] = {}

    async def turn(self, channel_id: ChannelId, user_id: str, rates: Rates) -> None:
        """Wait until this person may be written to again: on average once in `between` seconds, after as many
        as `burst` at once. (The generic cell rate algorithm: what is kept is when all would be paid for.)"""
        if not rates.between:
            return
        now = self._clock.monotonic()
        paid = max(now, self._free.get((channel_id, user_id), now))
        if len(self._free) >= REMEMBERED:
            self._free = {key: free for key, free in self._free.items() if free > now}
        self._free[channel_id, user_id] = paid + rates.between
        wait = paid - now - rates.between * (rates.burst - 1)
        if wait > 0:
            await self._clock.sleep(wait)
