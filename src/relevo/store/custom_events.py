"""Custom events as rows: what kinds there are, what happened when, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Select,
    bindparam,
    delete,
    distinct,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from relevo.domain.custom_events import CustomEvent, EventValues, LoggedEvent
from relevo.domain.date_ranges import Day
from relevo.domain.ids import ConversationId, CustomEventId, FlowId, WorkspaceId
from relevo.store import directory
from relevo.store.database import AnyRow, Connection
from relevo.store.statements import Bulk
from relevo.store.tables import custom_event_log, custom_event_subscribers, custom_events

_log, _subscribers = custom_event_log.c, custom_event_subscribers.c

AT_ONCE = 500
"""Rows of a table in one transaction: others must not wait long."""
MOST_TEXT_VALUES = 100
"""In a summary: the ones that were logged most often."""


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """One time that a custom event happened."""

    id: int
    conversation_id: ConversationId
    values: EventValues
    at: datetime


class Count(msgspec.Struct, frozen=True):
    """How often something happened, and to how many people."""

    times: int = 0
    people: int = 0


class Summary(msgspec.Struct, frozen=True):
    """What was counted over some days: in all, by day, and by what was given as text."""

    total: Count
    days: dict[date, Count]
    texts: dict[str, Count]


# The kinds


async def ensure(
    connection: Connection, workspace_id: WorkspaceId, flow_id: FlowId, name: str, now: datetime
) -> CustomEvent:
    """The event of this name, which exists from now on. The caller has locked the configuration."""
    found = await find_named(connection, flow_id, name)
    new = CustomEvent(id=CustomEventId(0), flow_id=flow_id, name=name)
    return found or await insert_new(connection, workspace_id, new, now)


async def of_flow(connection: Connection, flow_id: FlowId) -> list[CustomEvent]:
    rows = custom_events.c
    query = select(custom_events).where(rows.flow_id == flow_id, rows.deleted_at.is_(None)).order_by(rows.id)
    return [directory.event_from_row(row) for row in (await connection.execute(query)).all()]


async def find_named(connection: Connection, flow_id: FlowId, name: str) -> CustomEvent | None:
    query = select(custom_events).where(custom_events.c.flow_id == flow_id, custom_events.c.name == name)
    row = (await connection.execute(query)).first()
    return directory.event_from_row(row) if row else None


async def insert_new(
    connection: Connection, workspace_id: WorkspaceId, new: CustomEvent, now: datetime
) -> CustomEvent:
    row = msgspec.structs.asdict(new) | {"workspace_id": workspace_id, "created_at": now}
    del row["id"]
    query = insert(custom_events).values(row).returning(custom_events.c.id)
    id_ = CustomEventId((await connection.execute(query)).scalar_one())
    await directory.touch(connection)
    return msgspec.structs.replace(new, id=id_)


async def save(connection: Connection, event: CustomEvent) -> None:
    """Keep what people say about an event: its name and its labels."""
    row = {
        name: value for name, value in msgspec.structs.asdict(event).items() if name not in ("id", "flow_id")
    }
    await connection.execute(update(custom_events).where(custom_events.c.id == event.id).values(row))
    await directory.touch(connection)


async def let_go(connection: Connection, event: CustomEvent, now: datetime) -> None:
    """Have it be no more, and its name be free. What was logged is forgotten by `forget_some`."""
    row = {"deleted_at": now, "name": f"{event.event_ns} (deleted)"}
    await connection.execute(update(custom_events).where(custom_events.c.id == event.id).values(row))
    await directory.touch(connection)


async def forget_some(connection: Connection, id_: CustomEventId) -> bool:
    """Forget some of what was logged of one that was let go, and in the end that it was there: its number
    may then be given to another. Whether there is more."""
    logged = select(_log.id).where(_log.event_id == id_).limit(AT_ONCE)
    whose = subscribers_of(id_).limit(AT_ONCE)
    ids = (await connection.execute(logged)).scalars().all()
    people = (await connection.execute(whose)).scalars().all()
    await connection.execute(delete(custom_event_log).where(_log.id.in_(ids)))
    mine = (_subscribers.event_id == id_, _subscribers.conversation_id.in_(people))
    await connection.execute(delete(custom_event_subscribers).where(*mine))
    if ids or people:
        return True
    await connection.execute(delete(custom_events).where(custom_events.c.id == id_))
    await directory.touch(connection)
    return False


# What happened


async def insert_logged(connection: Connection, new: Sequence[LoggedEvent], now: datetime) -> None:
    """Keep what happened. The conversations are locked, so nobody else marks the same subscriber."""
    if new:
        await _LOG.run(connection, (_row(one, now) for one in new))
        await _MARK.run(connection, (_row(one, now) for one in new))


def _row(one: LoggedEvent, now: datetime) -> dict[str, Any]:
    return {
        "event_id": one.event_id,
        "conversation_id": one.conversation_id,
        "text_value": one.values.text,
        "price_value": one.values.price,
        "number_value": one.values.number,
        "created_at": now,
    }


_LOGGED = ("event_id", "conversation_id", "text_value", "price_value", "number_value", "created_at")
_LOG = Bulk(insert(custom_event_log).values({name: bindparam(name) for name in _LOGGED}))

_event, _whom = bindparam("event_id", type_=BigInteger), bindparam("conversation_id", type_=BigInteger)
_MARK = Bulk(
    insert(custom_event_subscribers).from_select(
        ["event_id", "conversation_id"],
        select(_event, _whom).where(
            ~exists().where(_subscribers.event_id == _event, _subscribers.conversation_id == _whom)
        ),
    )
)


def subscribers_of(event_id: CustomEventId) -> Select[tuple[int]]:
    """The conversations of everybody to whom an event has happened: for `IN`."""
    return select(_subscribers.conversation_id).where(_subscribers.event_id == event_id)


async def data(
    connection: Connection,
    event_id: CustomEventId,
    *,
    since: datetime,
    until: datetime,
    start_id: int,
    limit: int,
) -> list[Logged]:
    """What happened in a span, the oldest first, from the id `start_id` on."""
    # What is outside of the span is not even looked at: ids ascend with time, but for those of processes
    # that commit at the same moment.
    ids = select(_log.id).where(_log.event_id == event_id)
    first = ids.where(_log.created_at >= since - _DISORDER).order_by(_log.created_at, _log.id).limit(1)
    last = (
        ids.where(_log.created_at <= until + _DISORDER)
        .order_by(_log.created_at.desc(), _log.id.desc())
        .limit(1)
    )
    query = select(custom_event_log).where(
        _log.event_id == event_id,
        _log.id >= first.scalar_subquery(),
        _log.id <= last.scalar_subquery(),
        _log.id >= start_id,
        _log.created_at.between(since, until),
    )
    rows = (await connection.execute(query.order_by(_log.id).limit(limit))).all()
    return [_logged(row) for row in rows]


_DISORDER = timedelta(minutes=1)


async def latest(
    connection: Connection, event_id: CustomEventId, *, before_id: int | None, limit: int
) -> list[Logged]:
    """What happened, the newest first, before a place."""
    query = select(custom_event_log).where(_log.event_id == event_id)
    if before_id is not None:
        query = query.where(_log.id < before_id)
    rows = (await connection.execute(query.order_by(_log.id.desc()).limit(limit))).all()
    return [_logged(row) for row in rows]


def _logged(row: AnyRow) -> Logged:
    return Logged(
        id=row.id,
        conversation_id=ConversationId(row.conversation_id),
        values=EventValues(text=row.text_value, price=row.price_value, number=row.number_value),
        at=row.created_at,
    )


async def summary(connection: Connection, event_id: CustomEventId, days: Sequence[Day]) -> Summary:
    """Count over days that follow one another, the first one first."""
    inside = (_log.event_id == event_id, _log.created_at >= days[0].since, _log.created_at < days[-1].until)
    total = (await connection.execute(select(_TIMES, _PEOPLE).where(*inside))).one()
    if not total[0]:
        return Summary(Count(), {}, {})
    by_day = (await connection.execute(_by_day(event_id, days))).all()
    by_text = select(_log.text_value, _TIMES, _PEOPLE).where(*inside, _log.text_value.is_not(None))
    by_text = by_text.group_by(_log.text_value).order_by(_TIMES.desc(), _log.text_value)
    texts = (await connection.execute(by_text.limit(MOST_TEXT_VALUES))).all()
    return Summary(
        Count(*total),
        {days[number].date: Count(times, people) for number, times, people in by_day},
        {text: Count(times, people) for text, times, people in texts},
    )


_TIMES, _PEOPLE = func.count(), func.count(distinct(_log.conversation_id))


def _by_day(event_id: CustomEventId, days: Sequence[Day]) -> Select[Any]:
    """Days begin when they begin in the workspace's zone: some have 23 hours, and some 25."""
    instant = _log.created_at.type
    spans = union_all(
        *(
            select(
                literal(number).label("number"),
                literal(one.since, instant).label("since"),
                literal(one.until, instant).label("until"),
            )
            for number, one in enumerate(days)
        )
    ).subquery()
    happened = (
        (_log.event_id == event_id) & (_log.created_at >= spans.c.since) & (_log.created_at < spans.c.until)
    )
    query = select(spans.c.number, _TIMES, _PEOPLE).join_from(spans, custom_event_log, happened)
    return query.group_by(spans.c.number)
