"""What people do with deliveries: put them back into their lanes, or skip them; and who did it.

Whoever changes lanes from outside holds them still first: locks their conversations, so that nothing is
added, and then their heads, so that nobody claims or settles them. That is the engine's order too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, insert, select, update

from relevo.domain.deliveries import DeliveryState, Lane
from relevo.domain.ids import ConversationId, DeliveryId
from relevo.domain.redeliveries import RedeliveryId
from relevo.store import notices
from relevo.store.database import AnyRow, Connection
from relevo.store.deliveries import WAITING, lane_of, lock_heads, promote_heads
from relevo.store.nodes import alive_at
from relevo.store.tables import conversations, deliveries, interventions, nodes

_rows = deliveries.c

Did = Literal["redelivered", "skipped"]


class Intervention(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person did with a delivery. `redelivery_id`: together with many others."""

    delivery_id: DeliveryId
    at: datetime
    by: str
    did: Did
    reason: str = ""
    redelivery_id: RedeliveryId | None = None


class Carried(Exception):
    """The delivery is being attempted at this moment, and what comes of it is not known yet."""


async def hold(connection: Connection, ids: Collection[ConversationId]) -> dict[Lane, AnyRow]:
    """Hold the lanes of conversations still until the transaction ends; their heads, where they have any."""
    mine = select(conversations.c.id).where(conversations.c.id.in_(ids)).order_by(conversations.c.id)
    await connection.execute(mine.with_for_update())
    await lock_heads(connection, (), ids)
    heads = select(deliveries).where(WAITING, _rows.conversation_id.in_(ids), _rows.due_at.is_not(None))
    return {lane_of(row): row for row in (await connection.execute(heads)).all()}


# Redelivering


async def put_back(
    connection: Connection,
    ids: Collection[ConversationId],
    wanted: Sequence[ColumnElement[bool]],
    *,
    now: datetime,
    limit: int,
) -> list[AnyRow]:
    """Put finished deliveries of conversations back into their lanes, the first of a lane first; those that
    were put back.

    Each keeps its place (its seq): it goes before younger ones that wait, but not before one that is in
    flight. Its retries start anew.
    """
    heads = await hold(connection, ids)
    query = (
        select(_rows.id, *_LANE, _rows.seq)
        .where(_rows.state != "waiting", _rows.conversation_id.in_(ids), *wanted)
        .order_by(*_LANE, _rows.seq)
        .limit(limit)
        .with_for_update(skip_locked=True)  # what is being forgotten
    )
    rows = list((await connection.execute(query)).all())
    if rows:
        await _set_waiting(connection, [row.id for row in rows])
        await _set_heads(connection, rows, heads, now)
        await notices.tell_of_work(connection)
    return rows


_LANE = (_rows.conversation_id, _rows.destination_kind, _rows.destination_id)


async def _set_waiting(connection: Connection, ids: list[int]) -> None:
    news: dict[str, Any] = {"state": "waiting", "reason": "", "finished_at": None, "claimed_by": None,
            "due_at": None, "attempts_before": _rows.attempts_made}  # fmt: skip
    await connection.execute(update(deliveries).where(_rows.id.in_(ids)).values(**news))


async def _set_heads(
    connection: Connection, rows: Sequence[AnyRow], heads: dict[Lane, AnyRow], now: datetime
) -> None:
    """Make the first of each lane its head, unless one that goes before it is."""
    firsts: dict[Lane, AnyRow] = {}
    for row in rows:
        firsts.setdefault(lane_of(row), row)
    due, not_yet = [], []
    for lane, first in firsts.items():
        head = heads.get(lane)
        if head is None or (head.claimed_by is None and head.seq > first.seq):
            due.append(first.id)
            not_yet += [] if head is None else [head.id]
    await connection.execute(update(deliveries).where(_rows.id.in_(not_yet)).values(due_at=None))
    await connection.execute(update(deliveries).where(_rows.id.in_(due)).values(due_at=now))


async def redeliver(connection: Connection, id_: DeliveryId, now: datetime) -> bool:
    """Put one finished delivery back into its lane; False when it is waiting already or unknown."""
    query = select(_rows.conversation_id).where(_rows.id == id_, _rows.state != "waiting")
    conversation_id = (await connection.execute(query)).scalar_one_or_none()
    if conversation_id is None:
        return False
    return bool(await put_back(connection, [conversation_id], [_rows.id == id_], now=now, limit=1))


# Skipping


async def skip(connection: Connection, id_: DeliveryId, *, reason: str, now: datetime) -> AnyRow | None:
    """Have a delivery never made, and free its lane; the row as it was, None when it was delivered or
    skipped before. Raises `Carried` while it is being attempted."""
    lane = lane_of((await connection.execute(select(*_LANE).where(_rows.id == id_))).one())
    await hold(connection, [lane.conversation_id])
    query = select(deliveries).where(_rows.id == id_, _rows.state.in_(_SKIPPABLE))
    row = (await connection.execute(query.with_for_update(skip_locked=True))).first()
    if row is None:
        return None
    if row.claimed_by is not None and await _is_alive(connection, row.claimed_by, now):
        raise Carried
    news = {"state": "skipped", "reason": reason, "finished_at": now, "claimed_by": None, "due_at": None}
    await connection.execute(update(deliveries).where(_rows.id == id_).values(**news))
    if row.due_at is not None:
        await promote_heads(connection, [lane], node=None, now=now)
        await notices.tell_of_work(connection)
    return row


_SKIPPABLE = (DeliveryState.WAITING, DeliveryState.PARKED, DeliveryState.GIVEN_UP)


async def _is_alive(connection: Connection, node: str, now: datetime) -> bool:
    return (await connection.execute(alive_at(now).where(nodes.c.id == node))).first() is not None


# Who did it


async def note(connection: Connection, done: Sequence[Intervention]) -> None:
    if done:
        await connection.execute(insert(interventions), [msgspec.structs.asdict(one) for one in done])


async def of_delivery(connection: Connection, id_: DeliveryId) -> list[Intervention]:
    """What people did with a delivery, in order."""
    query = select(interventions).where(interventions.c.delivery_id == id_).order_by(interventions.c.id)
    return [
        Intervention(
            delivery_id=DeliveryId(row.delivery_id),
            at=row.at,
            by=row.by,
            did=row.did,
            reason=row.reason,
            redelivery_id=row.redelivery_id,
        )
        for row in (await connection.execute(query)).all()
    ]
