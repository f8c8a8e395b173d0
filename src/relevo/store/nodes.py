"""Running processes and their leases."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from relevo.store.database import Connection
from relevo.store.statements import Bulk
from relevo.store.tables import commits, nodes


async def register(connection: Connection, node: str, now: datetime, lease_until: datetime) -> None:
    await connection.execute(insert(nodes).values(id=node, started_at=now, lease_until=lease_until))


async def renew(connection: Connection, node: str, lease_until: datetime) -> bool:
    """Extend a lease; False when it was taken away."""
    result = await connection.execute(update(nodes).where(nodes.c.id == node).values(lease_until=lease_until))
    return result.rowcount == 1


async def alive(connection: Connection, now: datetime) -> list[str]:
    """Whose lease runs, in an order that all of them see."""
    query = select(nodes.c.id).where(nodes.c.lease_until >= now).order_by(nodes.c.id)
    return list((await connection.execute(query)).scalars())


async def leave(connection: Connection, node: str) -> None:
    """End a lease at once: whatever the node still claims is free."""
    await connection.execute(delete(nodes).where(nodes.c.id == node))


async def bury_others(connection: Connection, node: str) -> None:
    """End the leases of all others: only for a process that knows that it is alone (SQLite)."""
    await connection.execute(delete(nodes).where(nodes.c.id != node))


async def mark_commit(connection: Connection, commit_id: str, now: datetime) -> None:
    """Leave a mark in a transaction, by which it can be found if the answer to its commit is lost."""
    await _MARK.run(connection, [{"id": commit_id, "at": now}])


async def try_mark(connection: Connection, commit_id: str, now: datetime) -> None:
    """Find whether a mark can be left, and leave none. Raises `Taken` when its transaction was committed;
    one that is still at it is waited for."""
    await mark_commit(connection, commit_id, now)
    await connection.execute(delete(commits).where(commits.c.id == commit_id))


_MARK = Bulk(insert(commits))


async def sweep(connection: Connection, before: datetime) -> None:
    """Remove nodes that died long ago, and old commit marks."""
    await connection.execute(delete(nodes).where(nodes.c.lease_until < before))
    await connection.execute(delete(commits).where(commits.c.at < before))
