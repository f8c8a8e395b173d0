"""Deleting a subscriber: the conversation at once, so that nobody finds it any more; the rest, which may be
much, a piece at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, delete, func, insert, select

from relevo.domain.deliveries import DeliveryState
from relevo.domain.ids import ConversationId, FlowId
from relevo.store import day_figures, tables
from relevo.store.database import Connection

AT_ONCE = 500
"""Rows of a table in one transaction: others must not wait long."""

_WITH_ID = (tables.messages, tables.problems, tables.cases, tables.activities,
            tables.inbound_calls, tables.custom_event_log)  # fmt: skip
"""Tables whose rows belong to a conversation, and have ids of their own."""
_ONE_EACH = (tables.traits, tables.assignments)
"""Tables with few rows for a conversation."""
_OF_MANY = (
    (tables.broadcast_recipients.c.broadcast_id, tables.broadcasts.c.id),
    (tables.custom_event_subscribers.c.event_id, tables.custom_events.c.id),
)
"""What a conversation is a part of, in the table's key before the conversation; and where all of it is."""


async def begin(connection: Connection, id_: ConversationId, now: datetime) -> int:
    """Delete the conversation, and what it is found by. How many open deliveries are given up with it."""
    waits = tables.deliveries.c.state == DeliveryState.WAITING.value
    ours = tables.deliveries.c.conversation_id == id_
    query = select(func.count()).select_from(tables.deliveries).where(ours, waits)
    # The conversation first: that is the order in which everybody locks.
    rows = tables.conversations.c
    gone = delete(tables.conversations).where(rows.id == id_)
    whose = gone.returning(rows.flow_id, rows.channel_id, rows.user_id)
    found = (await connection.execute(whose)).first()
    if found is None:
        return 0  # somebody else did so a moment ago
    theirs = and_(
        tables.other_ids.c.channel_id == found.channel_id, tables.other_ids.c.user_id == found.user_id
    )
    await connection.execute(delete(tables.other_ids).where(theirs))
    await day_figures.note_gone(connection, FlowId(found.flow_id))
    given_up = int((await connection.execute(query)).scalar_one())
    for table in _ONE_EACH:
        await connection.execute(delete(table).where(table.c.conversation_id == id_))
    for part, whole in _OF_MANY:
        table = part.table
        await connection.execute(delete(table).where(table.c.conversation_id == id_, part.in_(select(whole))))
    await connection.execute(insert(tables.erasures).values(conversation_id=id_, begun_at=now))
    return given_up


async def begun(connection: Connection) -> ConversationId | None:
    """One that is not gone as a whole."""
    query = select(tables.erasures.c.conversation_id).order_by(tables.erasures.c.begun_at).limit(1)
    found = (await connection.execute(query)).scalar_one_or_none()
    return ConversationId(found) if found is not None else None


async def go_on(connection: Connection, id_: ConversationId) -> bool:
    """Delete some more of what was theirs, but for files. Whether there may be more."""
    more = await _deliveries(connection, id_)
    for table in _WITH_ID:
        more |= await _some(connection, table, id_)
    return more


async def files(connection: Connection, id_: ConversationId) -> list[str]:
    """Some of the files that they sent."""
    query = select(tables.media.c.id).where(tables.media.c.conversation_id == id_).limit(AT_ONCE)
    return list((await connection.execute(query)).scalars())


async def forget_files(connection: Connection, ids: list[str]) -> None:
    await connection.execute(delete(tables.media).where(tables.media.c.id.in_(ids)))


async def end(connection: Connection, id_: ConversationId) -> None:
    """All of it is gone."""
    await connection.execute(delete(tables.erasures).where(tables.erasures.c.conversation_id == id_))


async def _deliveries(connection: Connection, id_: ConversationId) -> bool:
    rows = tables.deliveries.c
    query = select(rows.id).where(rows.conversation_id == id_).order_by(rows.id).limit(AT_ONCE)
    ids = list((await connection.execute(query)).scalars())
    if ids:
        for table in (tables.attempts, tables.interventions):
            await connection.execute(delete(table).where(table.c.delivery_id.in_(ids)))
        await connection.execute(delete(tables.deliveries).where(rows.id.in_(ids)))
    return len(ids) == AT_ONCE


async def _some(connection: Connection, table: Table, id_: ConversationId) -> bool:
    query = select(table.c.id).where(table.c.conversation_id == id_).limit(AT_ONCE)
    ids: list[Any] = list((await connection.execute(query)).scalars())
    if ids:
        await connection.execute(delete(table).where(table.c.id.in_(ids)))
    return len(ids) == AT_ONCE
