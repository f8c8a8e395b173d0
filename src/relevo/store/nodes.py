"""Running processes and their leases."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, bindparam, delete, insert, select, update

from relevo.store.database import Connection
from relevo.store.database_clock import TheTime, later
from relevo.store.statements import Bulk
from relevo.store.tables import Instant, commits, nodes


def alive_at(now: datetime) -> Select[tuple[str]]:
    """Whose lease runs."""
    return select(nodes.c.id).where(nodes.c.lease_until >= TheTime(now))


async def register(connection: Connection, node: str, now: datetime, lease: timedelta) -> None:
    await connection.execute(insert(nodes).values(id=node, started_at=now, lease_until=later(now, lease)))


async def renew(connection: Connection, node: str, now: datetime, lease: timedelta) -> bool:
    """Extend a lease from now on; False when it was taken away."""
    mine = update(nodes).where(nodes.c.id == node)
    result = await connection.execute(mine.values(lease_until=later(now, lease)))
    return result.rowcount == 1


async def alive(connection: Connection, now: datetime) -> list[str]:
    """Whose lease runs, in an order that all of them see."""
    found = await connection.execute(alive_at(now).order_by(nodes.c.id))
    return [row.id for row in found]


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


_MARK = Bulk(insert(commits).values(id=bindparam("new_id"), at=TheTime(bindparam("new_at", type_=Instant))))


async def sweep(connection: Connection, now: datetime, after: timedelta) -> None:
    """Remove nodes that died so long ago, and commit marks as old."""
    long_ago = later(now, -after)
    await connection.execute(delete(nodes).where(nodes.c.lease_until < long_ago))
    await connection.execute(delete(commits).where(commits.c.at < long_ago))
