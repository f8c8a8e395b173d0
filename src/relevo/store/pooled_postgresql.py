"""PostgreSQL through a pool of connections, and the driver below SQLAlchemy."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

CONNECT_WITHIN = 5.0
"""Seconds."""
CHANNEL = "relevo"
"""What processes listen to (LISTEN)."""
_ANSWERS_WITHIN = 5.0  # seconds that the listening connection may take for the little that it is asked


class PooledDriver:
    """A connection of the pool: transactions and hot statements without SQLAlchemy between."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self.connection = connection

    async def begin(self) -> None:
        # Said, because lanes rely on it and a server may have another default: after waiting for a row,
        # the row is looked at as it is then.
        await self.connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")

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


class Line:
    """A connection of its own that listens. It ends when anything about it fails."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    @property
    def is_open(self) -> bool:
        return not self._connection.is_closed()

    async def tell(self, notice: str) -> None:
        """Tell everybody who listens, ourselves included; and find out whether the server is there."""
        await self._connection.execute("SELECT pg_notify($1, $2)", CHANNEL, notice, timeout=_ANSWERS_WITHIN)


@asynccontextmanager
async def listening(
    engine: AsyncEngine, hear: Callable[[str], None], ended: Callable[[], None]
) -> AsyncIterator[Line]:
    """Hear every notice until the block ends; `ended` is called as soon as the connection is."""
    pooled = await engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()  # the pool has one fewer to give and may make another
    assert connection is not None
    try:
        connection.add_termination_listener(lambda _: ended())
        await connection.add_listener(CHANNEL, lambda _c, _pid, _channel, notice: hear(notice))
        yield Line(connection)
    finally:
        connection.terminate()


_SILENT_FOR = 5_000
"""Milliseconds that a transaction of ours may keep its locks and say nothing: a host that was cut off would
otherwise hold others up until TCP gives up, which takes hours."""
_UNHEARD_FOR = 10_000
"""Milliseconds after which a connection whose other side acknowledges nothing is given up, on either side."""

_SERVER_SETTINGS = {
    "idle_in_transaction_session_timeout": str(_SILENT_FOR),
    "tcp_user_timeout": str(_UNHEARD_FOR),
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_SOCKET_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", _UNHEARD_FOR),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 2),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
)


def make_engine(url: URL, *, pool_timeout: float) -> AsyncEngine:
    """A pool of connections."""
    engine = create_async_engine(
        url,
        pool_size=10,
        max_overflow=5,
        pool_timeout=pool_timeout,
        pool_pre_ping=False,
        connect_args={"server_settings": _SERVER_SETTINGS, "timeout": CONNECT_WITHIN},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        _give_up_in_time(connection.driver_connection)
        record.info["driver"] = PooledDriver(connection.driver_connection)

    @event.listens_for(engine.sync_engine, "checkout")
    def check(_connection: Any, record: Any, _proxy: Any) -> None:
        below = record.info["driver"].connection
        if below.is_closed():
            raise InvalidatePoolError  # a server that went away took all of them along: make new ones
        if below.is_in_transaction():
            raise DisconnectionError  # its user was cancelled twice, and could not end it

    return engine


def _give_up_in_time(connection: asyncpg.Connection[Any]) -> None:
    """Notice a server that has gone without a word: the kernel breaks the connection off."""
    sock = connection._transport.get_extra_info("socket")
    if sock is None or sock.family == socket.AF_UNIX:
        return
    for level, name, value in _SOCKET_OPTIONS:
        if hasattr(socket, name):  # not every system has all of them
            sock.setsockopt(level, getattr(socket, name), value)
