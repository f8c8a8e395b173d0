"""Shortcuts and closing notes: two kinds of one thing, a named row of a flow."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from sqlalchemy import delete, insert, select, update

from relevo.domain.canned import Canned, ClosingNote, Demand, Shortcut
from relevo.domain.ids import FlowId
from relevo.store.database import AnyRow, Connection
from relevo.store.tables import closing_notes, shortcuts

C = TypeVar("C", Shortcut, ClosingNote)

_TABLES: dict[type[Canned], Any] = {Shortcut: shortcuts, ClosingNote: closing_notes}


async def listing(connection: Connection, kind: type[C], flow_id: FlowId) -> list[C]:
    """All of a flow, the first one first."""
    table = _TABLES[kind]
    query = select(table).where(table.c.flow_id == flow_id).order_by(table.c.id)
    return [_from_row(kind, row) for row in (await connection.execute(query)).all()]


async def find(connection: Connection, kind: type[C], flow_id: FlowId, id_: int) -> C | None:
    table = _TABLES[kind]
    query = select(table).where(table.c.id == id_, table.c.flow_id == flow_id)
    row = (await connection.execute(query)).first()
    return _from_row(kind, row) if row else None


async def save(connection: Connection, one: C) -> C:
    """Insert it, if it has no id yet, or change it."""
    table, row = _TABLES[type(one)], msgspec.structs.asdict(one)
    if one.id:
        await connection.execute(update(table).where(table.c.id == one.id).values(row))
        return one
    del row["id"]
    id_ = (await connection.execute(insert(table).values(row).returning(table.c.id))).scalar_one()
    return msgspec.structs.replace(one, id=id_)


async def remove(connection: Connection, one: Canned) -> None:
    table = _TABLES[type(one)]
    await connection.execute(delete(table).where(table.c.id == one.id))


def _from_row(kind: type[C], row: AnyRow) -> C:
    values = dict(row._mapping)
    for name in ("require_summary", "require_attachment"):
        if name in values:
            values[name] = Demand(values[name])
    return kind(**values)
