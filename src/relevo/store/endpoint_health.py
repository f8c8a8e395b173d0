"""How endpoints stand, what their attempts came to, and what their workspaces are told of it.

Written every few seconds by each process that posts, never for a message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from relevo.domain.health import State
from relevo.domain.ids import EndpointId, WorkspaceId
from relevo.domain.standings import Happening, Standing, View
from relevo.domain.tallies import Tally, together
from relevo.store.database import AnyRow, Connection
from relevo.store.database_clock import TheTime, later
from relevo.store.tables import endpoint_health, endpoint_notices, endpoint_tallies, endpoints

_views = msgspec.json.Decoder(dict[str, View])
_took = msgspec.json.Decoder(tuple[int, ...])


# How they stand


async def standings(
    connection: Connection, ids: Collection[EndpointId], *, lock: bool = False
) -> dict[EndpointId, Standing]:
    """Of these endpoints. One of which there is nothing to tell is well, and not in the answer."""
    query = select(endpoint_health).where(endpoint_health.c.endpoint_id.in_(ids))
    if lock:
        query = query.order_by(endpoint_health.c.endpoint_id).with_for_update()
    return {EndpointId(row.endpoint_id): _standing(row) for row in (await connection.execute(query)).all()}


async def ailing(connection: Connection) -> set[EndpointId]:
    """Those that are not healthy."""
    query = select(endpoint_health.c.endpoint_id).where(endpoint_health.c.state != State.HEALTHY.value)
    return {EndpointId(id_) for id_ in (await connection.execute(query)).scalars()}


async def make_rows(connection: Connection, ids: Iterable[EndpointId]) -> None:
    """Have a row for each, so that it can be locked."""
    rows = [{"endpoint_id": id_, **_row(Standing())} for id_ in sorted(ids)]
    if rows:
        await connection.execute(_upsert(connection)(endpoint_health).on_conflict_do_nothing(), rows)


async def save(connection: Connection, id_: EndpointId, standing: Standing) -> None:
    query = update(endpoint_health).where(endpoint_health.c.endpoint_id == id_)
    await connection.execute(query.values(_row(standing)))


async def forget(connection: Connection, id_: EndpointId) -> None:
    """Begin anew: somebody has decided about the endpoint."""
    await connection.execute(delete(endpoint_health).where(endpoint_health.c.endpoint_id == id_))


async def disable(connection: Connection, id_: EndpointId, reason: str) -> bool:
    """Stop posting to an endpoint, and say why; False when somebody has already. The caller touches the
    configuration."""
    query = update(endpoints).where(endpoints.c.id == id_, endpoints.c.disabled_reason == "")
    return (await connection.execute(query.values(disabled_reason=reason))).rowcount == 1


# What attempts came to


async def save_tallies(
    connection: Connection, node: str, tallies: Mapping[tuple[EndpointId, datetime], Tally]
) -> None:
    """What a process counted for each endpoint in the slot that begins then; replaces what it said before."""
    rows = [
        {
            "endpoint_id": id_,
            "slot_at": slot_at,
            "node": node,
            "attempts": tally.attempts,
            "failed": tally.failed,
            "took": msgspec.json.encode(tally.took).decode(),
        }
        for (id_, slot_at), tally in tallies.items()
    ]
    if rows:
        query = _upsert(connection)(endpoint_tallies)
        news = {name: query.excluded[name] for name in ("attempts", "failed", "took")}
        keys = ["endpoint_id", "slot_at", "node"]
        await connection.execute(query.on_conflict_do_update(index_elements=keys, set_=news), rows)


async def tallies(
    connection: Connection, ids: Collection[EndpointId], since: datetime
) -> dict[EndpointId, Tally]:
    """What all processes counted for each since then."""
    columns = endpoint_tallies.c
    query = select(endpoint_tallies).where(columns.endpoint_id.in_(ids), columns.slot_at > since)
    found: defaultdict[EndpointId, list[Tally]] = defaultdict(list)
    for row in (await connection.execute(query)).all():
        tally = Tally(row.attempts, row.failed, _took.decode(row.took))
        found[EndpointId(row.endpoint_id)].append(tally)
    return {id_: together(some) for id_, some in found.items()}


# What workspaces are told


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that became of an endpoint. `due_at`: when it is posted to the workspace, None if never
    or no more."""

    id: int = 0
    workspace_id: WorkspaceId
    endpoint_id: EndpointId
    type: Happening
    webhook_id: str
    body: bytes
    created_at: datetime
    due_at: datetime | None = None
    attempts_made: int = 0


async def add_notice(connection: Connection, new: Notice) -> None:
    """`due_at` is as soon as it is there, or never: a time is the database's, as for claims."""
    row = {**msgspec.structs.asdict(new), "type": new.type.value}
    del row["id"]
    row["due_at"] = TheTime(new.due_at) if new.due_at is not None else None
    await connection.execute(insert(endpoint_notices).values(row))


async def notices(connection: Connection, id_: EndpointId, limit: int) -> list[Notice]:
    """The latest about an endpoint, newest first."""
    query = select(endpoint_notices).where(endpoint_notices.c.endpoint_id == id_)
    rows = await connection.execute(query.order_by(endpoint_notices.c.id.desc()).limit(limit))
    return [_notice(row) for row in rows.all()]


async def due_notices(connection: Connection, now: datetime, limit: int) -> list[Notice]:
    query = select(endpoint_notices).where(endpoint_notices.c.due_at <= TheTime(now))
    rows = await connection.execute(query.order_by(endpoint_notices.c.due_at).limit(limit))
    return [_notice(row) for row in rows.all()]


async def take_notice(connection: Connection, one: Notice, now: datetime, lease: timedelta) -> bool:
    """Have it for oneself for so long; False when somebody else has taken it."""
    columns = endpoint_notices.c
    query = update(endpoint_notices).where(columns.id == one.id, columns.due_at == one.due_at)
    return (await connection.execute(query.values(due_at=later(now, lease)))).rowcount == 1


async def put_back(
    connection: Connection, id_: int, attempts_made: int, now: datetime, wait: timedelta | None
) -> None:
    """Have it posted again after so long; None: never."""
    query = update(endpoint_notices).where(endpoint_notices.c.id == id_)
    due_at = later(now, wait) if wait is not None else None
    await connection.execute(query.values(attempts_made=attempts_made, due_at=due_at))


# What is too old

_TALLIES_ARE_KEPT_FOR = timedelta(days=2)


async def forget_old(connection: Connection, *, now: datetime, notices_before: datetime) -> None:
    old = endpoint_tallies.c.slot_at < now - _TALLIES_ARE_KEPT_FOR
    await connection.execute(delete(endpoint_tallies).where(old))
    await connection.execute(delete(endpoint_notices).where(endpoint_notices.c.created_at < notices_before))


def _upsert(connection: Connection) -> type[postgresql.Insert] | type[sqlite.Insert]:
    return sqlite.Insert if connection.dialect.name == "sqlite" else postgresql.Insert


def _standing(row: AnyRow) -> Standing:
    return Standing(
        state=State(row.state),
        since=row.since,
        ill_since=row.ill_since,
        succeeded_at=row.succeeded_at,
        failed_at=row.failed_at,
        failure=row.failure,
        views=_views.decode(row.views),
    )


def _row(one: Standing) -> dict[str, object]:
    return {
        "state": one.state.value,
        "since": one.since,
        "ill_since": one.ill_since,
        "succeeded_at": one.succeeded_at,
        "failed_at": one.failed_at,
        "failure": one.failure,
        "views": msgspec.json.encode(one.views).decode(),
    }


def _notice(row: AnyRow) -> Notice:
    return Notice(
        id=row.id,
        workspace_id=WorkspaceId(row.workspace_id),
        endpoint_id=EndpointId(row.endpoint_id),
        type=Happening(row.type),
        webhook_id=row.webhook_id,
        body=row.body,
        created_at=row.created_at,
        due_at=row.due_at,
        attempts_made=row.attempts_made,
    )
