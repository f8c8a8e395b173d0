"""How far each schedule of a flow has come: one process at a time works on it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from relevo.domain.ids import FlowId
from relevo.store.database import AnyRow, Connection
from relevo.store.database_clock import TheTime, later
from relevo.store.tables import flow_schedules

_rows = flow_schedules.c


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """`slot_at` is the time that was worked on last, or is: `looked_at` is the last subscriber who was looked
    at, None when everybody was."""

    flow_id: FlowId
    key: str
    slot_at: datetime
    looked_at: int | None


async def all_of(connection: Connection) -> dict[tuple[FlowId, str], Progress]:
    """Everything that is known, by flow and key."""
    rows = (await connection.execute(select(flow_schedules))).all()
    return {(FlowId(row.flow_id), row.key): _progress(row) for row in rows}


def _progress(row: AnyRow) -> Progress:
    return Progress(flow_id=FlowId(row.flow_id), key=row.key, slot_at=row.slot_at, looked_at=row.looked_at)


async def begin(connection: Connection, flow_id: FlowId, key: str, now: datetime) -> None:
    """A schedule is new: what was before does not count. Nothing happens if another process was faster."""
    row = {"flow_id": flow_id, "key": key, "slot_at": now, "looked_at": None, "claimed_until": None}
    upsert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    await connection.execute(upsert(flow_schedules).on_conflict_do_nothing(), [row])


async def forget(connection: Connection, flow_id: FlowId, key: str) -> None:
    """A schedule is gone from the flow: should it come back, it is new."""
    await connection.execute(delete(flow_schedules).where(_rows.flow_id == flow_id, _rows.key == key))


async def claim(connection: Connection, one: Progress, now: datetime, lease: timedelta) -> bool:
    """Work on it alone for so long, by the clock of the database. False when somebody else does, or has been
    faster."""
    looked_at = _rows.looked_at.is_(None) if one.looked_at is None else _rows.looked_at == one.looked_at
    free = update(flow_schedules).where(
        _rows.flow_id == one.flow_id,
        _rows.key == one.key,
        _rows.slot_at == one.slot_at,
        looked_at,
        or_(_rows.claimed_until.is_(None), _rows.claimed_until <= TheTime(now)),
    )
    return bool((await connection.execute(free.values(claimed_until=later(now, lease)))).rowcount)


async def save(connection: Connection, one: Progress) -> None:
    """Note how far it has come, and let go of it."""
    mine = update(flow_schedules).where(_rows.flow_id == one.flow_id, _rows.key == one.key)
    await connection.execute(mine.values(slot_at=one.slot_at, looked_at=one.looked_at, claimed_until=None))
