"""What becomes of conversations that people work on: closed cases, the activity log, and whose they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, or_, select

from relevo.domain.cases import ClosedCase
from relevo.domain.conversations import Conversation, Happened
from relevo.domain.ids import ConversationId, FlowId, MemberId
from relevo.store.database import AnyRow, Connection
from relevo.store.statements import Bulk
from relevo.store.tables import activities, assignments, cases

_encode = msgspec.json.Encoder().encode
_decode_closed = msgspec.json.Decoder(ClosedCase).decode


class KeptCase(msgspec.Struct, frozen=True):
    """A closed case. `id` is the number that it was given then."""

    id: int
    flow_id: FlowId
    conversation_id: ConversationId
    closed: ClosedCase


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What to read of a flow: between two instants, from an id on."""

    flow_id: FlowId
    start: datetime
    end: datetime
    start_id: int = 0
    conversation_id: ConversationId | None = None
    limit: int = 100


# Writing, within a batch


async def insert_closed(connection: Connection, new: Iterable[tuple[Conversation, ClosedCase]]) -> None:
    await _INSERT_CASE.run(connection, (_case_row(of, one) for of, one in new))


async def insert_activities(
    connection: Connection, new: Iterable[tuple[Conversation, Happened]], now: datetime
) -> None:
    await _INSERT_ACTIVITY.run(connection, (_activity_row(of, one, now) for of, one in new))


async def keep_assignments(connection: Connection, of: Iterable[Conversation]) -> None:
    """Note whose these are now."""
    rows = sorted((_assignment_row(one) for one in of), key=lambda row: int(row["conversation_id"]))
    held = [row for row in rows if row["member_id"] or row["group_id"]]
    await _DELETE_ASSIGNMENT.run(connection, ({"the_id": row["conversation_id"]} for row in rows))
    await _INSERT_ASSIGNMENT.run(connection, held)


async def loads(connection: Connection, members: Collection[MemberId]) -> dict[MemberId, int]:
    """How many conversations that are not done each of these has."""
    rows = assignments.c
    query = (
        select(rows.member_id, func.count())
        .where(rows.member_id.in_(sorted(members)), rows.is_open == 1)
        .group_by(rows.member_id)
    )
    return {MemberId(id_): int(count) for id_, count in (await connection.execute(query)).all()}


def _case_row(of: Conversation, one: ClosedCase) -> dict[str, Any]:
    return {
        "workspace_id": of.workspace_id,
        "flow_id": of.flow_id,
        "conversation_id": of.id,
        "opened_at": one.case.opened_at,
        "closed_at": one.closed_at,
        "closed": _encode(one).decode(),
    }


def _activity_row(of: Conversation, one: Happened, now: datetime) -> dict[str, Any]:
    return {
        "workspace_id": of.workspace_id,
        "flow_id": of.flow_id,
        "conversation_id": of.id,
        "member_id": one.member_id,
        "action": one.action,
        "source": one.source,
        "created_at": now,
    }


def _assignment_row(of: Conversation) -> dict[str, Any]:
    return {
        "conversation_id": of.id,
        "workspace_id": of.workspace_id,
        "member_id": of.member_id,
        "group_id": of.group_id,
        "is_open": int(of.status != "done"),
    }


def _inserting(table: Any) -> Bulk:
    return Bulk(insert(table).values({c.name: bindparam(c.name) for c in table.c if c.name != "id"}))


_INSERT_CASE, _INSERT_ACTIVITY = _inserting(cases), _inserting(activities)
_INSERT_ASSIGNMENT = _inserting(assignments)
_DELETE_ASSIGNMENT = Bulk(delete(assignments).where(assignments.c.conversation_id == bindparam("the_id")))


# Reading


async def closed(connection: Connection, wanted: Window) -> list[KeptCase]:
    """Closed cases of a flow, in the order in which they were closed."""
    query = await _within(connection, cases, cases.c.closed_at, wanted)
    return [_kept(row) for row in (await connection.execute(query)).all()] if query is not None else []


async def _within(
    connection: Connection, table: Any, at: ColumnElement[datetime], wanted: Window
) -> Select[Any] | None:
    """What lies in a window, in order of time; None when there is nothing from its `start_id` on.

    A conversation belongs to one flow, so that it is not asked for besides: SQLite would take its index.
    """
    whose = table.c.flow_id == wanted.flow_id
    if wanted.conversation_id is not None:
        whose = table.c.conversation_id == wanted.conversation_id
    start, begins_with = wanted.start, None
    if wanted.start_id:
        begins_with = await _place(connection, table, at, wanted.start_id)
        if begins_with is None:
            return None
        start = max(start, begins_with[0])
    query = select(table).where(whose, at >= start, at <= wanted.end)
    if begins_with is not None:
        query = query.where(or_(at > begins_with[0], table.c.id >= begins_with[1]))
    return query.order_by(at, table.c.id).limit(wanted.limit)


async def _place(
    connection: Connection, table: Any, at: ColumnElement[datetime], id_: int
) -> tuple[datetime, int] | None:
    """When the first row from an id on was, of whatever flow: ids ascend with time."""
    query = select(at, table.c.id).where(table.c.id >= id_).order_by(table.c.id).limit(1)
    row = (await connection.execute(query)).first()
    return (row[0], row[1]) if row else None


def _kept(row: AnyRow) -> KeptCase:
    return KeptCase(
        row.id, FlowId(row.flow_id), ConversationId(row.conversation_id), _decode_closed(row.closed)
    )


async def find_closed(connection: Connection, flow_id: FlowId, id_: int) -> KeptCase | None:
    query = select(cases).where(cases.c.id == id_, cases.c.flow_id == flow_id)
    row = (await connection.execute(query)).first()
    return _kept(row) if row else None


async def activity(
    connection: Connection,
    wanted: Window,
    *,
    member_id: MemberId | None = None,
    action: str = "",
    source: str = "",
) -> list[AnyRow]:
    """Lines of the activity log, in order."""
    rows = activities.c
    query = await _within(connection, activities, rows.created_at, wanted)
    if query is None:
        return []
    equal: list[tuple[Any, object]] = [
        (rows.member_id, member_id),
        (rows.action, action or None),
        (rows.source, source or None),
    ]
    query = query.where(*(column == value for column, value in equal if value is not None))
    return list((await connection.execute(query)).all())
