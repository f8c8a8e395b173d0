"""Custom events: kept, found again, and counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relevo.domain.custom_events import CustomEvent, EventValues
from relevo.domain.date_ranges import Day, days_between
from relevo.domain.events import ByConversation, ByUser, CustomEventLogged, SubscriberChanged
from relevo.domain.ids import ConversationId
from relevo.store import configuring, custom_events, tables
from relevo.store.custom_events import Count, Logged
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with make_engine(database) as world:
        yield world


async def declare(world: World, name: str) -> CustomEvent:
    company = world.company
    async with world.database.write() as connection:
        await configuring.lock(connection)
        return await custom_events.ensure(
            connection, company.workspace.id, company.flow.id, name, world.clock.now()
        )


async def person(world: World, user_id: str) -> ConversationId:
    to = ByUser(world.company.web.id, user_id)
    return (await world.submit(SubscriberChanged(to=to))).conversation_id


async def log(world: World, event: CustomEvent, whom: ConversationId, **values: object) -> None:
    logged = CustomEventLogged(
        to=ByConversation(whom),
        custom_event=event,
        values=EventValues(**values),  # type: ignore[arg-type]
    )
    await world.submit(logged)


def days(world: World, count: int, zone: str = "UTC") -> list[Day]:
    """So many days up to today."""
    tomorrow = world.clock.now().astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    return days_between(tomorrow - timedelta(days=count), tomorrow, zone)


async def page(world: World, event: CustomEvent, **asked: int) -> list[Logged]:
    now = world.clock.now()
    how: Any = {"since": now - timedelta(days=10), "until": now, "start_id": 0, "limit": 100, **asked}
    async with world.database.read() as connection:
        return await custom_events.data(connection, event.id, **how)


async def test_an_event_is_kept_with_its_values_and_belongs_to_one_kind_and_person(world: World) -> None:
    bought, left = await declare(world, "bought"), await declare(world, "left")
    ana = await person(world, "ana")

    await log(world, bought, ana, text="mug", price=9.9, number=2)
    await log(world, left, ana)

    (first,), (second,) = await page(world, bought), await page(world, left)
    assert (first.conversation_id, first.at) == (ana, world.clock.now())
    assert first.values == EventValues(text="mug", price=9.9, number=2)
    assert second.values == EventValues()


async def test_a_name_that_is_there_is_the_same_event(world: World) -> None:
    assert await declare(world, "bought") == await declare(world, "bought")
    await world.catalog.refresh(at_once=True)
    found = world.catalog.directory.custom_event(world.company.flow.id, "bought")
    assert found == await declare(world, "bought")


async def test_a_cursor_goes_through_everything_once_in_the_order_of_time(world: World) -> None:
    event, ana = await declare(world, "bought"), await person(world, "ana")
    for number in range(7):
        await log(world, event, ana, number=number)
        if number % 2:
            world.clock.advance(timedelta(seconds=1))

    seen: list[float | None] = []
    start_id = 0
    while rows := await page(world, event, start_id=start_id, limit=3):
        seen += [row.values.number for row in rows]
        start_id = rows[-1].id + 1

    assert seen == [0, 1, 2, 3, 4, 5, 6]


async def test_a_span_has_what_happened_in_it(world: World) -> None:
    event, ana = await declare(world, "bought"), await person(world, "ana")
    for number in range(3):
        await log(world, event, ana, number=number)
        world.clock.advance(timedelta(hours=1))

    since = world.clock.now() - timedelta(hours=2)
    async with world.database.read() as connection:
        rows = await custom_events.data(connection, event.id, since=since, until=since, start_id=0, limit=100)
    assert [row.values.number for row in rows] == [1]


async def test_a_summary_counts_times_and_people_by_day_and_by_text(world: World) -> None:
    event = await declare(world, "bought")
    ana, bob = await person(world, "ana"), await person(world, "bob")
    await log(world, event, ana, text="mug")
    await log(world, event, ana, text="mug")
    await log(world, event, bob, text="cup")
    world.clock.advance(timedelta(days=1))
    await log(world, event, bob, text="mug")
    await log(world, await declare(world, "left"), ana, text="mug")

    found = await summary(world, event, days(world, 3))

    today = world.clock.now().date()
    assert found.total == Count(4, 2)
    assert found.days == {today - timedelta(days=1): Count(3, 2), today: Count(1, 1)}
    assert list(found.texts.items()) == [("mug", Count(3, 2)), ("cup", Count(1, 1))]


async def test_days_begin_when_they_do_in_the_zone(world: World) -> None:
    event, ana = await declare(world, "bought"), await person(world, "ana")
    tonight = world.clock.now().replace(hour=20, minute=30)
    world.clock.advance(tonight - world.clock.now())
    await log(world, event, ana)

    found = await summary(world, event, days(world, 2, "Asia/Tokyo"))

    assert list(found.days) == [tonight.astimezone(ZoneInfo("Asia/Tokyo")).date()]


async def test_a_summary_of_nothing_is_empty(world: World) -> None:
    found = await summary(world, await declare(world, "bought"), days(world, 90))

    assert (found.total, found.days, found.texts) == (Count(), {}, {})


async def summary(world: World, event: CustomEvent, spans: Sequence[Day]) -> custom_events.Summary:
    async with world.database.read() as connection:
        return await custom_events.summary(connection, event.id, spans)


async def test_those_to_whom_it_happened_are_found_once_each(world: World) -> None:
    event = await declare(world, "bought")
    ana, bob = await person(world, "ana"), await person(world, "bob")
    await person(world, "eve")
    for whom in (ana, bob, ana):
        await log(world, event, whom)

    async with world.database.read() as connection:
        rows: Any = (await connection.execute(custom_events.subscribers_of(event.id))).scalars().all()
    assert sorted(map(int, rows)) == [ana, bob]


async def test_many_at_once_are_kept_in_one_commit(world: World) -> None:
    event = await declare(world, "bought")
    people = [await person(world, f"user-{number}") for number in range(5)]

    await asyncio.gather(*(log(world, event, whom) for whom in people for _ in range(3)))

    assert len(await page(world, event)) == 15


async def test_a_deleted_event_is_forgotten_a_piece_at_a_time_and_its_name_is_free(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom_events, "AT_ONCE", 2)
    sold, kept = await declare(world, "sold"), await declare(world, "kept")
    people = [await person(world, f"u{number}") for number in range(3)]
    for whom in people:
        await log(world, sold, whom)
        await log(world, kept, whom)

    async with world.database.write() as connection:
        await custom_events.let_go(connection, sold, world.clock.now())
    again = await declare(world, "sold")
    await world.catalog.refresh(at_once=True)
    known = set(world.catalog.directory.custom_events)
    steps = 0
    while await world.sweeping.step():
        steps += 1

    assert again.id != sold.id
    assert known == {kept.id, again.id}
    assert steps == 3
    assert [len(await page(world, one)) for one in (sold, kept, again)] == [0, 3, 0]
    async with world.database.read() as connection:
        for one, there in ((sold, 0), (kept, 3)):
            held = (await connection.execute(custom_events.subscribers_of(one.id))).all()
            assert len(held) == there
        rows = (await connection.execute(tables.custom_events.select())).all()
        latest = await custom_events.latest(connection, kept.id, before_id=None, limit=2)
        before = await custom_events.latest(connection, kept.id, before_id=latest[-1].id, limit=2)
    assert {row.id for row in rows} == {kept.id, again.id}
    assert [one.conversation_id for one in [*latest, *before]] == people[::-1]
