"""A claim that nobody follows up holds its lane: none is kept, whatever the database does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from relevo.couriers.couriers import LEASE
from relevo.domain.deliveries import Unreachable
from relevo.domain.errors import Unavailable
from relevo.store import deliveries
from relevo.store.database import Connection, Database, StoreFault
from relevo.testing.fake_http import Asked, Reply, reply
from tests.couriers.carrying import carrying


@contextmanager
def unheard(database: Database) -> Iterator[None]:
    """What is written is committed, and the answer lost."""
    write = database.write

    @asynccontextmanager
    async def failing() -> AsyncIterator[Connection]:
        async with write() as connection:
            yield connection
        raise Unavailable(cause="unheard")

    database.write = failing  # type: ignore[method-assign]
    try:
        yield
    finally:
        database.write = write  # type: ignore[method-assign]


async def test_a_claim_that_could_not_be_freed_is_freed_when_the_database_is_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    faults, release = [Unavailable(cause="away")], deliveries.release

    async def hang(_: Asked) -> Reply:
        return await answer

    async def release_later(*given: Any) -> None:
        if faults:
            raise faults.pop()
        await release(*given)

    monkeypatch.setattr(deliveries, "release", release_later)
    async with carrying(database, hang) as here:
        for word in ("agent", "one", "two"):
            await here.world.says(word)
        here.world.clock.advance(2 * LEASE)  # so that the lane is let go after the first

        answer.set_result(reply())
        async with asyncio.timeout(10):
            await here.world.clock.until_sleeping()
        here.world.clock.advance(timedelta(seconds=1))
        await here.couriers.until_idle()

        assert [(row.state, row.claimed_by) for row in await here.rows()] == [
            ("done", None),
            ("waiting", None),
        ]


async def test_claims_whose_answer_was_lost_are_given_up(database: Database) -> None:
    async with carrying(database, [Unreachable("connect"), reply()]) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.couriers.until_idle()
        here.world.clock.advance(timedelta(seconds=6))

        with unheard(database), pytest.raises(Unavailable):
            await here.couriers.claim_due()
        await here.later(timedelta(seconds=3))  # the next renewal, long before the lease ends

        assert timedelta(seconds=3) < LEASE
        assert [row.state for row in await here.rows()] == ["done"]


async def test_claims_that_a_fault_keeps_from_being_freed_are_given_up_with_all_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    async def hang(_: Asked) -> Reply:
        return await answer

    async def fail(*_: Any) -> None:
        raise StoreFault("nobody thought of this")

    async with carrying(database, hang) as here:
        for word in ("agent", "one", "two"):
            await here.world.says(word)
        here.world.clock.advance(2 * LEASE)  # so that the lane is let go after the first
        with monkeypatch.context() as broken:
            broken.setattr(deliveries, "release", fail)
            answer.set_result(reply())
            await here.couriers.until_idle()
        await here.later(timedelta(seconds=3))  # the next renewal

        assert [row.state for row in await here.rows()] == ["done", "done"]
