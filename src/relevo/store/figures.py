"""How a workspace is doing, in numbers. Counts stop at `MOST`: beyond it nobody counts."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, select, text

from relevo.domain.deliveries import DeliveryState, Destination
from relevo.domain.ids import WorkspaceId
from relevo.store.database import Connection
from relevo.store.tables import deliveries, problems

MOST = 1000

_UNSUCCESSFUL = text("state <> 'done'")  # in the very words of the partial index


class Backlog(msgspec.Struct, frozen=True):
    """What waits for one destination, and since when the oldest of it does."""

    destination: Destination
    waiting: int
    oldest: datetime


async def backlogs(connection: Connection, workspace_id: WorkspaceId) -> list[Backlog]:
    """Of every destination that something waits for, the longest first."""
    rows = deliveries.c
    oldest = func.min(rows.created_at)
    query = (
        select(rows.destination_kind, rows.destination_id, func.count(), oldest)
        .where(_UNSUCCESSFUL, rows.workspace_id == workspace_id, rows.state == DeliveryState.WAITING.value)
        .group_by(rows.destination_kind, rows.destination_id)
        .order_by(oldest)
    )
    found = (await connection.execute(query)).all()
    return [Backlog(Destination(kind, id_), count, since) for kind, id_, count, since in found]


async def count_waiting(connection: Connection, destination: Destination) -> int:
    """How many deliveries wait for a destination, all of them counted."""
    rows = deliveries.c
    query = select(func.count()).where(
        rows.state == DeliveryState.WAITING.value,
        rows.destination_kind == destination.kind,
        rows.destination_id == destination.id,
    )
    return int((await connection.execute(query)).scalar_one())


async def count_deliveries(connection: Connection, workspace_id: WorkspaceId, state: DeliveryState) -> int:
    """How many deliveries are in a state other than done."""
    rows = deliveries.c
    some = (
        select(rows.id)
        .where(_UNSUCCESSFUL, rows.workspace_id == workspace_id, rows.state == state.value)
        .limit(MOST)
        .subquery()
    )
    return int((await connection.execute(select(func.count()).select_from(some))).scalar_one())


async def count_problems(connection: Connection, workspace_id: WorkspaceId, since: datetime) -> int:
    """How many problems were noted since then."""
    rows = problems.c
    latest = (
        select(rows.created_at)
        .where(rows.workspace_id == workspace_id)
        .order_by(rows.id.desc())
        .limit(MOST)
        .subquery()
    )
    query = select(func.count()).select_from(latest).where(latest.c.created_at >= since)
    return int((await connection.execute(query)).scalar_one())
