"""The database of a simulated installation: real SQLite on a file in memory, that fails on command.

Nothing of it is in a thread. Readers see the last commit (a write-ahead log); writers take turns. As
"PostgreSQL" it is shared by processes, breaks connections off, and loses the answers to commits: what is
missing is that two transactions write at the same time.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.dialects import registry
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util.concurrency import await_

from relevo.store import database as databases
from relevo.store.inline_sqlite import InlineConnection, InlineDriver, InlineSQLite
from simulation.loop import LIFE, Life
from simulation.world import World

SERVER: ContextVar[Server | None] = ContextVar("server", default=None)


class Raw(InlineConnection):
    """A connection to the file, and whose it is."""

    life: Life | None = None
    reads = False
    is_lost = False
    """The client has lost it. It may still commit by itself."""


class Server:
    """What all processes share: the file, the turn to write, and the faults."""

    def __init__(self, world: World, path: Path) -> None:
        SERVER.set(self)
        self.world, self.path = world, path
        self._connections: list[Raw] = []
        self._holder: Raw | None = None
        self._waiting: deque[tuple[Raw, asyncio.Future[None]]] = deque()
        self.after_commit: Callable[[], None] = lambda: None

    def connect(self, *, reads: bool) -> Raw:
        raw = sqlite3.connect(self.path, factory=Raw, isolation_level=None, check_same_thread=False)
        raw.life, raw.reads = LIFE.get(), reads
        for pragma in ("synchronous = OFF", "foreign_keys = ON", "busy_timeout = 0"):
            raw.execute(f"PRAGMA {pragma}")
        self._connections.append(raw)
        return raw

    def disconnect(self, life: Life | None) -> None:
        """A process is dead: what it had not committed is gone."""
        for raw in [one for one in self._connections if one.life is life and not one.is_lost]:
            self._connections.remove(raw)
            self.end_turn(raw)
            raw.rollback()
            raw.close()

    def close(self) -> None:
        for raw in self._connections:
            raw.close()

    # Turns

    async def take_turn(self, raw: Raw) -> None:
        if self._holder is None:
            self._holder = raw
            return
        woken = asyncio.get_running_loop().create_future()
        self._waiting.append((raw, woken))
        await woken

    def end_turn(self, raw: Raw) -> None:
        """Let the next one write; nothing if it was not this one's turn."""
        if self._holder is not raw:
            return
        self._holder = None
        while self._waiting and self._holder is None:
            following, woken = self._waiting.popleft()
            if not woken.done() and following.life is not None and following.life.is_alive:
                self._holder = following
                woken.set_result(None)

    # Faults

    async def strike(self, raw: Raw, where: str) -> None:
        """What may happen at a statement: a delay, a fault."""
        if raw.life is None:
            return
        rates = self.world.plan.rates
        if self.world.strikes(rates.slow):
            await asyncio.sleep(self.world.chance.expovariate(5))
        elif raw.reads or self.world.plan.kind == "postgresql":
            await asyncio.sleep(0)
        if self.world.is_down("database") or self.world.strikes(rates.unavailable):
            self.fail(raw, where, self._unavailable())
        if self.world.strikes(rates.broken) and (self.world.plan.kind == "postgresql" or where == "begin"):
            self.fail(raw, where, self._broken())
        if where == "batch" and self.world.strikes(rates.refused):
            self.fail(raw, where, sqlite3.IntegrityError("refused by the simulation"))

    def fail(self, raw: Raw, where: str, fault: Exception) -> None:
        self.world.tell("database.fault", where=where, fault=type(fault).__name__)
        raw.rollback()
        self.end_turn(raw)
        raise fault

    def _broken(self) -> Exception:
        if self.world.plan.kind == "sqlite":
            return sqlite3.OperationalError("database is locked")
        kinds: tuple[type[Exception], ...] = (
            asyncpg.DeadlockDetectedError,
            asyncpg.ConnectionDoesNotExistError,
            asyncpg.AdminShutdownError,
        )
        return self.world.chance.choice(kinds)("broken off by the simulation")

    def _unavailable(self) -> Exception:
        if self.world.plan.kind == "sqlite":
            return sqlite3.OperationalError(self.world.chance.choice(("disk I/O error", "disk is full")))
        refused, too_many = ConnectionRefusedError("simulated"), asyncpg.TooManyConnectionsError("simulated")
        return self.world.chance.choice((refused, too_many))

    async def commit(self, raw: Raw, driver: FaultyDriver) -> None:
        rates = self.world.plan.rates
        if self.world.is_down("database"):
            self.fail(raw, "commit", self._unavailable())
        if self.world.strikes(rates.commit_broken):
            self.fail(raw, "commit", self._broken())
        if self.world.strikes(rates.commit_late):
            self._commit_later(raw)
        await driver.commit_now()
        self.end_turn(raw)
        self.after_commit()
        if self.world.strikes(rates.commit_unheard):
            self.fail(raw, "committed", asyncpg.ConnectionDoesNotExistError("simulated"))

    def _commit_later(self, raw: Raw) -> None:
        """The client's connection breaks while the server commits: that takes its time."""
        raw.is_lost = True
        self.world.later(self.world.chance.expovariate(3), self._commit_alone, raw)
        self.world.tell("database.fault", where="commit", fault="late")
        raise asyncpg.ConnectionDoesNotExistError("simulated")

    def _commit_alone(self, raw: Raw) -> None:
        self.world.tell("database.late_commit")
        raw.commit()
        self.end_turn(raw)
        self.after_commit()


class FaultyDriver(InlineDriver):
    """The product's own driver, with a chance to fail before each of its steps."""

    def __init__(self, raw: Raw) -> None:
        super().__init__(raw, busy_timeout=0)
        self._raw = raw

    async def begin(self) -> None:
        server = _server()
        await server.strike(self._raw, "begin")
        await server.take_turn(self._raw)
        await super().begin()

    async def commit(self) -> None:
        if self._raw.life is None:
            return await super().commit()
        await _server().commit(self._raw, self)

    async def commit_now(self) -> None:
        await super().commit()

    async def rollback(self) -> None:
        if self._raw.is_lost or (self._raw.life is not None and not self._raw.life.is_alive):
            return
        self._raw.rollback()
        _server().end_turn(self._raw)

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        await _server().strike(self._raw, "batch")
        return await super().rows(sql, parameters)

    async def many(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        is_mark = "INTO commits" in sql  # nothing of what people write is in it that could be refused
        await _server().strike(self._raw, "statement" if is_mark else "batch")
        with _as_postgresql_says():
            await super().many(sql, parameters)


@contextmanager
def _as_postgresql_says() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        if _server().world.plan.kind == "sqlite" or "UNIQUE" not in str(error):
            raise
        raise asyncpg.UniqueViolationError(str(error)) from error


def _server() -> Server:
    server = SERVER.get()
    assert server is not None, "this is not a simulation"
    return server


class SimulatedSQLite(InlineSQLite):
    """The product's dialect; what SQLAlchemy executes has a chance to fail, too."""

    driver = "simulated"
    supports_statement_cache = True

    def do_execute(self, cursor: Any, statement: Any, parameters: Any, context: Any = None) -> None:
        await_(_server().strike(cursor.connection, "statement"))
        super().do_execute(cursor, statement, parameters, context)

    def do_executemany(self, cursor: Any, statement: Any, parameters: Any, context: Any = None) -> None:
        await_(_server().strike(cursor.connection, "statement"))
        super().do_executemany(cursor, statement, parameters, context)

    def do_begin(self, dbapi_connection: Any) -> None:
        if dbapi_connection.reads:
            dbapi_connection.execute("BEGIN")

    def do_commit(self, dbapi_connection: Any) -> None:
        if dbapi_connection.reads:
            dbapi_connection.commit()

    def do_rollback(self, dbapi_connection: Any) -> None:
        if dbapi_connection.reads:
            dbapi_connection.rollback()

    def do_close(self, dbapi_connection: Any) -> None:
        """The server closes its connections itself."""

    def do_terminate(self, dbapi_connection: Any) -> None:
        """The same."""


class SimulatedDatabase(databases.Database):
    """The product's own `Database`, for one process, on connections of the simulated server."""

    def __init__(self, *, is_sqlite: bool) -> None:
        self.is_sqlite = is_sqlite
        self._reader, self._writer = _engine(reads=True), _engine(reads=False)
        self._only_writer = databases._OnlyWriter(self._writer) if is_sqlite else None


def _engine(*, reads: bool) -> AsyncEngine:
    """A pool of its own. What was compiled is shared: compiling takes longer than a whole run."""
    made = _first_engine(reads)
    pool = made.pool.recreate()
    options = {"compiled_cache": _COMPILED}
    return AsyncEngine(Engine(pool, made.dialect, made.url, execution_options=options))


_COMPILED: dict[Any, Any] = {}


@cache
def _first_engine(reads: bool) -> Engine:
    engine = create_async_engine(
        "sqlite+simulated://",
        creator=lambda: _server().connect(reads=reads),
        pool_size=10,
        max_overflow=5,
        pool_timeout=5,
        pool_reset_on_return="rollback" if reads else None,
    ).sync_engine

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        record.info["driver"] = FaultyDriver(connection)

    @event.listens_for(engine, "checkout")
    def check(connection: Any, _record: Any, _proxy: Any) -> None:
        if connection.is_lost:
            raise DisconnectionError

    return engine


registry.register("sqlite.simulated", __name__, SimulatedSQLite.__name__)
