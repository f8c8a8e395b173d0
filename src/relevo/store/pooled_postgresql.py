"""PostgreSQL through a pool of connections, and the driver below SQLAlchemy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


class PooledDriver:
    """A connection of the pool: transactions and hot statements without SQLAlchemy between."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self.connection = connection

    async def begin(self) -> None:
        await self.connection.execute("BEGIN")

    async def commit(self) -> None:
        await self.connection.execute("COMMIT")

    async def rollback(self) -> None:
        if not self.connection.is_closed():
            await self.connection.execute("ROLLBACK")

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        found: Sequence[Sequence[Any]] = await self.connection.fetch(sql, *parameters)
        return found

    async def many(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        await self.connection.executemany(sql, parameters)


def make_engine(url: URL, *, pool_timeout: float) -> AsyncEngine:
    """A pool of connections."""
    engine = create_async_engine(
        url, pool_size=10, max_overflow=5, pool_timeout=pool_timeout, pool_pre_ping=False
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        record.info["driver"] = PooledDriver(connection.driver_connection)

    @event.listens_for(engine.sync_engine, "checkout")
    def check(_connection: Any, record: Any, _proxy: Any) -> None:
        below = record.info["driver"].connection
        if below.is_closed():
            raise InvalidatePoolError  # a server that went away took all of them along: make new ones
        if below.is_in_transaction():
            raise DisconnectionError  # its user was cancelled twice, and could not end it

    return engine
