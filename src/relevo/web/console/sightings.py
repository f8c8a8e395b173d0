"""Whoever looks at the console is online."""

from __future__ import annotations

from datetime import timedelta

import structlog

from relevo.domain.errors import Unavailable
from relevo.domain.ids import MemberId
from relevo.store import presence
from relevo.store.database import Database
from relevo.system.clock import Clock

NOTED_EVERY = 60.0
"""Seconds between two notes of one member."""
ONLINE_FOR = timedelta(seconds=150)
"""After the last page, or the last sign of a page that is open: it gives one every thirty seconds."""

log = structlog.get_logger()


class Sightings:
    """Notes members, each once a minute at most."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._noted: dict[MemberId, float] = {}

    async def note(self, member_id: MemberId) -> None:
        """Worth no error: the next page tries again."""
        now = self._clock.monotonic()
        if now - self._noted.get(member_id, float("-inf")) < NOTED_EVERY:
            return
        self._noted[member_id] = now
        try:
            async with self._database.write() as connection:
                await presence.note_seen(connection, member_id, self._clock.now() + ONLINE_FOR)
        except Unavailable:
            del self._noted[member_id]
            log.info("presence.not_noted", member=member_id)
