"""Broadcasts as rows: to whom, what, and how far each has got.

`due_at` is all there is of a claim. Whoever takes one up moves it on by a lease, and back when the step is
done; a process that dies leaves it to the next. It goes by the clock of the database, as leases do. What was
said to whom is in rows of its own, written in the transaction of the messages, so that a step that is made
twice says nothing twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import and_, delete, func, insert, literal, select, text, update

from relevo.domain.broadcasts import (
    Broadcast,
    BroadcastId,
    BroadcastState,
    Outcome,
    Recipients,
    Says,
)
from relevo.domain.conversations import Reached
from relevo.domain.ids import ConversationId, FlowId, WorkspaceId
from relevo.store.database import AnyRow, Connection
from relevo.store.database_clock import TheTime, later
from relevo.store.statements import Bulk, Query, given
from relevo.store.tables import broadcast_recipients, broadcasts, deliveries

_rows, _each = broadcasts.c, broadcast_recipients.c
_GOES_ON = text("broadcasts.due_at IS NOT NULL")  # in the words of the partial index
_encode = msgspec.json.Encoder().encode


async def insert_new(connection: Connection, one: Broadcast) -> BroadcastId:
    """Begin one, under a new id. Whoever looks for work finds it within moments."""
    values = {
        name: getattr(one, name)
        for name in ("workspace_id", "flow_id", "name", "asked_by", "kind", "per_minute", "scheduled_at",
                     "total", "looked_at", "stopped_by", "created_at", "started_at",
                     "worked_at")
    }  # fmt: skip
    values |= {
        "due_at": one.scheduled_at or TheTime(one.created_at),
        "state": one.state.value,
        "recipients": _encode(one.to).decode(),
        "says": _encode(one.says).decode(),
        "counts": _encode(one.counts).decode(),
    }
    made = await connection.execute(insert(broadcasts).values(**values).returning(_rows.id))
    return BroadcastId(made.scalar_one())


async def find(connection: Connection, id_: BroadcastId, *, or_deleted: bool = False) -> Broadcast | None:
    """One that was not deleted, or not long ago."""
    parts = [_rows.id == id_] if or_deleted else [_rows.id == id_, _THERE]
    row = (await connection.execute(select(broadcasts).where(*parts))).first()
    return from_row(row) if row else None


async def listing(
    connection: Connection,
    *,
    flow_id: FlowId | None = None,
    workspace_id: WorkspaceId | None = None,
    states: Collection[BroadcastState] = (),
    limit: int = 50,
    offset: int = 0,
) -> list[Broadcast]:
    """A page of a flow's, or of a workspace's, newest first."""
    query = select(broadcasts).where(*_wanted(flow_id, workspace_id, states))
    found = await connection.execute(query.order_by(_rows.id.desc()).limit(limit).offset(offset))
    return [from_row(row) for row in found.all()]


async def count(connection: Connection, flow_id: FlowId, states: Collection[BroadcastState] = ()) -> int:
    query = select(func.count()).select_from(broadcasts).where(*_wanted(flow_id, None, states))
    return int((await connection.execute(query)).scalar_one())


_THERE = _rows.deleted_at.is_(None)


def _wanted(
    flow_id: FlowId | None, workspace_id: WorkspaceId | None, states: Collection[BroadcastState]
) -> list[Any]:
    parts: list[Any] = [_THERE]
    if flow_id is not None:
        parts.append(_rows.flow_id == flow_id)
    if workspace_id is not None:
        parts.append(_rows.workspace_id == workspace_id)
    if states:
        parts.append(_rows.state.in_([one.value for one in states]))
    return parts


# Working on it


async def claim(connection: Connection, now: datetime, lease: timedelta) -> Broadcast | None:
    """Take up the one that waits longest; nobody else does for so long. Its `due_at` is the end of that."""
    waiting = select(_rows.id).where(_GOES_ON, _rows.due_at <= TheTime(now)).order_by(_rows.due_at, _rows.id)
    taken = waiting.limit(1).with_for_update(skip_locked=True).scalar_subquery()
    query = update(broadcasts).where(_rows.id == taken)
    news = {
        "due_at": later(now, lease),
        "state": BroadcastState.RUNNING.value,
        "started_at": func.coalesce(_rows.started_at, literal(now, _rows.started_at.type)),
    }
    row = (await connection.execute(query.values(**news).returning(broadcasts))).first()
    return from_row(row) if row else None


async def until_due(connection: Connection, now: datetime) -> timedelta | None:
    """How long it is until the next one goes on; nothing, or less, where one waits for it."""
    query = select(_rows.due_at, TheTime(now).label("now")).where(_GOES_ON).order_by(_rows.due_at).limit(1)
    row = (await connection.execute(query)).first()
    return row.due_at - row.now if row else None


async def save(connection: Connection, one: Broadcast, *, looked_at_before: int) -> bool:
    """Store how far one has got; False when somebody else has got further meanwhile.

    One that was cancelled during the step stays cancelled, and keeps the count of whom it had reached.
    """
    here = and_(_rows.id == one.id, _rows.looked_at == looked_at_before)
    progress = {
        "looked_at": one.looked_at,
        "total": one.total,
        "counts": _encode(one.counts).decode(),
        "worked_at": one.worked_at,
    }
    saved = await connection.execute(update(broadcasts).where(here).values(**progress))
    going = and_(_rows.id == one.id, _rows.state == BroadcastState.RUNNING.value)
    if saved.rowcount:
        news = {"state": one.state.value, "due_at": one.due_at}
        await connection.execute(update(broadcasts).where(going).values(**news))
    return bool(saved.rowcount)


async def put_off(connection: Connection, one: Broadcast, now: datetime, by: timedelta) -> None:
    """Give a claim back with nothing done: it goes on after so long."""
    mine = and_(_rows.id == one.id, _rows.due_at == one.due_at)
    await connection.execute(update(broadcasts).where(mine).values(due_at=later(now, by)))


async def cancel(connection: Connection, id_: BroadcastId, *, by: str, now: datetime) -> bool:
    """Tell nobody any more; False when it was over before."""
    query = update(broadcasts).where(_rows.id == id_, _GOES_ON)
    news = {"state": BroadcastState.CANCELLED.value, "stopped_by": by, "worked_at": now, "due_at": None}
    return (await connection.execute(query.values(**news))).rowcount == 1


async def remove(connection: Connection, id_: BroadcastId, *, by: str, now: datetime) -> bool:
    """Delete one, which is cancelled by it; False when it is gone already. Whom it had reached is forgotten
    later, little by little."""
    await cancel(connection, id_, by=by, now=now)
    query = update(broadcasts).where(_rows.id == id_, _THERE)
    return (await connection.execute(query.values(deleted_at=now))).rowcount == 1


# Whom it reached


async def note(connection: Connection, reached: Sequence[Reached], now: datetime) -> None:
    """Note what became of people, in the transaction of their messages. `Taken`: it was noted already."""
    await _NOTE.run(
        connection,
        (
            {
                "broadcast_id": one.broadcast_id,
                "conversation_id": one.conversation_id,
                "outcome": one.outcome,
                "message_seq": one.message_seq,
                "at": now,
            }
            for one in reached
        ),
    )


_NOTE = Bulk(insert(broadcast_recipients))


async def dealt_with(
    connection: Connection, pairs: Collection[tuple[BroadcastId, ConversationId]]
) -> set[tuple[BroadcastId, ConversationId]]:
    """Which of these were dealt with before."""
    if not pairs:
        return set()
    found = await _DEALT_WITH.rows(connection, pairs=pairs)
    return {(BroadcastId(row.broadcast_id), ConversationId(row.conversation_id)) for row in found}


_pairs = given("pairs", _each.broadcast_id, _each.conversation_id).subquery()
_DEALT_WITH = Query(
    select(_each.broadcast_id, _each.conversation_id).join_from(
        _pairs,
        broadcast_recipients,
        and_(
            _each.broadcast_id == _pairs.c.broadcast_id,
            _each.conversation_id == _pairs.c.conversation_id,
        ),
    )
)


async def outcomes(connection: Connection, id_: BroadcastId, *, after: int, up_to: int) -> dict[Outcome, int]:
    """What became of the people of one step."""
    query = (
        select(_each.outcome, func.count())
        .where(_each.broadcast_id == id_, _each.conversation_id > after, _each.conversation_id <= up_to)
        .group_by(_each.outcome)
    )
    return {row[0]: int(row[1]) for row in (await connection.execute(query)).all()}


async def reached(
    connection: Connection,
    id_: BroadcastId,
    outcome: Outcome,
    *,
    after_id: int = 0,
    limit: int = 50,
) -> list[AnyRow]:
    """People with one outcome: `conversation_id`, `message_seq`, `at`."""
    query = select(_each.conversation_id, _each.message_seq, _each.at).where(
        _each.broadcast_id == id_, _each.outcome == outcome, _each.conversation_id > after_id
    )
    return list((await connection.execute(query.order_by(_each.conversation_id).limit(limit))).all())


async def count_due(connection: Connection, ids: Collection[ConversationId], now: datetime) -> int:
    """How many deliveries of these conversations are due and not finished yet."""
    if not ids:
        return 0
    one = deliveries.c
    waiting = and_(one.conversation_id.in_(sorted(ids)), text("deliveries.state = 'waiting'"))
    query = select(func.count()).select_from(deliveries).where(waiting, one.due_at <= now)
    return int((await connection.execute(query)).scalar_one())


_CHUNK = 1000  # rows in one transaction: others must not wait long


async def forget_deleted(connection: Connection) -> bool:
    """Forget deleted ones and whom they reached; one chunk. True: there may be more."""
    id_ = (await connection.execute(select(_rows.id).where(_rows.deleted_at.is_not(None)).limit(1))).scalar()
    if id_ is None:
        return False
    chosen = select(_each.conversation_id).where(_each.broadcast_id == id_).limit(_CHUNK)
    people = list((await connection.execute(chosen)).scalars())
    mine = and_(_each.broadcast_id == id_, _each.conversation_id.in_(people))
    await connection.execute(delete(broadcast_recipients).where(mine))
    if len(people) < _CHUNK:
        await connection.execute(delete(broadcasts).where(_rows.id == id_))
    return True


def from_row(row: AnyRow) -> Broadcast:
    return Broadcast(
        id=BroadcastId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        flow_id=FlowId(row.flow_id),
        name=row.name,
        asked_by=row.asked_by,
        kind=row.kind,
        to=msgspec.json.decode(row.recipients, type=Recipients),
        says=msgspec.json.decode(row.says, type=Says),
        per_minute=row.per_minute,
        state=BroadcastState(row.state),
        due_at=row.due_at,
        scheduled_at=row.scheduled_at,
        total=row.total,
        looked_at=row.looked_at,
        counts=msgspec.json.decode(row.counts, type=dict[Outcome, int]),
        created_at=row.created_at,
        started_at=row.started_at,
        worked_at=row.worked_at,
        stopped_by=row.stopped_by,
    )
