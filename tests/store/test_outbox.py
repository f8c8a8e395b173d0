"""What endpoints are told, read again: nothing is passed over, whoever commits when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from relevo.domain.deliveries import Delivery, Destination, Lane
from relevo.domain.ids import ConversationId, DeliveryId
from relevo.engine.engine import Engine
from relevo.engine.materials import Workshop
from relevo.store import deliveries, outbox
from relevo.store.database import Connection, Database
from relevo.store.ids import IdBlocks
from relevo.testing.builders import PUBLIC_URL, World, make_engine
from relevo.testing.clock import NOON


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with make_engine(database) as world:
        yield world


def delivery(world: World, conversation: int, id_: int, seq: int) -> Delivery:
    return Delivery(
        id=DeliveryId(id_),
        workspace_id=world.company.workspace.id,
        conversation_id=ConversationId(conversation),
        destination=Destination("endpoint", world.company.endpoint.id),
        event_type="message.sent",
        webhook_id=f"msg_{id_}",
        seq=seq,
        epoch=0,
        body=b"{}",
        created_at=NOON,
    )


async def put(connection: Connection, *new: Delivery) -> None:
    await deliveries.insert_new(connection, new, (), "n")


async def read(world: World, after: int = 0, limit: int = 100) -> outbox.Page:
    company = world.company
    async with world.database.read() as connection:
        return await outbox.of_flow(
            connection, company.flow.id, company.endpoint.id, after_id=DeliveryId(after), limit=limit
        )


def ids(page: outbox.Page) -> list[int]:
    return [told.delivery.id for told in page.told]


async def everything(world: World, limit: int) -> list[int]:
    """All there is, page by page, as a platform reads it."""
    found: list[int] = []
    page = await read(world, 0, limit)
    while True:
        found += ids(page)
        if not page.more:
            return found
        page = await read(world, page.next_id, limit)


@asynccontextmanager
async def somebody(world: World) -> AsyncIterator[int]:
    """A conversation that nothing was told of yet."""
    result = await world.says("Hello", channel=world.company.apichat)
    async with world.database.write() as connection:
        await connection.execute(text("DELETE FROM deliveries"))
    yield result.conversation_id


async def test_pages_follow_each_other_and_the_last_one_says_so(world: World) -> None:
    async with somebody(world) as ana:
        async with world.database.write() as connection:
            await put(connection, *(delivery(world, ana, 100 + n, n) for n in range(1, 8)))

        first = await read(world, limit=3)

        assert (ids(first), first.next_id, first.more) == ([101, 102, 103], 103, True)
        assert await everything(world, 3) == [*range(101, 108)]
        assert not (await read(world, 107)).told
        assert (await read(world, 107)).next_id == 107


async def test_a_page_may_be_empty_and_lead_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows of others lie between, one question looks at some only."""
    monkeypatch.setattr(outbox, "LOOKED_AT", 5)
    bolt = await world.add_company("Bolt")
    async with somebody(world) as ana:
        stranger = (await world.says("Hello", channel=bolt.web)).conversation_id
        async with world.database.write() as connection:
            await connection.execute(text("DELETE FROM deliveries"))
            theirs = [delivery(world, stranger, 200 + n, n) for n in range(1, 13)]
            await put(connection, *theirs, delivery(world, ana, 300, 1))

        first = await read(world)

        assert (ids(first), first.next_id, first.more) == ([], 205, True)
        assert await everything(world, 10) == [300]


async def test_a_place_that_is_not_kept_any_more_is_told(world: World) -> None:
    async with somebody(world) as ana:
        async with world.database.write() as connection:
            await put(connection, *(delivery(world, ana, 100 + n, n) for n in (5, 6)))

        page = await read(world, 104)

        assert (ids(page), page.forgotten) == ([105, 106], True)
        assert not (await read(world, 105)).forgotten
        assert not (await read(world, 0)).forgotten


on_postgresql = pytest.mark.parametrize(
    "database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)]
)


@on_postgresql
async def test_what_was_committed_later_waits_for_what_began_before(world: World) -> None:
    """Else a platform that has read the later one would never see the earlier one."""
    async with somebody(world) as ana:
        async with world.database.write() as slow:
            await put(slow, delivery(world, ana, 900, 1))
            async with world.database.write() as quick:
                await put(quick, delivery(world, ana + 1, 100, 1), delivery(world, ana, 50, 7))
            assert ids(await read(world)) == []

        assert ids(await read(world)) == [900, 50]


@on_postgresql
async def test_a_conversation_is_in_its_order_although_its_transactions_are_not(world: World) -> None:
    """The one that began first waited for the conversation, and committed last."""
    async with somebody(world) as ana, world.database.write() as connection:
        for id_, seq, number in ((10, 1, 3), (11, 2, 7), (12, 3, 5), (13, 4, 9)):
            await put(connection, delivery(world, ana, id_, seq))
            await _set_order(connection, id_, number)

    assert ids(await read(world)) == [10, 11, 12, 13]
    first = await read(world, limit=2)
    assert [(told.delivery.seq, told.id) for told in first.told] == [(1, 10), (2, 10), (3, 12)]
    # Whoever stops behind the second reads it again; nothing is passed over.
    assert [told.delivery.seq for told in (await read(world, 10)).told] == [2, 3, 4]
    assert [told.delivery.seq for told in (await read(world, first.next_id)).told] == [2, 4]


@on_postgresql
async def test_numbers_of_another_cluster_come_first(world: World) -> None:
    bob = (await world.says("Hello", user_id="bob")).conversation_id
    async with somebody(world) as ana, world.database.write() as connection:
        await put(connection, delivery(world, ana, 10, 1), delivery(world, bob, 11, 1))
        await _set_order(connection, 10, 2**40)
    assert ids(await read(world)) == [11]

    async with world.database.write() as connection:
        await outbox.renumber(connection)

    assert ids(await read(world)) == [10, 11]


async def _set_order(connection: Connection, id_: int, number: int) -> None:
    set_ = text("UPDATE deliveries SET commit_order = :number WHERE id = :id")
    await connection.execute(set_, {"number": number, "id": id_})


@on_postgresql
async def test_a_reader_beside_two_processes_misses_nothing_and_sees_each_conversation_in_order(
    world: World,
) -> None:
    await world.says("Hello", channel=world.company.apichat)  # there are counters
    async with another_engine(world) as other:
        engines = [world.engine, other]
        writing = asyncio.gather(*(_talk(world, engines, user) for user in range(4)))
        seen: dict[int, list[int]] = {}
        known: set[str] = set()
        after = 0
        while True:
            was_done = writing.done()
            page = await read(world, after, limit=7)
            for told in page.told:
                if told.delivery.webhook_id not in known:
                    known.add(told.delivery.webhook_id)
                    seen.setdefault(told.delivery.conversation_id, []).append(told.delivery.seq)
            after = page.next_id
            if was_done and not page.more:
                break
        await writing

    for conversation, seqs in seen.items():
        assert seqs == [*range(1, len(seqs) + 1)], conversation
        state = await world.conversation(ConversationId(conversation))
        assert state.webhook_seqs[world.company.endpoint.id] == len(seqs)
    assert len(seen) == 5


async def _talk(world: World, engines: list[Engine], user: int) -> None:
    here = World(**{name: getattr(world, name) for name in World.__struct_fields__})
    for number in range(12):
        here.engine = engines[(user + number) % 2]
        await here.says(f"{number}", user_id=f"user-{user}")


@asynccontextmanager
async def another_engine(world: World) -> AsyncIterator[Engine]:
    """Of another process: with blocks of ids of its own."""
    numbers = IdBlocks(world.database)
    workshop = Workshop(ids=numbers, chance=world.chance, public_url=lambda: PUBLIC_URL, media_key=b"media")
    given: dict[str, Any] = {name: getattr(world, name) for name in _ALIKE}
    engine = Engine(**given, ids=numbers, workshop=workshop)
    running = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        engine.stop()
        await running


_ALIKE = ("database", "catalog", "carriers", "hub", "clock", "chance")


async def test_one_conversation_after_a_seq(world: World) -> None:
    async with somebody(world) as ana:
        async with world.database.write() as connection:
            await put(connection, *(delivery(world, ana, 500 - n, n) for n in range(1, 6)))

        lane = Lane(ConversationId(ana), Destination("endpoint", world.company.endpoint.id))
        async with world.database.read() as connection:
            found = await outbox.of_conversation(connection, lane, after_seq=2, limit=2)

    assert [one.seq for one in found] == [3, 4]
