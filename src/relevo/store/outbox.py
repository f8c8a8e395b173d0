"""What endpoints are told, to be read again: of one conversation, or of a whole flow as it was committed.

Where several processes write, ids do not tell the order of commits: each takes them in blocks. So on
PostgreSQL a delivery also has the number of its transaction (`commit_order`), and only those below the
oldest one under way are shown: nothing can turn up between them any more. On SQLite one process
writes, and ids alone are that order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, select, text, tuple_, update

from relevo.domain.deliveries import Delivery, Lane
from relevo.domain.ids import DeliveryId, EndpointId, FlowId
from relevo.store.database import AnyRow, Connection
from relevo.store.deliveries import from_row
from relevo.store.tables import conversations, deliveries

LOOKED_AT = 2000
"""Rows that one question looks at, however few of them are the asker's."""

_rows = deliveries.c
_TO_ENDPOINTS = text("deliveries.destination_kind = 'endpoint'")  # in the words of the partial index
_SETTLED = text("deliveries.commit_order < pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_FROM_ELSEWHERE = text("deliveries.commit_order >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint")


class Told(msgspec.Struct, frozen=True):
    """A delivery to an endpoint. Whoever has read this far goes on after `id`."""

    id: DeliveryId
    delivery: Delivery


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What comes after a place. It may be empty although there is `more` after `next_id`.

    `forgotten`: the place is not kept any more, and this begins with the oldest that is.
    """

    told: list[Told]
    next_id: DeliveryId
    more: bool
    forgotten: bool


async def of_conversation(
    connection: Connection, lane: Lane, *, after_seq: int, limit: int
) -> list[Delivery]:
    """What an endpoint is told of one conversation after a `seq`, in order."""
    query = (
        select(deliveries)
        .where(
            _rows.conversation_id == lane.conversation_id,
            _rows.destination_kind == lane.destination.kind,
            _rows.destination_id == lane.destination.id,
            _rows.seq > after_seq,
        )
        .order_by(_rows.seq)
        .limit(limit)
    )
    return [from_row(row) for row in (await connection.execute(query)).all()]


async def of_flow(
    connection: Connection, flow_id: FlowId, endpoint_id: EndpointId, *, after_id: DeliveryId, limit: int
) -> Page:
    """What an endpoint is told of a flow, in order of commit, after a delivery (0: from the oldest kept).

    The order within a conversation is always that of `seq`; for that, one may come twice.
    """
    place = await _place(connection, after_id)
    end = await _end(connection, place)
    query = (
        select(deliveries)
        .join(conversations, conversations.c.id == _rows.conversation_id)
        .where(*_between(connection, place, end), conversations.c.flow_id == flow_id)
        .where(_TO_ENDPOINTS, _rows.destination_id == endpoint_id)
        .order_by(*_order(connection))
        .limit(limit + 1)
    )
    rows = (await connection.execute(query)).all()
    found, is_cut = rows[:limit], len(rows) > limit
    last = end if end is not None and not is_cut else found[-1] if found else None
    return Page(
        told=_told(found, await _overtaken(connection, found), after_id),
        next_id=DeliveryId(last.id) if last is not None else after_id,
        more=is_cut or end is not None,
        forgotten=bool(after_id) and place is None,
    )


async def renumber(connection: Connection) -> None:
    """Put deliveries with numbers of another cluster (a dump was restored) before all others."""
    if connection.dialect.name != "sqlite":
        await connection.execute(
            update(deliveries).where(_TO_ENDPOINTS, _FROM_ELSEWHERE).values(commit_order=0)
        )


# Places


def _order(connection: Connection) -> tuple[ColumnElement[int], ...]:
    return (_rows.id,) if connection.dialect.name == "sqlite" else (_rows.commit_order, _rows.id)


async def _place(connection: Connection, id_: DeliveryId) -> AnyRow | None:
    query = select(_rows.commit_order, _rows.id).where(_rows.id == id_)
    return (await connection.execute(query)).first()


async def _end(connection: Connection, place: AnyRow | None) -> AnyRow | None:
    """The last row to look at; None when there are not that many."""
    query = select(_rows.commit_order, _rows.id).where(*_between(connection, place, None))
    query = query.order_by(*_order(connection)).offset(LOOKED_AT - 1).limit(1)
    return (await connection.execute(query)).first()


def _between(connection: Connection, place: AnyRow | None, end: AnyRow | None) -> list[Any]:
    if connection.dialect.name == "sqlite":
        bounds = [_rows.id > place.id] if place else []
        return [*bounds, _rows.id <= end.id] if end else bounds
    order = tuple_(_rows.commit_order, _rows.id)
    bounds = [_TO_ENDPOINTS, _SETTLED]
    if place:
        bounds.append(order > (place.commit_order, place.id))
    if end:
        bounds.append(order <= (end.commit_order, end.id))
    return bounds


# Lanes


async def _overtaken(connection: Connection, found: Sequence[AnyRow]) -> dict[Lane, list[Delivery]]:
    """What the same lanes were told before, in a transaction that began later: one that waits for a
    conversation's lock keeps the number that it has already."""
    if connection.dialect.name == "sqlite" or not found:
        return {}
    before, row = deliveries.alias(), deliveries.alias()
    same_lane = [before.c[name] == row.c[name] for name in _LANE]
    query = (
        select(before)
        .distinct()
        .join(row, and_(*same_lane, before.c.seq < row.c.seq))
        .where(row.c.id.in_([one.id for one in found]))
        .where(tuple_(before.c.commit_order, before.c.id) > tuple_(row.c.commit_order, row.c.id))
        .order_by(before.c.seq)
    )
    lanes = defaultdict(list)
    for one in (await connection.execute(query)).all():
        lanes[from_row(one).lane].append(from_row(one))
    return lanes


_LANE = ("conversation_id", "destination_kind", "destination_id")


def _told(found: Sequence[AnyRow], overtaken: dict[Lane, list[Delivery]], after_id: DeliveryId) -> list[Told]:
    """Each after what was told before it in its lane; nobody who stops in between misses anything."""
    told: dict[DeliveryId, Told] = {}
    for delivery in map(from_row, found):
        for before in overtaken.get(delivery.lane, ()):
            if before.seq < delivery.seq:
                told.setdefault(before.id, Told(after_id, before))
        after_id = delivery.id
        told.setdefault(delivery.id, Told(after_id, delivery))
    return list(told.values())
