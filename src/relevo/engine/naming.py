"""Tags and fields that a flow or a subscriber has, and that have no row yet, get one: then they have a number
and are in lists. After the fact and by itself, so that no message waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from relevo.domain.errors import Unavailable
from relevo.domain.flows.naming import names_in
from relevo.domain.ids import FlowId
from relevo.domain.vocabulary import Names
from relevo.engine.catalog import Catalog
from relevo.engine.timers import sleep_or
from relevo.store import defining, traits
from relevo.store.database import Database, Transient
from relevo.system.clock import Clock

log = structlog.get_logger()

_TRY_AGAIN_AFTER = 1.0  # seconds


class Naming:
    """Runs until stopped. What was noted and not written when the process ended is found when the next
    one starts."""

    def __init__(self, *, database: Database, catalog: Catalog, clock: Clock) -> None:
        self._database, self._catalog, self._clock = database, catalog, clock
        self._noted: dict[FlowId, Names] = {}
        self._news = asyncio.Event()
        self._stopped = asyncio.Event()

    def note(self, flow_id: FlowId, names: Names) -> None:
        """Have these be there soon."""
        self._noted[flow_id] = self._noted.get(flow_id, Names()) | names
        self._news.set()

    async def run(self) -> None:
        await self._try(self.look)
        while not self._stopped.is_set():
            await self._news.wait()
            if not await self._try(self.write):
                await sleep_or(self._clock, _TRY_AGAIN_AFTER, self._stopped)

    def stop(self) -> None:
        self._stopped.set()
        self._news.set()

    async def _try(self, work: Callable[[], Awaitable[None]]) -> bool:
        try:
            await work()
        except (Unavailable, Transient):
            log.warning("naming.put_off")
            return False
        return True

    async def look(self) -> None:
        """Note what flows name, and what subscribers have, and has no row."""
        await self._catalog.refresh(at_once=True)
        found = self._catalog.directory
        versions = [one.version_id for one in found.flows.values() if one.version_id]
        await self._catalog.load_flows(versions)
        for entry in found.flows.values():
            flow = self._catalog.flows.get(entry.version_id)
            if flow is not None:
                self._note_unknown(entry.id, names_in(flow))
        async with self._database.read() as connection:
            for flow_id, names in (await traits.names(connection)).items():
                self._note_unknown(flow_id, names)

    def _note_unknown(self, flow_id: FlowId, names: Names) -> None:
        unknown = names.unknown_to(self._catalog.directory.vocabulary(flow_id))
        if unknown:
            self.note(flow_id, unknown)

    async def write(self) -> None:
        """Make the rows of what was noted."""
        self._news.clear()
        noted = dict(self._noted)
        for flow_id, names in noted.items():
            async with self._database.write() as connection:
                await defining.register(connection, flow_id, names, self._clock.now())
            if self._noted.get(flow_id) is names:
                del self._noted[flow_id]
            else:
                self._news.set()
        if noted:
            await self._catalog.refresh(at_once=True)
