"""Sends broadcasts: a few people at a time, each at its own rate, and never in the way of those who write.

A step takes up the broadcast that waits longest, tells its next people through the engine, as anything else
that happens, and notes how far it has got. What became of each person is stored with their messages, so a
step that a crash made half is made again, and says nothing twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import timedelta

import msgspec
import structlog

from relevo.domain import segments
from relevo.domain.broadcasts import Broadcast, BroadcastState, Listed, Outcome
from relevo.domain.errors import Busy, DecisionFailed, InvalidInput, NotFound, Unavailable
from relevo.domain.events import BroadcastCame, ByConversation
from relevo.domain.ids import ConversationId
from relevo.domain.segments import Where
from relevo.domain.subscribers import FieldValue
from relevo.domain.vocabulary import BotField, WrongValue, typed
from relevo.engine.catalog import Catalog
from relevo.engine.engine import Engine
from relevo.engine.hub import Hub, LookAgain
from relevo.engine.stepping import LOOK_EVERY, REST, in_steps
from relevo.store import broadcasts, choosing, configuring, defining
from relevo.store.choosing import Found
from relevo.store.database import Connection, Database
from relevo.system.clock import Clock

log = structlog.get_logger()

AT_ONCE = 20
"""People in one step: whoever writes meanwhile shares a commit with no more of them."""
AHEAD = 200
"""So many deliveries of broadcasts may be due before more people are told."""
LEASE = timedelta(seconds=30)
"""When somebody else takes up a broadcast whose process is silent."""
_AGAIN_AFTER = timedelta(seconds=1)


class Broadcasting:
    """Runs until stopped. Several processes take turns."""

    def __init__(
        self, *, database: Database, engine: Engine, catalog: Catalog, hub: Hub, clock: Clock
    ) -> None:
        self._database, self._engine, self._catalog = database, engine, catalog
        self._hub, self._clock = hub, clock
        self._told: deque[ConversationId] = deque(maxlen=2 * AHEAD)
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        await in_steps(self.step, self._clock, self._stopped, self._until_due)

    def stop(self) -> None:
        self._stopped.set()

    async def _until_due(self) -> float:
        """Seconds until the next is due; no more than until it is time to look again."""
        async with self._database.read() as connection:
            left = await broadcasts.until_due(connection, self._clock.now())
        if left is None:
            return LOOK_EVERY
        return min(max(left.total_seconds(), REST), LOOK_EVERY)

    async def step(self) -> bool:
        """One step of whatever there is to do; False when there is nothing."""
        now = self._clock.now()
        async with self._database.read() as connection:
            left = await broadcasts.until_due(connection, now)
            if left is None or left > timedelta(0):
                return False
            if await broadcasts.count_due(connection, set(self._told), now) >= AHEAD:
                return True
        async with self._database.write() as connection:
            one = await broadcasts.claim(connection, now, LEASE)
        if one is not None:
            await self._work(one)
        return one is not None

    async def _work(self, one: Broadcast) -> None:
        await self._catalog.refresh()
        if one.total is None and one.says.bot_fields:
            await self._set_bot_fields(one)
        async with self._database.read() as connection:
            if one.total is None:
                one = msgspec.structs.replace(one, total=await self._count(connection, one))
            found = await self._following(connection, one)
        try:
            await self._tell(one, found.people)
        except (Busy, Unavailable):
            async with self._database.write() as connection:
                await broadcasts.put_off(connection, one, self._clock.now(), _AGAIN_AFTER)
            return
        await self._save(one, found)

    async def _set_bot_fields(self, one: Broadcast) -> None:
        """Those that are still there; a value that no longer fits the field's type is left out."""
        known = self._catalog.directory.vocabulary(one.flow_id).bot_fields
        changed = [
            msgspec.structs.replace(known[name], value=value)
            for name, value in one.says.bot_fields.items()
            if name in known and _fits(known[name], value)
        ]
        async with self._database.write() as connection:
            await configuring.lock(connection)
            await defining.set_bot_values(connection, changed)
        await self._catalog.refresh(at_once=True)

    # To whom

    async def _count(self, connection: Connection, one: Broadcast) -> int:
        if isinstance(one.to, Listed):
            return len(one.to.ids) + one.to.unknown
        try:
            counted = await choosing.count(connection, self._where(one), segments.read(one.to.source))
        except InvalidInput:
            return 0
        return counted.number

    async def _following(self, connection: Connection, one: Broadcast) -> Found:
        limit = max(1, min(AT_ONCE, one.per_minute // 60))
        if isinstance(one.to, Listed):
            people = sorted(id_ for id_ in one.to.ids if id_ > one.looked_at)[:limit]
            return Found(people, people[-1] if len(people) == limit else None)
        try:
            condition = segments.read(one.to.source)
        except InvalidInput:  # written for an older Relevo: there is nobody whom it holds for
            log.error("broadcast.condition_unreadable", broadcast=one.id)
            return Found([], None)
        return await choosing.following(
            connection, self._where(one), condition, after=one.looked_at, limit=limit
        )

    def _where(self, one: Broadcast) -> Where:
        return self._catalog.where(one.flow_id, self._clock.now())

    # What

    async def _tell(self, one: Broadcast, people: list[ConversationId]) -> None:
        """Raises `Busy` or `Unavailable` when somebody could not be told now."""
        telling = (self._tell_one(one, id_) for id_ in people)
        for answer in await asyncio.gather(*telling, return_exceptions=True):
            if isinstance(answer, BaseException) and not isinstance(answer, (NotFound, DecisionFailed)):
                raise answer
        self._told.extend(people)

    async def _tell_one(self, one: Broadcast, id_: ConversationId) -> None:
        to = ByConversation(id_, one.flow_id)
        await self._engine.submit(BroadcastCame(to=to, broadcast_id=one.id, says=one.says, kind=one.kind))

    # How far

    async def _save(self, one: Broadcast, found: Found) -> None:
        assert one.due_at is not None, "it was claimed"
        begun_at = one.due_at - LEASE
        end = found.looked_at if found.looked_at is not None else max([one.looked_at, *found.people])
        async with self._database.write() as connection:
            step = await broadcasts.outcomes(connection, one.id, after=one.looked_at, up_to=end)
            after = _after(one, step, missing=len(found.people) - sum(step.values()))
            wait = timedelta(minutes=step.get("sent", 0) / one.per_minute)
            is_over = found.looked_at is None
            after = msgspec.structs.replace(
                after,
                looked_at=end,
                worked_at=self._clock.now(),
                due_at=None if is_over else begun_at + wait,
                state=BroadcastState.DONE if is_over else one.state,
            )
            await broadcasts.save(connection, after, looked_at_before=one.looked_at)
        self._hub.publish([LookAgain(one.workspace_id, ConversationId(0))])
        if after.state is BroadcastState.DONE:
            log.info("broadcast.done", broadcast=one.id, total=after.total, **after.counts)


def _fits(field: BotField, value: FieldValue) -> bool:
    try:
        return value is None or typed(field.type, value) is not None
    except WrongValue:
        return False


def _after(one: Broadcast, step: Mapping[Outcome, int], *, missing: int) -> Broadcast:
    """With what became of the people of a step; of those who are `missing`, nothing is written."""
    counts = {**one.counts}
    for outcome, number in step.items():
        counts[outcome] = counts.get(outcome, 0) + number
    if missing > 0:
        counts["failed"] = counts.get("failed", 0) + missing
    return msgspec.structs.replace(one, counts=counts)
