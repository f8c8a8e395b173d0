"""Redelivering many at once, as rows: what was selected, and how far it has got.

Everything that must survive a restart is in the row, and each step is one transaction that holds it: any
process may make the next one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, and_, exists, func, insert, select, text, update

from relevo.domain.deliveries import DeliveryState
from relevo.domain.ids import ConversationId, DeliveryId, FlowId, WorkspaceId
from relevo.domain.redeliveries import Redelivery, RedeliveryId, RedeliveryState, Selection
from relevo.store import interventions
from relevo.store.database import AnyRow, Connection
from relevo.store.deliveries import WAITING, matching
from relevo.store.interventions import Intervention
from relevo.store.tables import deliveries, redeliveries
from relevo.store.tables import interventions as noted

LOOKED_AT = 2000
"""Ids that are looked at in one question where no index tells which are wanted."""

_rows = redeliveries.c
_RUNNING = text("redeliveries.state = 'running'")  # in the very words of the partial index


async def insert_new(
    connection: Connection, workspace_id: WorkspaceId, selection: Selection, *, by: str, now: datetime
) -> RedeliveryId:
    """Begin one. Whoever looks for work finds it within moments."""
    values = {
        "workspace_id": workspace_id,
        "flow_id": selection.flow_id,
        "asked_by": by,
        "selection": msgspec.json.encode(selection).decode(),
        "state": RedeliveryState.RUNNING.value,
        "put_back": 0,
        "looked_at": 0,
        "stopped_by": "",
        "created_at": now,
        "worked_at": now,
    }
    made = await connection.execute(insert(redeliveries).values(**values).returning(_rows.id))
    return RedeliveryId(made.scalar_one())


async def find(connection: Connection, id_: RedeliveryId) -> Redelivery | None:
    row = (await connection.execute(select(redeliveries).where(_rows.id == id_))).first()
    return from_row(row) if row else None


async def listing(
    connection: Connection,
    workspace_id: WorkspaceId,
    *,
    flow_id: FlowId | None = None,
    state: RedeliveryState | None = None,
    before_id: RedeliveryId | None = None,
    limit: int = 50,
) -> list[Redelivery]:
    """A page of a workspace's, or of those that are about one flow of it alone, newest first."""
    query = select(redeliveries).where(_rows.workspace_id == workspace_id)
    if flow_id is not None:
        query = query.where(_rows.flow_id == flow_id)
    if state is not None:
        query = query.where(_rows.state == state.value)
    if before_id is not None:
        query = query.where(_rows.id < before_id)
    found = await connection.execute(query.order_by(_rows.id.desc()).limit(limit))
    return [from_row(row) for row in found.all()]


async def next_running(connection: Connection) -> Redelivery | None:
    """The running one that nobody has worked on for longest."""
    query = select(redeliveries).where(_RUNNING).order_by(_rows.worked_at, _rows.id).limit(1)
    row = (await connection.execute(query)).first()
    return from_row(row) if row else None


async def lock(connection: Connection, one: Redelivery) -> bool:
    """Hold one that still stands where we saw it; False when somebody else works on it or has stopped it."""
    here = and_(_rows.id == one.id, _RUNNING, _rows.looked_at == one.looked_at)
    query = select(_rows.id).where(here, _rows.put_back == one.put_back)
    return (await connection.execute(query.with_for_update(skip_locked=True))).first() is not None


async def save(connection: Connection, one: Redelivery) -> None:
    """Store how far one has got."""
    news = {name: getattr(one, name) for name in ("state", "total", "put_back", "looked_at", "worked_at")}
    await connection.execute(update(redeliveries).where(_rows.id == one.id).values(**news))


async def stop(connection: Connection, id_: RedeliveryId, *, by: str, now: datetime) -> bool:
    """Put back no more; False when it was over before."""
    query = update(redeliveries).where(_rows.id == id_, _RUNNING)
    news = {"state": RedeliveryState.STOPPED.value, "stopped_by": by, "worked_at": now}
    return (await connection.execute(query.values(**news))).rowcount == 1


# What is selected


async def count(connection: Connection, one: Redelivery) -> int:
    """How many it is about, however many that are."""
    query = select(func.count()).select_from(deliveries).where(*_wanted(one))
    return int((await connection.execute(query)).scalar_one())


async def following(connection: Connection, one: Redelivery, limit: int) -> tuple[list[AnyRow], int | None]:
    """The next deliveries by id (`id`, `conversation_id`), and up to where was looked; None: to the end."""
    end = await _end(connection, one)
    bound = [] if end is None else [deliveries.c.id <= end]
    found: list[AnyRow] = []
    # State by state, so that each is a walk along an index.
    for state in one.selection.states:
        query = select(deliveries.c.id, deliveries.c.conversation_id).where(
            *_wanted(one), *bound, deliveries.c.state == state, deliveries.c.id > one.looked_at
        )
        found += (await connection.execute(query.order_by(deliveries.c.id).limit(limit))).all()
    return sorted(found, key=lambda row: row.id)[:limit], end


async def _end(connection: Connection, one: Redelivery) -> int | None:
    """The last id to look at where rows must be walked through: no index is of what was delivered."""
    if DeliveryState.DONE not in one.selection.states or one.selection.conversation_id is not None:
        return None
    ids = select(deliveries.c.id).where(deliveries.c.id > one.looked_at).order_by(deliveries.c.id)
    query = ids.offset(LOOKED_AT - 1).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


async def put_back(
    connection: Connection, one: Redelivery, ids: Collection[ConversationId], *, now: datetime, limit: int
) -> list[DeliveryId]:
    """Put what it is about in these conversations back into their lanes, in order."""
    rows = await interventions.put_back(connection, ids, _wanted(one), now=now, limit=limit)
    done = [
        Intervention(
            delivery_id=DeliveryId(row.id), at=now, by=one.asked_by, did="redelivered", redelivery_id=one.id
        )
        for row in rows
    ]
    await interventions.note(connection, done)
    return [one.delivery_id for one in done]


def _wanted(one: Redelivery) -> list[ColumnElement[bool]]:
    """As it was when it was asked for; and each only once, whatever clocks say."""
    again = exists().where(noted.c.delivery_id == deliveries.c.id, noted.c.redelivery_id == one.id)
    return [
        *matching(one.workspace_id, one.selection),
        deliveries.c.finished_at <= one.created_at,
        ~again,
    ]


async def count_due(
    connection: Connection, ids: Collection[DeliveryId], now: datetime, *, lately: timedelta
) -> int:
    """How many of these became due lately and wait for a courier."""
    if not ids:
        return 0
    rows = deliveries.c
    due = and_(WAITING, rows.due_at <= now, rows.due_at > now - lately)
    query = select(func.count()).select_from(deliveries).where(rows.id.in_(ids), due)
    return int((await connection.execute(query)).scalar_one())


def from_row(row: AnyRow) -> Redelivery:
    return Redelivery(
        id=RedeliveryId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        asked_by=row.asked_by,
        selection=msgspec.json.decode(row.selection, type=Selection),
        state=RedeliveryState(row.state),
        total=row.total,
        put_back=row.put_back,
        looked_at=row.looked_at,
        created_at=row.created_at,
        worked_at=row.worked_at,
        stopped_by=row.stopped_by,
    )
