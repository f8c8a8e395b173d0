"""The connection to the database: one writer and several readers on SQLite, a pool on PostgreSQL.

Faults of the database itself become `Unavailable`; a statement that it refuses (a constraint, an
oversized value) becomes a `StoreFault`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from sqlalchemy import Row, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from relevo.store import inline_sqlite, pooled_postgresql
from relevo.store.faults import StoreFault, Taken, Transient, faults_as_ours

__all__ = ["AnyRow", "Connection", "Database", "Driver", "StoreFault", "Taken", "Transient", "driver_of"]

SQLITE_BUSY_TIMEOUT = 5_000  # milliseconds that a writer waits for another process
_READERS = 4
_WRITER_CACHE, _READER_CACHE = 16_384, 4_096  # KB of SQLite's pages, each; the system keeps the file as well
_POOL_TIMEOUT = 5  # seconds that a caller waits for a connection


class Driver(Protocol):
    """A connection below SQLAlchemy: for transactions, and for the statements of the hot path."""

    async def begin(self) -> None: ...
    async def commit(self) -> None: ...
    async def rollback(self) -> None: ...

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Execute a statement; the rows that it gives back."""
        ...

    async def many(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once for each of the parameters."""
        ...


class Database:
    """Where everything is kept. `write()` and `read()` are transactions."""

    def __init__(self, url: str) -> None:
        self.url = driver_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._only_writer: _OnlyWriter | None = None
        if self.is_sqlite:
            self._reader = _sqlite_reader(self.url)
            self._writer = _sqlite_writer(self.url)
            self._only_writer = _OnlyWriter(self._writer)
        else:
            self._reader = pooled_postgresql.make_engine(self.url, pool_timeout=_POOL_TIMEOUT)
            # The same pool; transactions are begun and ended by us, below.
            self._writer = self._reader.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write: committed at the end, rolled back on any exception."""
        connect = self._only_writer.connect if self._only_writer else self._writer.connect
        with faults_as_ours():
            async with connect() as connection, _transaction(driver_of(connection)):
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads, and sees one state of the database.

        Whoever is cancelled on SQLite gets away when the statement under way has ended.
        """
        reading = _undisturbed(self._reader) if self.is_sqlite else self._reader.begin()
        with faults_as_ours():
            async with reading as connection:
                yield connection

    @asynccontextmanager
    async def listen(
        self, hear: Callable[[str], None], ended: Callable[[], None]
    ) -> AsyncIterator[pooled_postgresql.Line]:
        """Hear what processes tell each other (PostgreSQL), over a connection of its own.

        Raises `Unavailable`, also in the block: then nothing is heard any more. `ended` is called at once.
        """
        with faults_as_ours():
            async with pooled_postgresql.listening(self._reader, hear, ended) as line:
                yield line

    async def close(self) -> None:
        if self._only_writer:
            await self._only_writer.close()
        await self._reader.dispose()
        await self._writer.dispose()


@asynccontextmanager
async def _undisturbed(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    connection = _Undisturbed(engine)
    try:
        yield await connection.start()
    finally:
        if connection.sync_connection is not None:
            await connection.close()


class _Undisturbed(AsyncConnection):
    """A connection whose statements are not broken off: its thread goes on with them anyway. SQLAlchemy
    would throw it away amid one, and it can then neither be closed nor be waited for."""

    async def start(self, is_ctxmanager: bool = False) -> AsyncConnection:
        return await inline_sqlite.to_its_end(super().start(is_ctxmanager))

    async def execute(self, *args: Any, **kw: Any) -> Any:
        return await inline_sqlite.to_its_end(super().execute(*args, **kw))

    async def close(self) -> None:
        await inline_sqlite.to_its_end(super().close())


@asynccontextmanager
async def _transaction(driver: Driver) -> AsyncIterator[None]:
    try:
        await driver.begin()
        yield
        await driver.commit()
    except BaseException:
        await driver.rollback()
        raise


class _OnlyWriter:
    """The one connection that writes to SQLite, kept open: one transaction at a time, in turn."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine, self._turn = engine, asyncio.Lock()
        self._connection: AsyncConnection | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        async with self._turn:
            if self._connection is None or self._connection.invalidated:
                await self.close()
                self._connection = await self._engine.connect()
            yield self._connection

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


def driver_of(connection: AsyncConnection) -> Driver:
    """What is below a connection of `write()`."""
    driver: Driver = connection.sync_connection.connection.info["driver"]  # type: ignore[union-attr]
    return driver


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


def _sqlite_writer(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername=inline_sqlite.DRIVER),
        pool_size=1,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT,
        pool_reset_on_return=None,  # every transaction here is ended by `write()`
        connect_args={
            "factory": inline_sqlite.InlineConnection,
            "check_same_thread": False,  # its commits run in other threads
            "isolation_level": None,  # we say BEGIN ourselves
        },
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        # FULL costs nothing under group commit, and NORMAL may lose what was acknowledged.
        _pragmas(connection, f"busy_timeout = {SQLITE_BUSY_TIMEOUT}")
        inline_sqlite.use_wal(connection)
        _pragmas(connection, "synchronous = FULL", "wal_autocheckpoint = 4000", "busy_timeout = 0")
        _pragmas(connection, f"cache_size = -{_WRITER_CACHE}")
        record.info["driver"] = inline_sqlite.InlineDriver(connection, SQLITE_BUSY_TIMEOUT)

    return engine


def _sqlite_reader(url: URL) -> AsyncEngine:
    """In threads: a page may ask for something that takes long, and must not stop the server."""
    engine = create_async_engine(url, pool_size=_READERS, max_overflow=0, pool_timeout=_POOL_TIMEOUT)

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        _pragmas(connection, f"busy_timeout = {SQLITE_BUSY_TIMEOUT}", "query_only = ON")
        _pragmas(connection, f"cache_size = -{_READER_CACHE}")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in (*pragmas, "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


Connection = AsyncConnection
"""A transaction under way."""

AnyRow = Row[*tuple[Any, ...]]
"""A row as it came: columns are its attributes."""
