"""The configuration as decisions see it: cached, and noticed to have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime

import structlog

from relevo.domain.audiences import NOBODY, Audience, audiences
from relevo.domain.errors import VersionChanged
from relevo.domain.flows.model import Flow
from relevo.domain.flows.parsing import parse
from relevo.domain.ids import ChannelId, FlowId, FlowVersionId, MemberId
from relevo.domain.segments import Where
from relevo.domain.workspaces import Channel
from relevo.store import directory as directories
from relevo.store.database import Connection, Database
from relevo.store.directory import Directory
from relevo.store.encryption import Cipher
from relevo.system.clock import Clock

log = structlog.get_logger()

_LOOK_AGAIN_AFTER = 0.25
"""Seconds for which a configuration is believed without asking the database for its version."""
_TOO_OLD_AFTER = 1.0
"""Seconds after which nobody goes on without having looked: a server that nobody used for an hour knows
what was true an hour ago."""
_KEPT_FLOWS = 500


class Catalog:
    """What a company has set up. `refresh` before use; then everything is in memory."""

    def __init__(self, database: Database, cipher: Cipher, clock: Clock) -> None:
        self._database, self._cipher, self._clock = database, cipher, clock
        self._looked_at = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._flows: dict[FlowVersionId, Flow] = {}
        self.directory = Directory(version=-1)
        self.member_names: dict[MemberId, str] = {}
        self._audiences: dict[ChannelId, Audience] = {}
        self._by_key: tuple[Directory, dict[str, Channel]] = (self.directory, {})

    async def refresh(self, *, at_once: bool = False) -> None:
        """Notice changes made by anybody, another process included, within a quarter of a second.

        One caller looks; the others go on with what is known, unless that is too old, or they want it
        `at_once`.
        """
        age = self._clock.monotonic() - self._looked_at
        if age < _LOOK_AGAIN_AFTER and not at_once:
            return
        looking = self._looking
        if at_once or looking is None:
            looking = self._looking = asyncio.ensure_future(self._look_now())
        elif age < _TOO_OLD_AFTER:
            return
        await asyncio.shield(looking)  # somebody who goes away must not take it from the others

    async def _look_now(self) -> None:
        started = self._clock.monotonic()
        try:
            await self._look()
            self._looked_at = started
        finally:
            if self._looking is asyncio.current_task():
                self._looking = None

    async def _look(self) -> None:
        async with self._database.read() as connection:
            if await directories.version(connection) != self.directory.version:
                self.directory = await directories.load(connection, self._cipher)
                self.member_names = {one.id: one.name for one in self.directory.members.values()}
                found = self.directory
                channels = [*found.channels.values(), *found.deleted_channels.values()]
                self._audiences = audiences(channels, found.endpoints.values())

    def known_channel(self, key: str) -> Channel | None:
        """The channel with this key, as far as is known without asking."""
        indexed, by_key = self._by_key
        if indexed is not self.directory:
            by_key = {one.key: one for one in self.directory.channels.values()}
            self._by_key = (self.directory, by_key)
        return by_key.get(key)

    async def channel(self, type_: str, key: str) -> Channel | None:
        """The channel with this hook; one that was just made is found as well."""
        await self.refresh()
        found = self.known_channel(key)
        if found is None:
            await self.refresh(at_once=True)
            found = self.known_channel(key)
        return found if found is not None and found.type == type_ else None

    def audience_of(self, id_: ChannelId) -> Audience:
        """The endpoints that are told what happens on a channel."""
        return self._audiences.get(id_, NOBODY)

    def where(self, flow_id: FlowId, now: datetime) -> Where:
        """A flow as conditions on its subscribers see it."""
        directory = self.directory
        channels = {**directory.deleted_channels, **directory.channels}
        return Where(
            flow_id=flow_id,
            channels={id_: one for id_, one in channels.items() if one.flow_id == flow_id},
            now=now,
            segments=directory.segments.get(flow_id, {}),
            hours=directory.workspaces[directory.flows[flow_id].workspace_id].hours,
        )

    def current_version(self, flow_id: FlowId) -> FlowVersionId | None:
        entry = self.directory.flows.get(flow_id)
        return entry.version_id if entry is not None and entry.version_id else None

    def defaults(self, flow_id: FlowId) -> FlowVersionId | None:
        """The running version of the flow that the workspace has for all others."""
        entry = self.directory.flows.get(flow_id)
        return self.directory.defaults.get(entry.workspace_id) if entry is not None else None

    @property
    def flows(self) -> Mapping[FlowVersionId, Flow]:
        """The compiled versions that `load_flows` was asked for."""
        return self._flows

    async def load_flows(self, versions: Iterable[FlowVersionId]) -> None:
        """Compile versions that are not in memory yet. One that is gone stays unknown."""
        missing = {version for version in versions if version not in self._flows}
        if not missing:
            return
        async with self._database.read() as connection:
            for version in sorted(missing):
                if (source := await _source(connection, version)) is not None:
                    self._compile(version, source)

    def _compile(self, version: FlowVersionId, source: str) -> None:
        parsed = parse(source, file=f"version {version}")
        if parsed.flow is None:  # published by an older Relevo with a laxer language
            return
        if len(self._flows) >= _KEPT_FLOWS:
            self._flows.pop(next(iter(self._flows)))
        self._flows[version] = parsed.flow


async def _source(connection: Connection, version: FlowVersionId) -> str | None:
    """The text of a version. One that is not what was published is not run."""
    try:
        found = await directories.flow_source(connection, version)
    except VersionChanged:
        log.error("flow.version_changed", version=version)
        return None
    return found[1] if found else None
