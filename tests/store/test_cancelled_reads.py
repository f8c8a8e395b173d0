"""Whoever reads may go at any moment: the connection stays whole, and the database can be closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import anyio
import pytest
from sqlalchemy import event, text

from relevo.domain.errors import Unavailable
from relevo.store.database import Database, StoreFault
from relevo.store.inline_sqlite import to_its_end
from relevo.system.clock import SystemClock
from relevo.testing.clock import let_others_run

ROUNDS = 60
SLOW = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 9000) "
    "SELECT max(x) FROM n",
    "postgresql": "SELECT max(x) FROM generate_series(1, 9000) AS n(x)",
}


async def read(database: Database, kind: str) -> None:
    for _ in range(3):
        async with database.read() as connection:
            for _ in range(2):
                await connection.execute(text(SLOW[kind]))


async def cancelled(reading: Callable[[], Coroutine[Any, Any, None]], after: int) -> None:
    """As `asyncio` cancels a task."""
    task = asyncio.ensure_future(reading())
    await _let_run(after)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def left(reading: Callable[[], Coroutine[Any, Any, None]], after: int) -> None:
    """As a framework cancels whatever a request began: again at every step."""
    async with anyio.create_task_group() as group:
        group.start_soon(reading)
        await _let_run(after)
        group.cancel_scope.cancel()


async def _let_run(steps: int) -> None:
    for _ in range(steps):
        await SystemClock().sleep(0)


@pytest.mark.parametrize("how", [cancelled, left])
async def test_cancelled_reads_leave_nothing_behind(
    database_kind: str, swept_database_url: str, how: Callable[[Any, int], Awaitable[None]]
) -> None:
    database = Database(swept_database_url)
    opened: list[Any] = []
    event.listen(database._reader.sync_engine, "connect", lambda *new: opened.append(new))

    async with asyncio.timeout(60):
        for number in range(ROUNDS):
            await how(lambda: read(database, database_kind), number * 10)
        await read(database, database_kind)
        pool: Any = database._reader.sync_engine.pool
        assert pool.checkedout() == 0
        await database.close()

    if database_kind == "sqlite":
        assert len(opened) == 1  # not one of them had to be thrown away


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_reader_that_is_cancelled_hears_of_it_and_a_statement_that_fails_then_is_nobodys(
    swept_database_url: str,
) -> None:
    database = Database(swept_database_url)

    async def wrong() -> None:
        async with database.read() as connection:
            await connection.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises((StoreFault, Unavailable)):
        await wrong()
    for steps in range(12):
        task = asyncio.ensure_future(wrong())
        await _let_run(steps)
        if task.cancel():
            with pytest.raises((asyncio.CancelledError, StoreFault, Unavailable)):
                await task
    await database.close()


async def test_a_caller_who_is_cancelled_twice_waits_all_the_same() -> None:
    """A commit goes on in its thread: whoever came next would use the connection beside it."""
    work: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    caller = asyncio.ensure_future(to_its_end(work))
    for _ in range(2):
        await let_others_run()
        caller.cancel()
    await let_others_run()

    assert not caller.done()
    work.set_result(1)
    with pytest.raises(asyncio.CancelledError):
        await caller
