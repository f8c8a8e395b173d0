"""Schedules: once for everybody whom they are for, at their time, whatever dies in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from relevo.domain.events import ByConversation, SubscriberChanged
from relevo.domain.flows.runs import AddTag
from relevo.domain.ids import ConversationId
from relevo.domain.messages import plain_text
from relevo.engine import scheduling
from relevo.engine.scheduling import Scheduling
from relevo.store import schedules
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine
from tests.clocks import let_pass

FLOW = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: schedule, cron: "0 * * * *", when: {tag: customer}, do: news}
subflows:
  welcome: [{send: Hello.}]
  news: [{send: News!}]
"""


def of(world: World) -> Scheduling:
    return Scheduling(database=world.database, engine=world.engine, catalog=world.catalog, clock=world.clock)


async def all_of_it(one: Scheduling) -> None:
    while await one.step():
        pass


async def people(world: World, number: int) -> list[ConversationId]:
    """Customers, and as many others."""
    found = []
    for index in range(number):
        id_ = (await world.says("Hello", user_id=f"customer-{index}")).conversation_id
        await world.submit(SubscriberChanged(to=ByConversation(id_), acts=(AddTag("customer"),)))
        await world.says("Hello", user_id=f"other-{index}")
        found.append(id_)
    return found


async def heard(world: World, ids: list[ConversationId]) -> list[int]:
    """How often each has heard the news."""
    said = [[plain_text(one.content) for one in await world.messages(id_)] for id_ in ids]
    return [texts.count("News!") for texts in said]


async def test_everybody_whom_it_is_for_is_told_once_each_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "AT_ONCE", 2)
    async with make_engine(database, flow=FLOW) as world:
        one, ids = of(world), await people(world, 5)
        await all_of_it(one)
        assert await heard(world, ids) == [0] * 5  # what was before it was published does not count

        world.clock.advance(timedelta(minutes=59))
        await all_of_it(one)
        assert await heard(world, ids) == [0] * 5
        world.clock.advance(timedelta(minutes=1))
        await all_of_it(one)
        await all_of_it(one)
        assert await heard(world, ids) == [1] * 5
        world.clock.advance(timedelta(hours=1))
        await all_of_it(one)
        assert await heard(world, ids) == [2] * 5


async def test_after_an_outage_the_last_time_counts_and_no_other(database: Database) -> None:
    async with make_engine(database, flow=FLOW) as world:
        ids = await people(world, 2)
        await all_of_it(of(world))

        world.clock.advance(timedelta(hours=30))
        await all_of_it(of(world))

        assert await heard(world, ids) == [1, 1]


async def test_a_process_that_dies_half_way_is_followed_by_another(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has told a page and not noted it: nobody hears it twice, and nobody misses it."""
    monkeypatch.setattr(scheduling, "AT_ONCE", 2)
    async with make_engine(database, flow=FLOW) as world:
        ids = await people(world, 5)
        await all_of_it(of(world))
        world.clock.advance(timedelta(hours=1))

        async def dies(*_: object) -> None:
            raise RuntimeError("killed")

        with monkeypatch.context() as dying:
            dying.setattr(schedules, "save", dies)
            with pytest.raises(RuntimeError):
                await of(world).step()
        await all_of_it(of(world))
        assert sum(await heard(world, ids)) == 2  # its claim still runs
        await let_pass(database, world.clock, scheduling.LEASE)
        await all_of_it(of(world))

        assert await heard(world, ids) == [1] * 5


async def test_several_processes_tell_nobody_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "AT_ONCE", 1)
    async with make_engine(database, flow=FLOW) as world:
        ids, processes = await people(world, 4), [of(world) for _ in range(3)]
        await asyncio.gather(*(all_of_it(one) for one in processes))
        world.clock.advance(timedelta(hours=1))
        for _ in range(6):
            await asyncio.gather(*(all_of_it(one) for one in processes))

        assert await heard(world, ids) == [1] * 4


async def test_who_has_no_schedules_asks_once(database: Database) -> None:
    async with make_engine(database) as world:
        one = of(world)
        assert not await one.step()

        assert not one._has_some
        assert not await one.step()
