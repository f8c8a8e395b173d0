"""Segments: made, tried, changed and deleted by people."""

from __future__ import annotations

import msgspec

from relevo.admin.changing import Means, refuse
from relevo.domain import segments as reading
from relevo.domain.configuring import Wrong
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import FlowId, WorkspaceId
from relevo.domain.segments import LONGEST_NAME, LONGEST_SOURCE, MOST_SEGMENTS, Segment, SegmentId
from relevo.store import directory, segments
from relevo.store.database import Connection, Taken


class SegmentWish(msgspec.Struct, frozen=True, kw_only=True):
    workspace_id: WorkspaceId
    flow_id: FlowId
    name: str
    source: str


async def add(means: Means, wish: SegmentWish) -> SegmentId:
    """Raises `InvalidInput`."""
    _check(wish)
    try:
        async with means.database.write() as connection:
            await _refuse_too_many(connection, wish.flow_id)
            one = Segment(
                id=SegmentId(0),
                workspace_id=wish.workspace_id,
                flow_id=wish.flow_id,
                name=wish.name,
                source=wish.source,
                created_at=means.clock.now(),
            )
            id_ = await segments.insert_new(connection, one)
            await directory.touch(connection)
            return id_
    except Taken:
        raise _taken(wish.name) from None


async def change(means: Means, before: Segment, *, name: str, source: str) -> None:
    """Raises `InvalidInput`."""
    wish = SegmentWish(workspace_id=before.workspace_id, flow_id=before.flow_id, name=name, source=source)
    _check(wish)
    try:
        async with means.database.write() as connection:
            await segments.save(connection, msgspec.structs.replace(before, name=name, source=source))
            await directory.touch(connection)
    except Taken:
        raise _taken(name) from None


async def remove(means: Means, one: Segment) -> None:
    """Broadcasts that were made for it go on: they know its condition."""
    async with means.database.write() as connection:
        await segments.remove(connection, one.id)
        await directory.touch(connection)


async def find(means: Means, workspace_id: WorkspaceId, id_: SegmentId) -> Segment:
    """One of this workspace; `NotFound` for another's as for one that nobody has."""
    async with means.database.read() as connection:
        found = await segments.find(connection, id_)
    if found is None or found.workspace_id != workspace_id:
        raise NotFound(f"There is no segment {id_} in this workspace")
    return found


def _check(wish: SegmentWish) -> None:
    wrong: dict[str, Wrong] = {}
    if not wish.name.strip():
        wrong["name"] = Wrong("it has no name", "for example Regulars")
    elif len(wish.name) > LONGEST_NAME:
        wrong["name"] = Wrong("its name is too long", f"write at most {LONGEST_NAME} characters")
    if len(wish.source) > LONGEST_SOURCE:
        wrong["condition"] = Wrong("it is too long", f"write at most {LONGEST_SOURCE} characters")
    refuse(wrong)
    reading.read(wish.source)


async def _refuse_too_many(connection: Connection, flow_id: FlowId) -> None:
    _, number = await segments.listing(connection, flow_id, name="", limit=1, offset=0)
    if number >= MOST_SEGMENTS:
        wrong = Wrong(f"the flow has {number} segments", f"delete some: {MOST_SEGMENTS} are the most")
        refuse({"name": wrong})


def _taken(name: str) -> InvalidInput:
    return InvalidInput({"name": [f"there is already a segment {name}; choose another"]})
