"""How soon one may write to the same person again."""

from __future__ import annotations

from relevo.channels.adapter import Rates
from relevo.domain.ids import ChannelId
from relevo.system.clock import Clock
from relevo.system.notes import Notes, OwnNotes

REMEMBERED = 100_000
"""Recipients whose last message is remembered: more than are written to while one of them has to wait."""


class Pacing:
    """Keeps messages to the same person apart. (How many go out to all of them is kept by the gates.)"""

    def __init__(self, clock: Clock, notes: Notes | None = None) -> None:
        self._clock, self._notes = clock, notes if notes is not None else OwnNotes(REMEMBERED)

    async def turn(self, channel_id: ChannelId, user_id: str, rates: Rates) -> None:
        """Wait until this person may be written to again: on average once in `between` seconds, after as many
        as `burst` at once. (The generic cell rate algorithm: what is noted is when all would be paid for.)"""
        if not rates.between:
            return
        name = f"pace {channel_id} {user_id}"
        with self._notes:
            now = self._clock.monotonic()
            paid = max(now, (self._notes.read(name) or (now, now))[0])
            self._notes.write(name, (paid + rates.between, now))
        wait = paid - now - rates.between * (rates.burst - 1)
        if wait > 0:
            await self._clock.sleep(wait)
