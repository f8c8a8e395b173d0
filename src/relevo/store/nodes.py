"""Running processes and their leases."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from relevo.store.tables import commits, nodes


async def register(connection: AsyncConnection, node: str, now: datetime, lease_until: datetime) -> None:
    await connection.execute(insert(nodes).values(id=node, started_at=now, lease_until=lease_until))


async def renew(connection: AsyncConnection, node: str, lease_until: datetime) -> bool:
    """Extend a lease; False when it was taken away."""
    result = await connection.execute(update(nodes).where(nodes.c.id == node).values(lease_until=lease_until))
    return result.rowcount == 1


async def leave(connection: AsyncConnection, node: str) -> None:
    """End a lease at once: whatever the node still claims is free."""
    await connection.execute(delete(nodes).where(nodes.c.id == node))


async def bury_others(connection: AsyncConnection, node: str) -> None:
    """End the leases of all others: only for a process that knows that it is alone (SQLite)."""
    await connection.execute(delete(nodes).where(nodes.c.id != node))


async def sweep(connection: AsyncConnection, before: datetime) -> None:
    """Remove nodes that died long ago, and old commit marks."""
    await connection.execute(delete(nodes).where(nodes.c.lease_until < before))
    await connection.execute(delete(commits).where(commits.c.at < before))
