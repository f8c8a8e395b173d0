"""SQLite inside the event loop's thread, for the one connection that writes.

The usual driver hands every statement to a thread and back, three times over. A statement of a
batch takes some microseconds, a hand-over many times that: measured on two cores, a batch cost
five times as much. So statements run where they are; only what may wait for the disk or for another
process (COMMIT, a busy BEGIN) goes to a thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool
from sqlalchemy.util.concurrency import await_

DRIVER = "sqlite+inline"
T = TypeVar("T")

_TRIES = 50  # at switching to a write-ahead log


class _Nothing:
    """Is there at once. SQLAlchemy takes a driver that never awaits for a mistake."""

    def __await__(self) -> Iterator[None]:
        return iter(())


_NOTHING: Any = _Nothing()


class InlineCursor(sqlite3.Cursor):
    """A cursor of which an `AsyncEngine` can ask what it asks of its own."""

    async def _async_soft_close(self) -> None:
        """Nothing is fetched ahead, so there is nothing to put away."""


class InlineConnection(sqlite3.Connection):
    """The connection that makes such cursors; for `connect_args`."""

    def cursor(self, factory: Any = InlineCursor) -> Any:
        return super().cursor(factory)


class InlineSQLite(SQLiteDialect_pysqlite):
    """The standard library's driver for an `AsyncEngine`: most of it never waits."""

    driver = "inline"
    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        return AsyncAdaptedQueuePool

    def do_execute(self, cursor: Any, statement: Any, parameters: Any, context: Any = None) -> None:
        cursor.execute(statement, parameters)
        await_(_NOTHING)

    def do_executemany(self, cursor: Any, statement: Any, parameters: Any, context: Any = None) -> None:
        cursor.executemany(statement, parameters)
        await_(_NOTHING)

    # `Database.write` begins and ends every transaction itself.

    def do_begin(self, dbapi_connection: Any) -> None:
        pass

    def do_commit(self, dbapi_connection: Any) -> None:
        pass

    def do_rollback(self, dbapi_connection: Any) -> None:
        pass


def use_wal(connection: Any) -> None:
    """Have the database write ahead. SQLite does not wait for another process that is switching at
    this moment, whatever the busy timeout: so a transaction, which does wait, is put between the tries."""
    cursor = connection.cursor()
    for _ in range(_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
    cursor.close()


class InlineDriver:
    """The connection below SQLAlchemy: transactions, and the statements of the hot path."""

    def __init__(self, connection: sqlite3.Connection, busy_timeout: int) -> None:
        self._connection, self._busy_timeout = connection, busy_timeout

    async def begin(self) -> None:
        """Begin to write; while another process writes, wait in a thread, `busy_timeout` ms at most.

        IMMEDIATE: a transaction that turns from reading to writing cannot wait, it fails. The
        connection itself must not wait (`busy_timeout` 0): it would stop the loop.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            await self._begin_when_free()

    async def _begin_when_free(self) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {self._busy_timeout}")
        try:
            await _in_thread(lambda: self._connection.execute("BEGIN IMMEDIATE"))
        finally:
            self._connection.execute("PRAGMA busy_timeout = 0")

    async def commit(self) -> None:
        """Make the transaction durable: the disk is waited for in a thread."""
        await _in_thread(self._connection.commit)

    async def rollback(self) -> None:
        self._connection.rollback()

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        return self._connection.execute(sql, parameters).fetchall()

    async def many(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(sql, parameters)


async def _in_thread(work: Callable[[], object]) -> None:
    """Nobody else may use the connection meanwhile: a caller that is cancelled waits all the same."""
    await to_its_end(asyncio.get_running_loop().run_in_executor(None, work))


async def to_its_end(work: Awaitable[T]) -> T:
    """Await what a thread does with a connection. However often the caller is cancelled, it hears of it
    afterwards."""
    done = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        while not done.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([done])
        _ = done.cancelled() or done.exception()  # of no use to anybody now
        raise


registry.register("sqlite.inline", __name__, InlineSQLite.__name__)
