"""Schedules of flows: at its time, whoever a schedule is for is told of it through the engine.

A page of people is told, then it is noted how far that went. A crash in between tells the page again, and
what was told already is recognised by its key. After an outage the last time that was missed counts, and
no earlier one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
import structlog

from relevo.domain.errors import Busy, DecisionFailed, NotFound, Unavailable
from relevo.domain.events import ByConversation, Once, ScheduleCame
from relevo.domain.flows.triggers.happenings import OnSchedule
from relevo.domain.ids import ConversationId, FlowVersionId
from relevo.domain.schedules import last_before
from relevo.domain.segments import Where
from relevo.domain.workspaces import FlowEntry
from relevo.engine.catalog import Catalog
from relevo.engine.engine import Engine
from relevo.engine.timers import sleep_or
from relevo.store import choosing, schedules
from relevo.store.database import Database
from relevo.store.schedules import Progress
from relevo.system.clock import Clock

log = structlog.get_logger()

AT_ONCE = 50
"""People in one step: whoever writes meanwhile shares a commit with no more of them."""
LEASE = timedelta(minutes=1)
"""When somebody else takes up a schedule whose process is silent."""
_LOOK_EVERY = 5.0
"""Seconds."""


class Scheduling:
    """Runs until stopped. Several processes take turns."""

    def __init__(self, *, database: Database, engine: Engine, catalog: Catalog, clock: Clock) -> None:
        self._database, self._engine = database, engine
        self._catalog, self._clock = catalog, clock
        self._of: dict[FlowVersionId, list[OnSchedule]] = {}
        self._has_some = True
        """Whether the table may have rows: who has no schedules need not ask for them every time."""
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        while not self._stopped.is_set():
            try:
                more = await self.step()
            except (Unavailable, Busy):
                more = False
            if not more:
                await sleep_or(self._clock, _LOOK_EVERY, self._stopped)

    def stop(self) -> None:
        self._stopped.set()

    async def step(self) -> bool:
        """Look once, and do one page of each that is due; True when there is more to do."""
        await self._catalog.refresh()
        wanted = {(flow.id, one.key): (flow, one) for flow, one in await self._all()}
        async with self._database.read() as connection:
            known = await schedules.all_of(connection) if wanted or self._has_some else {}
        self._has_some = bool(known or wanted)
        for place in known.keys() - wanted.keys():
            async with self._database.write() as connection:
                await schedules.forget(connection, *place)
        more = False
        for place, (flow, one) in wanted.items():
            more |= await self._work(flow, one, known.get(place))
        return more and not self._stopped.is_set()

    async def _all(self) -> list[tuple[FlowEntry, OnSchedule]]:
        """Those of the current versions of all flows. A version never changes: each is looked into once."""
        entries = [entry for entry in self._catalog.directory.flows.values() if entry.version_id]
        for version in {entry.version_id for entry in entries} - self._of.keys():
            await self._catalog.load_flows([version])
            flow = self._catalog.flows.get(version)
            triggers = flow.triggers if flow is not None else ()
            self._of[version] = [one for one in triggers if isinstance(one, OnSchedule)]
        return [(entry, one) for entry in entries for one in self._of[entry.version_id]]

    async def _work(self, flow: FlowEntry, one: OnSchedule, known: Progress | None) -> bool:
        now = self._clock.now()
        if known is None:
            async with self._database.write() as connection:
                await schedules.begin(connection, flow.id, one.key, now)
            return False
        due = self._due(flow, one, known, now)
        if due is None:
            return False
        async with self._database.write() as connection:
            if not await schedules.claim(connection, known, now, LEASE):
                return False
        return await self._page(flow, one, due)

    def _due(self, flow: FlowEntry, one: OnSchedule, known: Progress, now: datetime) -> Progress | None:
        """What is to be done now: the rest of a time that was begun, or the last time since."""
        if known.looked_at is not None:
            return known
        zone = one.zone or self._catalog.directory.workspaces[flow.workspace_id].timezone
        last = last_before(one.cron, zone, now)
        if last is None or last <= known.slot_at:
            return None
        return msgspec.structs.replace(known, slot_at=last, looked_at=0)

    async def _page(self, flow: FlowEntry, one: OnSchedule, due: Progress) -> bool:
        assert one.when is not None
        assert due.looked_at is not None
        async with self._database.read() as connection:
            where = self._where(flow)
            found = await choosing.following(connection, where, one.when, after=due.looked_at, limit=AT_ONCE)
        await self._tell(flow, due, found.people)
        async with self._database.write() as connection:
            await schedules.save(connection, msgspec.structs.replace(due, looked_at=found.looked_at))
        if found.looked_at is None:
            log.info("schedule.done", flow=flow.id, cron=one.cron, slot=due.slot_at.isoformat())
        return found.looked_at is not None

    def _where(self, flow: FlowEntry) -> Where:
        directory = self._catalog.directory
        channels = {**directory.deleted_channels, **directory.channels}
        return Where(
            flow_id=flow.id,
            channels={id_: one for id_, one in channels.items() if one.flow_id == flow.id},
            now=self._clock.now(),
            segments=directory.segments.get(flow.id, {}),
            hours=directory.workspaces[flow.workspace_id].hours,
        )

    async def _tell(self, flow: FlowEntry, due: Progress, people: list[ConversationId]) -> None:
        """Raises `Busy` or `Unavailable` when somebody could not be told now: the page is told again."""
        telling = (self._engine.submit(event) for event in _events(flow, due, people))
        for answer in await asyncio.gather(*telling, return_exceptions=True):
            if isinstance(answer, BaseException) and not isinstance(answer, (NotFound, DecisionFailed)):
                raise answer


def _events(flow: FlowEntry, due: Progress, people: list[ConversationId]) -> Iterator[ScheduleCame]:
    slot = due.slot_at.isoformat()
    for id_ in people:
        once = Once(f"schedule:{due.key}:{slot}:{id_}", slot)
        yield ScheduleCame(to=ByConversation(id_, flow.id), once=once, key=due.key)
