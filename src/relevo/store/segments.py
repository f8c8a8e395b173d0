"""Segments as rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from relevo.domain.ids import FlowId, WorkspaceId
from relevo.domain.segments import Segment, SegmentId
from relevo.store.database import AnyRow, Connection
from relevo.store.searching import has_part
from relevo.store.tables import segments

_rows = segments.c


async def insert_new(connection: Connection, one: Segment) -> SegmentId:
    """Store one under a new id. `Taken`: the flow has another of this name."""
    names = ("workspace_id", "flow_id", "name", "source", "created_at")
    values = {name: getattr(one, name) for name in names}
    made = await connection.execute(insert(segments).values(**values).returning(_rows.id))
    return SegmentId(made.scalar_one())


async def save(connection: Connection, one: Segment) -> None:
    """Store its name and condition. `Taken`: the flow has another of this name."""
    query = update(segments).where(_rows.id == one.id)
    await connection.execute(query.values(name=one.name, source=one.source))


async def remove(connection: Connection, id_: SegmentId) -> None:
    await connection.execute(delete(segments).where(_rows.id == id_))


async def find(connection: Connection, id_: SegmentId) -> Segment | None:
    row = (await connection.execute(select(segments).where(_rows.id == id_))).first()
    return from_row(row) if row else None


async def of_flow(connection: Connection, flow_id: FlowId, ids: Collection[int]) -> list[Segment]:
    """Those of a flow that have these ids."""
    query = select(segments).where(_rows.flow_id == flow_id, _rows.id.in_(sorted(ids)))
    return [from_row(row) for row in (await connection.execute(query)).all()]


async def of_workspace(connection: Connection, workspace_id: WorkspaceId) -> list[Segment]:
    """All of a workspace, by name."""
    query = select(segments).where(_rows.workspace_id == workspace_id).order_by(_rows.name, _rows.id)
    return [from_row(row) for row in (await connection.execute(query)).all()]


async def listing(
    connection: Connection, flow_id: FlowId, *, name: str, limit: int, offset: int
) -> tuple[list[Segment], int]:
    """A page of a flow's whose name has `name` in it, oldest first; and how many there are."""
    wanted: list[Any] = [_rows.flow_id == flow_id]
    if name:
        wanted.append(has_part(_rows.name, name))
    total = int(
        (await connection.execute(select(func.count()).select_from(segments).where(*wanted))).scalar_one()
    )
    query = select(segments).where(*wanted).order_by(_rows.id).limit(limit).offset(offset)
    return [from_row(row) for row in (await connection.execute(query)).all()], total


def from_row(row: AnyRow) -> Segment:
    return Segment(
        id=SegmentId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        flow_id=FlowId(row.flow_id),
        name=row.name,
        source=row.source,
        created_at=row.created_at,
    )
