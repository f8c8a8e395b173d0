"""Deadlines: wakes the conversations in whose state one has passed.

A deadline is part of the conversation's state (`wake_at`), so that timers survive restarts and
cannot disagree with it. Waking twice, or late, or by two processes is harmless.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from relevo.domain.errors import RelevoError, Unavailable
from relevo.domain.events import ByConversation, TimeCame
from relevo.domain.ids import ConversationId
from relevo.engine.engine import Engine
from relevo.store import conversations
from relevo.store.database import Database
from relevo.system.clock import Clock

log = structlog.get_logger()

LOOK_AT_LEAST_EVERY = 1.0
"""Seconds. Another process may have set a deadline that this one does not know."""
_AT_ONCE = 200
_FIRST_BACK_OFF = timedelta(minutes=1)
_LONGEST_BACK_OFF = timedelta(hours=6)


class Timers:
    """Sleeps until the next deadline, or until a commit sets an earlier one."""

    def __init__(self, *, engine: Engine, database: Database, clock: Clock) -> None:
        self._engine, self._database, self._clock = engine, database, clock
        self._back_off: dict[ConversationId, tuple[datetime, timedelta]] = {}
        self._stopping = False

    async def run(self) -> None:
        while not self._stopping:
            try:
                more = await self.fire_due()
            except Unavailable:
                more = False
            if not more:
                await self._sleep()

    def stop(self) -> None:
        self._stopping = True
        self._engine.deadline_set.set()

    async def fire_due(self) -> bool:
        """Wake every conversation that is due; True when there may be more."""
        now = self._clock.now()
        self._engine.next_wake_at = None
        self._engine.deadline_set.clear()
        async with self._database.read() as connection:
            due = await conversations.due(connection, now, _AT_ONCE)
            self._note(await conversations.next_wake_at(connection), now)
        ready = [id_ for id_, _ in due if self._may_try(id_, now)]
        await asyncio.gather(*(self._fire(id_) for id_ in ready))
        return len(ready) == _AT_ONCE

    async def _fire(self, id_: ConversationId) -> None:
        try:
            await self._engine.submit(TimeCame(to=ByConversation(id_)))
            self._back_off.pop(id_, None)
        except Unavailable:
            pass  # it is still due when the database is back
        except RelevoError as error:
            log.error("timer.failed", conversation=id_, code=error.code)
            self._wait_longer(id_)

    def _may_try(self, id_: ConversationId, now: datetime) -> bool:
        return id_ not in self._back_off or self._back_off[id_][0] <= now

    def _wait_longer(self, id_: ConversationId) -> None:
        """A conversation that cannot be decided about must not be tried every second."""
        _, before = self._back_off.get(id_, (None, _FIRST_BACK_OFF / 2))
        wait = min(before * 2, _LONGEST_BACK_OFF)
        self._back_off[id_] = (self._clock.now() + wait, wait)

    def _note(self, at: datetime | None, now: datetime) -> None:
        if at is not None and at > now:
            self._engine.next_wake_at = at

    async def _sleep(self) -> None:
        """Until the next deadline, a new one, or the time to look again."""
        at = self._engine.next_wake_at
        seconds = LOOK_AT_LEAST_EVERY
        if at is not None:
            seconds = min(seconds, max((at - self._clock.now()).total_seconds(), 0.0))
        await sleep_or(self._clock, seconds, self._engine.deadline_set)


async def sleep_or(clock: Clock, seconds: float, event: asyncio.Event) -> None:
    """Sleep, but not beyond the moment when the event is set."""
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    waking = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeping.cancel()
        waking.cancel()
