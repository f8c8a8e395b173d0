"""What somebody deleted goes, without being in anybody's way: tags, fields and labels are taken off those who
have them, a hundred at a time and as everything else that happens to a subscriber; and what belonged to a
deleted subscriber, and what was logged of a deleted custom event, goes a piece at a time."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol, assert_never

import structlog

from relevo.domain.errors import NotFound
from relevo.domain.events import AnyEvent, ByConversation, DirectAct, SubscriberChanged
from relevo.domain.flows.runs import RemoveLabel, RemoveTag, RenameField, SetField
from relevo.domain.ids import ConversationId, CustomEventId, FlowId
from relevo.domain.vocabulary import Label, Tag, UserField
from relevo.engine.batches import Result
from relevo.engine.catalog import Catalog
from relevo.engine.stepping import in_steps
from relevo.store import configuring, custom_events, defining, erasing, traits
from relevo.store.database import Database
from relevo.store.defining import Marked
from relevo.store.directory import Directory
from relevo.store.traits import Kind
from relevo.system.clock import Clock

log = structlog.get_logger()

AT_ONCE = 100


class Door(Protocol):
    """What this wants of the engine."""

    async def submit(self, event: AnyEvent) -> Result: ...


class Files(Protocol):
    """Where files are kept."""

    async def delete(self, media_id: str) -> None: ...


class Sweeping:
    """Runs until stopped. Several processes may work on the same: each step does nothing twice."""

    def __init__(
        self, *, engine: Door, database: Database, catalog: Catalog, clock: Clock, files: Files
    ) -> None:
        self._engine, self._database, self._catalog = engine, database, catalog
        self._clock, self._files = clock, files
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        await in_steps(self.step, self._clock, self._stopped)

    def stop(self) -> None:
        self._stopped.set()

    async def step(self) -> bool:
        """One step of whatever there is to do; False when there is nothing."""
        await self._catalog.refresh()
        one = next(iter(_going(self._catalog.directory)), None)
        if one is not None:
            await self._take_off(one)
        async with self._database.read() as connection:
            erased = await erasing.begun(connection)
        if erased is not None:
            await self._erase(erased)
        event = next(iter(self._catalog.directory.leaving_events), None)
        if event is not None:
            await self._forget_event(event)
        return one is not None or erased is not None or event is not None

    async def _take_off(self, one: Marked) -> None:
        kind, act = _undoing(one)
        flows = _flows_of(one, self._catalog.directory)
        async with self._database.read() as connection:
            holders = await traits.holders(connection, flows, kind, one.name, AT_ONCE)
        if holders:
            await asyncio.gather(*(self._change(id_, act) for id_ in holders))
        else:
            await self._forget(one)

    async def _change(self, id_: ConversationId, act: DirectAct) -> None:
        with contextlib.suppress(NotFound):  # deleted meanwhile
            await self._engine.submit(SubscriberChanged(to=ByConversation(id_), acts=(act,)))

    async def _forget(self, one: Marked) -> None:
        async with self._database.write() as connection:
            await configuring.lock(connection)
            await defining.forget(connection, one)
        await self._catalog.refresh(at_once=True)
        log.info("vocabulary.gone", kind=_undoing(one)[0], name=one.name)

    async def _forget_event(self, id_: CustomEventId) -> None:
        async with self._database.write() as connection:
            more = await custom_events.forget_some(connection, id_)
        if not more:
            await self._catalog.refresh(at_once=True)

    async def _erase(self, id_: ConversationId) -> None:
        async with self._database.write() as connection:
            more = await erasing.go_on(connection, id_)
            found = await erasing.files(connection, id_)
        for media_id in found:
            await self._files.delete(media_id)
        async with self._database.write() as connection:
            await erasing.forget_files(connection, found)
            if not more and not found:
                await erasing.end(connection, id_)


def _going(found: Directory) -> list[Marked]:
    flows = found.vocabularies.values()
    return [
        *(one for words in flows for one in words.tags.values() if one.going),
        *(one for words in flows for one in words.fields.values() if one.going),
        *(one for labels in found.labels.values() for one in labels.values() if one.going),
    ]


def _undoing(one: Marked) -> tuple[Kind, DirectAct]:
    match one:
        case Tag(name=name):
            return "tag", RemoveTag(name)
        case UserField(name=name, moves_to=to):
            return "field", RenameField(name, to) if to else SetField(name, None)
        case Label(name=name):
            return "label", RemoveLabel(name)
        case _:
            assert_never(one)


def _flows_of(one: Marked, found: Directory) -> list[FlowId]:
    if not isinstance(one, Label):
        return [one.flow_id]
    return [entry.id for entry in found.flows.values() if entry.workspace_id == one.workspace_id]
