"""What the database does to a commit, and what the callers hear of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from relevo.domain.errors import Busy, Unavailable
from relevo.domain.events import AgentReplied, ByConversation
from relevo.domain.messages import Text
from relevo.engine import engine as engines
from relevo.store import directory, tables
from relevo.store.database import Connection, Database, Transient
from relevo.store.ids import BLOCKS
from relevo.testing.builders import World, make_engine
from relevo.testing.fake_http import Asked, Reply, reply
from tests.couriers.carrying import carrying


@asynccontextmanager
async def faulty(
    database: Database, *, before: list[Exception], after: list[Exception]
) -> AsyncIterator[None]:
    """Transactions fail, each with the next of these faults: before anything is done, or after the commit."""
    write = database.write

    @asynccontextmanager
    async def failing() -> AsyncIterator[Connection]:
        if before:
            raise before.pop(0)
        async with write() as connection:
            yield connection
        if after:
            raise after.pop(0)

    database.write = failing  # type: ignore[method-assign]
    try:
        yield
    finally:
        database.write = write  # type: ignore[method-assign]


async def run_clock(world: World, work: Callable[[], Any]) -> Any:
    """Do something during which the engine pauses between its tries."""
    doing = asyncio.ensure_future(work())
    while not doing.done():
        sleeping = asyncio.ensure_future(world.clock.until_sleeping())
        await asyncio.wait({doing, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        sleeping.cancel()
        world.clock.advance(timedelta(seconds=1))
    return doing.result()


async def test_a_broken_off_transaction_is_tried_again(database: Database) -> None:
    async with make_engine(database) as world:
        await world.says("agent")
        async with faulty(database, before=[Transient(), Transient()], after=[]):
            result = await run_clock(world, lambda: world.says("Is it in stock?"))

        texts = [message.content for message in await world.messages(result.conversation_id)]
        assert texts.count(Text("Is it in stock?")) == 1


@pytest.mark.parametrize("database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def test_a_commit_whose_answer_was_lost_is_found_and_not_done_twice(database: Database) -> None:
    async with make_engine(database) as world:
        conversation = ByConversation((await world.says("Hi")).conversation_id)
        reply_ = AgentReplied(
            to=conversation, contents=(Text("Hello!"),)
        )  # nothing in it tells it from another
        async with faulty(database, before=[], after=[Transient()]):
            result = await run_clock(world, lambda: world.submit(reply_))

        texts = [message.content for message in await world.messages(result.conversation_id)]
        assert texts.count(Text("Hello!")) == 1


async def test_while_the_database_is_away_nothing_is_accepted_and_then_all_goes_on(
    database: Database,
) -> None:
    async with make_engine(database) as world:
        await world.says("agent")
        async with faulty(database, before=[Unavailable()], after=[]):
            with pytest.raises(Unavailable):
                await world.says("lost?", mid="m1")
        again = await world.says("lost?", mid="m1")

        assert not again.duplicate


async def test_an_outcome_is_recorded_when_the_database_is_back(database: Database) -> None:
    """What the platform acknowledged meanwhile is not sent again."""
    down: list[Exception] = []

    def answer(_: object) -> Any:
        down.extend([Unavailable(), Unavailable()])
        return reply()

    async with carrying(database, answer) as here:
        await here.world.says("agent")
        async with faulty(database, before=down, after=[]):
            await here.world.says("Is it in stock?")
            await run_clock(here.world, here.couriers.until_idle)

        assert [row.state for row in await here.rows()] == ["done"]
        assert len(here.posted()) == 1


async def test_beyond_its_bound_the_engine_says_that_it_is_busy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_engine(database) as world:
        monkeypatch.setattr(engines, "MAX_WAITING", 3)
        results = await asyncio.gather(
            *(world.says("Hi", user_id=str(n)) for n in range(10)), return_exceptions=True
        )

        assert [type(one) for one in results[3:]] == [Busy] * 7
        assert not any(isinstance(one, Exception) for one in results[:3])


async def test_what_waits_when_the_engine_stops_is_still_committed(database: Database) -> None:
    async with make_engine(database) as world:
        waiting = asyncio.ensure_future(world.says("Hi"))
        await asyncio.sleep(0)  # noqa: TID251 – submitted, not committed
        world.engine.stop()

        assert (await waiting).message_ids
        with pytest.raises(Busy):
            await world.says("Too late")


async def test_what_somebody_asked_for_is_committed_though_they_went_away(database: Database) -> None:
    async with make_engine(database) as world:
        first = await world.says("Hi")
        asking = asyncio.ensure_future(world.says("agent"))
        other = asyncio.ensure_future(world.says("Hi", user_id="other"))
        await asyncio.sleep(0)  # noqa: TID251 – submitted, not committed
        asking.cancel()
        await other

        texts = [message.content for message in await world.messages(first.conversation_id)]
        assert Text("agent") in texts


async def test_outcomes_alone_have_ids_for_what_they_bring_along(database: Database) -> None:
    """In a process that only carries, no event ever reserves any."""
    used_up: list[World] = []

    def answer(_: Asked) -> Reply:
        for world in used_up:
            world.ids._free = {name: deque() for name in BLOCKS}
        return reply()

    async with carrying(database, answer) as here:
        async with database.write() as connection:
            await connection.execute(tables.endpoints.update().values(events='["message.status"]'))
            await directory.touch(connection)
        await here.world.catalog.refresh(at_once=True)
        used_up.append(here.world)

        async with asyncio.timeout(10):
            await here.world.says("Hello", channel=here.world.company.apichat)
            await here.settle_down()

        assert [row.event_type for row in await here.rows()] == ["message.status"]
