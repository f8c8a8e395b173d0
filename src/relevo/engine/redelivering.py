"""Works off what people want redelivered, many at once, without being in anybody's way.

A step puts back a hundred at most, in one transaction; after each it rests. What it has put back becomes
due, and couriers carry what is due for longest first: so it never runs far ahead of them, and what
customers write meanwhile finds places.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta

import msgspec
import structlog

from relevo.domain.ids import ConversationId, DeliveryId
from relevo.domain.redeliveries import Redelivery, RedeliveryState
from relevo.engine.hub import Hub, LookAgain
from relevo.engine.stepping import in_steps
from relevo.store import redeliveries
from relevo.store.database import Database
from relevo.system.clock import Clock

log = structlog.get_logger()

AT_ONCE = 100
"""Deliveries in one transaction; a lane of no more is put back whole."""
AHEAD = 256
"""So many heads that were put back may wait for couriers before more are."""
LATELY = timedelta(seconds=5)
"""A head that has waited for longer is at an endpoint that is down: it keeps no others waiting."""


class Redelivering:
    """Runs until stopped. Several processes take turns."""

    def __init__(self, *, database: Database, hub: Hub, clock: Clock) -> None:
        self._database, self._hub, self._clock = database, hub, clock
        self._put_back: deque[DeliveryId] = deque(maxlen=2 * AHEAD)
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        await in_steps(self.step, self._clock, self._stopped)

    def stop(self) -> None:
        self._stopped.set()

    async def step(self) -> bool:
        """One step of whatever there is to do; False when there is nothing."""
        async with self._database.read() as connection:
            one = await redeliveries.next_running(connection)
            if one is None:
                return False
            if one.total is None:
                total = await redeliveries.count(connection, one)
                one = msgspec.structs.replace(one, total=total)
            due = await redeliveries.count_due(connection, self._put_back, self._clock.now(), lately=LATELY)
            if due >= AHEAD:
                return True
            found, end = await redeliveries.following(connection, one, AT_ONCE)
        ids = [ConversationId(id_) for id_ in dict.fromkeys(row.conversation_id for row in found)]
        last = found[-1].id if len(found) == AT_ONCE else end
        await self._work(one, ids, last)
        return True

    async def _work(self, one: Redelivery, ids: list[ConversationId], last: int | None) -> None:
        """Put back what is in these conversations. Everything up to `last` is dealt with then; all: None."""
        now = self._clock.now()
        async with self._database.write() as connection:
            if not await redeliveries.lock(connection, one):
                return
            done = await redeliveries.put_back(connection, one, ids, now=now, limit=AT_ONCE) if ids else []
            after = _after(one, done, last if len(done) < AT_ONCE else one.looked_at)
            after = msgspec.structs.replace(after, worked_at=now)
            await redeliveries.save(connection, after)
        self._put_back.extend(done)
        self._hub.publish([LookAgain(one.workspace_id, ConversationId(0))])
        if after.state is RedeliveryState.DONE:
            log.info("redelivery.done", redelivery=one.id, put_back=after.put_back, total=after.total)


def _after(one: Redelivery, done: list[DeliveryId], last: int | None) -> Redelivery:
    put_back = one.put_back + len(done)
    if last is None:
        return msgspec.structs.replace(one, put_back=put_back, state=RedeliveryState.DONE)
    return msgspec.structs.replace(one, put_back=put_back, looked_at=last)
