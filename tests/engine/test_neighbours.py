"""What processes on one PostgreSQL tell each other, and what they keep to themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import asyncpg
import msgspec
import pytest

from relevo.domain.events import AgentReplied, ByConversation
from relevo.domain.ids import ConversationId, WorkspaceId
from relevo.domain.messages import MessageStatus, Text
from relevo.engine import neighbours
from relevo.engine.hub import (
    Hub,
    Listener,
    LookAgain,
    Notice,
    StatusChanged,
    Typing,
    conversation_topic,
)
from relevo.engine.neighbours import Neighbours
from relevo.store import directory, notices
from relevo.store.database import Database
from relevo.store.notices import LONGEST
from relevo.system.clock import Clock, SystemClock
from relevo.testing.builders import make_engine
from relevo.testing.clock import FakeClock

CHANGED = LookAgain(WorkspaceId(1), ConversationId(1))


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Process(msgspec.Struct):
    """A process, as far as its neighbours notice."""

    name: str
    neighbours: Neighbours
    hub: Hub
    looked: list[str]
    reloaded: asyncio.Event

    def told(self, *notices: Notice, leaves_work: bool = False) -> list[str]:
        return self.neighbours.told(notices, leaves_work=leaves_work)


@asynccontextmanager
async def process(name: str, database: Database, clock: Clock) -> AsyncIterator[Process]:
    hub, looked, reloaded = Hub(), list[str](), asyncio.Event()

    async def reload() -> None:
        reloaded.set()

    one = Neighbours(
        node=name,
        database=database,
        hub=hub,
        clock=clock,
        look_for_work=lambda: looked.append("looked"),
        reload=reload,
    )
    running = asyncio.create_task(one.run())
    try:
        yield Process(name, one, hub, looked, reloaded)
    finally:
        one.stop()
        await running


@asynccontextmanager
async def two(database: Database, clock: Clock) -> AsyncIterator[tuple[Process, Process]]:
    """Two that know of each other."""
    async with process("a", database, clock) as a, process("b", database, clock) as b:
        await until(lambda: bool(a.neighbours._there and b.neighbours._there))
        yield a, b


async def until(so: Callable[[], object], clock: FakeClock | None = None) -> None:
    """Until it is so: PostgreSQL delivers in its own time. A clock that is given runs meanwhile."""
    async with asyncio.timeout(5):
        while not so():
            await SystemClock().sleep(0.001)
            if clock is not None:
                clock.advance(timedelta(milliseconds=10))


async def heard(listener: Listener) -> list[Notice]:
    async with asyncio.timeout(5):
        return await listener.wait()


async def test_a_process_without_neighbours_tells_nothing(database: Database) -> None:
    async with process("a", database, FakeClock()) as a:
        with a.hub.listen(conversation_topic(ConversationId(1))):
            assert a.told(CHANGED, leaves_work=True) == []


async def test_messages_are_told_only_while_a_page_is_open_elsewhere(database: Database) -> None:
    clock = FakeClock()
    async with two(database, clock) as (a, b):
        assert a.told(CHANGED) == []

        with b.hub.listen(conversation_topic(ConversationId(1))):
            await until(lambda: a.told(CHANGED))
            assert b.told(CHANGED) == []
        await until(lambda: not a.told(CHANGED), clock)


async def test_a_page_hears_what_another_process_committed(database: Database) -> None:
    clock = FakeClock()
    async with make_engine(database) as world, two(database, clock) as (a, b):
        world.engine._others = a.neighbours
        conversation = (await world.says("Hi")).conversation_id
        with b.hub.listen(conversation_topic(conversation)) as listener:
            await until(lambda: a.told(CHANGED))
            await world.submit(AgentReplied(to=ByConversation(conversation), contents=(Text("Hello!"),)))

            assert await heard(listener) == [LookAgain(world.company.workspace.id, conversation)]


async def test_what_is_rolled_back_is_told_to_nobody(database: Database) -> None:
    async with two(database, FakeClock()) as (_, b):
        await b.reloaded.wait()  # as at every start
        b.reloaded.clear()
        b.looked.clear()
        with suppress(ZeroDivisionError):
            async with database.write() as connection:
                await directory.touch(connection)
                raise ZeroDivisionError
        async with database.write() as connection:
            await notices.tell(connection, ['{"type":"work","node":"c"}'])
        await until(lambda: b.looked)

        assert not b.reloaded.is_set()  # notices come in the order of commits


async def test_a_change_of_the_configuration_is_heard_by_everybody(database: Database) -> None:
    async with two(database, FakeClock()) as both:
        for one in both:
            await one.reloaded.wait()
            one.reloaded.clear()
        async with database.write() as connection:
            await directory.touch(connection)

        for one in both:
            await asyncio.wait_for(one.reloaded.wait(), 5)


async def test_pages_look_again_once_everybody_knows_of_the_first_one(database: Database) -> None:
    """What was committed in between was told to nobody."""
    clock = FakeClock()
    async with two(database, clock) as (a, b):
        with b.hub.listen(conversation_topic(ConversationId(7))) as listener:
            await until(lambda: a.told(CHANGED))
            await until(lambda: listener._queue, clock)

            assert await heard(listener) == [LookAgain(WorkspaceId(0), ConversationId(7))]


async def test_work_that_one_has_no_room_for_is_looked_for_by_the_other(database: Database) -> None:
    async with two(database, FakeClock()) as (a, b):
        b.looked.clear()
        (notice,) = a.told(leaves_work=True)
        b.neighbours._hear(notice)
        a.neighbours._hear(notice)  # its own voice

        assert b.looked == ["looked"]
        assert a.told(leaves_work=True) == []  # told a moment ago


async def test_what_a_person_puts_back_is_looked_for_by_all(database: Database) -> None:
    async with two(database, FakeClock()) as (a, b):
        a.looked.clear()
        b.looked.clear()
        async with database.write() as connection:
            await notices.tell_of_work(connection)

        await until(lambda: a.looked and b.looked)


async def test_a_process_that_ends_says_so_and_its_work_is_looked_for(database: Database) -> None:
    clock = FakeClock()
    async with process("a", database, clock) as a:
        async with process("b", database, clock):
            await until(lambda: a.neighbours._there)
            a.looked.clear()
        await until(lambda: a.looked)

        assert a.told(leaves_work=True) == []


async def test_a_process_that_died_is_forgotten(database: Database) -> None:
    clock = FakeClock()
    async with two(database, clock) as (a, _):
        a.neighbours._meet("dead", pages=True)
        assert a.told(CHANGED)
        clock.advance(timedelta(seconds=neighbours.BELIEVED_FOR + 1))

        assert a.told(CHANGED, leaves_work=True) == []


async def test_a_connection_that_broke_is_made_again_and_everything_looked_at(
    database: Database, swept_database_url: str
) -> None:
    async with two(database, SystemClock()) as (a, b):
        with b.hub.listen(conversation_topic(ConversationId(1))) as listener:
            await until(lambda: a.told(CHANGED))
            b.looked.clear()
            await heard(listener)  # everybody knows of it
            await terminate_listeners(swept_database_url)

            assert await heard(listener) == [LookAgain(WorkspaceId(0), ConversationId(1))]
            await until(lambda: b.looked)


async def terminate_listeners(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


def test_a_batch_of_any_size_fits_into_notices() -> None:
    changes: list[Notice] = [LookAgain(WorkspaceId(10**9), ConversationId(10**15 + n)) for n in range(3000)]
    ids = tuple(range(10**9, 10**9 + 3000))
    read = StatusChanged(WorkspaceId(1), ConversationId(2), ids, MessageStatus.READ)
    told = [msgspec.json.encode(one) for one in neighbours._news("n" * 24, [*changes, *changes, read])]

    assert max(map(len, told)) <= LONGEST
    entries = [entry for one in told for entry in msgspec.json.decode(one, type=neighbours.News).entries]
    assert entries[:3000] == changes
    statuses = [one for one in entries if isinstance(one, StatusChanged)]
    assert [id_ for one in statuses for id_ in one.message_ids] == list(ids)


def test_typing_is_told_as_it_is_and_many_changes_of_a_conversation_once() -> None:
    typing = Typing(WorkspaceId(1), ConversationId(2))

    assert list(neighbours._news("a", [CHANGED, typing, CHANGED])) == [
        neighbours.News("a", (CHANGED, typing))
    ]


async def test_what_a_newer_relevo_says_is_passed_over(database: Database) -> None:
    async with process("a", database, FakeClock()) as a:
        a.neighbours._hear('{"type":"unheard-of"}')
        a.neighbours._hear("not even JSON")
