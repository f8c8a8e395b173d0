"""Forgetting what is too old to be of use."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from relevo.domain.ids import DeliveryId
from relevo.store.database import Connection
from relevo.store.tables import attempts, deliveries

_CHUNK = 1000  # rows in one transaction: others must not wait long


async def forget_deliveries(
    connection: Connection, *, before: datetime, after_id: DeliveryId
) -> DeliveryId | None:
    """Forget finished deliveries of before an instant, and their attempts; one chunk.

    Looks at ids beyond `after_id` and gives the last one looked at; None: there are no more so
    old. Ids ascend with time, so that no index on time is needed.
    """
    columns = (deliveries.c.id, deliveries.c.created_at, deliveries.c.state)
    query = select(*columns).where(deliveries.c.id > after_id).order_by(deliveries.c.id).limit(_CHUNK)
    rows = (await connection.execute(query)).all()
    old = [row for row in rows if row.created_at < before]
    if not old:
        return None
    finished = [row.id for row in old if row.state != "waiting"]
    if finished:
        await connection.execute(delete(attempts).where(attempts.c.delivery_id.in_(finished)))
        await connection.execute(delete(deliveries).where(deliveries.c.id.in_(finished)))
    return DeliveryId(old[-1].id)
