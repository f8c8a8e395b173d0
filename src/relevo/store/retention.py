"""Forgetting what is too old to be of use."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, delete, select

from relevo.domain.ids import DeliveryId
from relevo.store.database import Connection
from relevo.store.tables import activities, attempts, cases, deliveries, interventions, redeliveries

_CHUNK = 1000  # rows in one transaction: others must not wait long


async def forget_deliveries(
    connection: Connection, *, before: datetime, after_id: DeliveryId
) -> DeliveryId | None:
    """Forget deliveries that were finished before an instant, and their attempts; one chunk.

    Looks at ids beyond `after_id` and gives the last one looked at; None: there are no more that were
    made so long ago. Ids ascend with time, so that no index on time is needed.
    """
    columns = (deliveries.c.id, deliveries.c.created_at)
    query = select(*columns).where(deliveries.c.id > after_id).order_by(deliveries.c.id).limit(_CHUNK)
    rows = (await connection.execute(query)).all()
    old = [row.id for row in rows if row.created_at < before]
    if not old:
        return None
    # Asked of the very rows that go: one may have been redelivered since we looked.
    finished = and_(
        deliveries.c.id.in_(old), deliveries.c.state != "waiting", deliveries.c.finished_at < before
    )
    gone = (
        (await connection.execute(delete(deliveries).where(finished).returning(deliveries.c.id)))
        .scalars()
        .all()
    )
    if gone:
        await connection.execute(delete(attempts).where(attempts.c.delivery_id.in_(gone)))
        await connection.execute(delete(interventions).where(interventions.c.delivery_id.in_(gone)))
    return DeliveryId(old[-1])


async def forget_work(connection: Connection, *, before: datetime) -> bool:
    """Forget cases that were closed, and what was done, before an instant: a chunk of each. Whether there is
    more."""
    closed = await _forget_first(connection, cases, cases.c.closed_at, before)
    return await _forget_first(connection, activities, activities.c.created_at, before) or closed


async def _forget_first(
    connection: Connection, table: Table, column: ColumnElement[datetime], before: datetime
) -> bool:
    """Ids ascend with time: what is old comes first."""
    query = select(table.c.id, column.label("at")).order_by(table.c.id).limit(_CHUNK)
    old = [row.id for row in (await connection.execute(query)).all() if row.at < before]
    if old:
        await connection.execute(delete(table).where(table.c.id.in_(old)))
    return len(old) == _CHUNK


async def forget_redeliveries(connection: Connection, *, before: datetime) -> None:
    """Forget that many were redelivered at once before an instant."""
    over = and_(redeliveries.c.state != "running", redeliveries.c.worked_at < before)
    await connection.execute(delete(redeliveries).where(over))
