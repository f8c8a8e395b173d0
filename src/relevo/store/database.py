"""The connection to the database: one writer and several readers on SQLite, a pool on PostgreSQL.

Faults of the database itself become `Unavailable`; a statement that it refuses (a constraint, an
oversized value) stays what it is, an `IntegrityError` or `DataError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Row, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from relevo.domain.errors import Unavailable
from relevo.store import inline_sqlite

SQLITE_BUSY_TIMEOUT = 5_000  # milliseconds that a writer waits for another process
_READERS = 4
_POOL_TIMEOUT = 5  # seconds that a caller waits for a connection


class Transient(Unavailable):
    """The database broke this transaction off; the same one may well succeed at once."""

    code = Unavailable.code


class Database:
    """Where everything is kept. `write()` and `read()` are transactions."""

    def __init__(self, url: str) -> None:
        self.url = driver_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._writer = _sqlite_writer(self.url)
            self._reader = _sqlite_reader(self.url)
            self._only_writer: _OnlyWriter | None = _OnlyWriter(self._writer)
        else:
            self._writer = self._reader = create_async_engine(
                self.url, pool_size=10, max_overflow=5, pool_timeout=_POOL_TIMEOUT, pool_pre_ping=False
            )
            self._only_writer = None

    @property
    def engine(self) -> AsyncEngine:
        """The engine that writes; for migrations."""
        return self._writer

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write: committed at the end, rolled back on any exception."""
        begin = self._only_writer.begin if self._only_writer else self._writer.begin
        with _faults_as_unavailable():
            async with begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads, and sees one state of the database."""
        with _faults_as_unavailable():
            async with self._reader.begin() as connection:
                yield connection

    async def close(self) -> None:
        if self._only_writer:
            await self._only_writer.close()
        await self._reader.dispose()
        await self._writer.dispose()


class _OnlyWriter:
    """The one connection that writes to SQLite, kept open: one transaction at a time, in turn."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine, self._turn = engine, asyncio.Lock()
        self._connection: AsyncConnection | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self._turn:
            if self._connection is None or self._connection.invalidated:
                await self.close()
                self._connection = await self._engine.connect()
            async with self._connection.begin():
                yield self._connection

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


def driver_url(url: str) -> URL:
    """`sqlite:///…` and `postgresql://…` with our drivers put in."""
    parsed = make_url(url)
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+asyncpg",
        "postgres": "postgresql+asyncpg",
    }
    backend = parsed.get_backend_name()
    if backend not in drivers:
        raise ValueError(
            f"{backend} is not a database that Relevo knows; use sqlite:///FILE or postgresql://…"
        )
    return parsed.set(drivername=drivers[backend])


def is_transient(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed at once when tried again: a deadlock, a
    serialisation failure or a lost connection (PostgreSQL, class 40 and 57P), a busy SQLite."""
    code = str(getattr(error.orig, "sqlstate", "") or "")
    return error.connection_invalidated or code.startswith(("40", "57P", "08")) or "locked" in str(error.orig)


def _sqlite_writer(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername=inline_sqlite.DRIVER),
        pool_size=2,  # the only writer's, and migrations'
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT,
        pool_reset_on_return=None,  # every transaction here is ended by `begin()`
        connect_args={
            "factory": inline_sqlite.InlineConnection,
            "check_same_thread": False,  # its commits run in other threads
        },
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        # FULL costs nothing under group commit, and NORMAL may lose what was acknowledged.
        _pragmas(connection, f"busy_timeout = {SQLITE_BUSY_TIMEOUT}")
        inline_sqlite.use_wal(connection)
        _pragmas(connection, "synchronous = FULL", "wal_autocheckpoint = 4000", "busy_timeout = 0")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        # IMMEDIATE: a transaction that turns from reading to writing cannot wait, it fails.
        inline_sqlite.begin_immediate(connection.connection.dbapi_connection, SQLITE_BUSY_TIMEOUT)

    return engine


def _sqlite_reader(url: URL) -> AsyncEngine:
    """In threads: a page may ask for something that takes long, and must not stop the server."""
    engine = create_async_engine(url, pool_size=_READERS, max_overflow=0, pool_timeout=_POOL_TIMEOUT)

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        _pragmas(connection, f"busy_timeout = {SQLITE_BUSY_TIMEOUT}", "query_only = ON")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in (*pragmas, "foreign_keys = ON", "cache_size = -65536"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class _faults_as_unavailable:  # noqa: N801  (reads as a statement)
    """Turns "the database cannot be used now" into `Unavailable`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, DBAPIError) and is_transient(error):
            raise Transient(cause=_first_line(error)) from error
        if isinstance(error, (OperationalError, InterfaceError, PoolTimeout, OSError)):
            raise Unavailable(cause=_first_line(error)) from error


def _first_line(error: BaseException) -> str:
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return (text or type(error).__name__).split("\n")[0]


StoreFault = SQLAlchemyError
"""A statement that the database refused."""

Connection = AsyncConnection
"""A transaction under way."""

AnyRow = Row[*tuple[Any, ...]]
"""A row as it came: columns are its attributes."""
