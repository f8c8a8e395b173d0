"""A workspace's conversations: found, filtered and paged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import event

from relevo.domain.conversations import Control, Conversation
from relevo.domain.events import Assigned, ByConversation, ByUser, ConversationOpened, Moved
from relevo.domain.ids import MemberId
from relevo.store import inbox
from relevo.store.database import Database
from relevo.store.inbox import Wanted, mark_of
from relevo.testing.builders import World, make_engine

SILENT = "version: 1\nflow: silent\nstart: s\nsubflows:\n  s:\n    - end\n"


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with make_engine(database) as world:
        yield world


async def people(world: World, *names: str) -> list[Conversation]:
    """Each says hello, a minute after the one before."""
    found = []
    for number, name in enumerate(names):
        world.clock.advance(timedelta(minutes=1))
        result = await world.says("Hello", user_id=f"u{number}", name=name)
        found.append(await world.conversation(result.conversation_id))
    return found


async def listed(world: World, **wanted: object) -> list[str]:
    """The names that a listing gives, in its order."""
    async with world.database.read() as connection:
        asked = Wanted(workspace_id=world.company.workspace.id, **wanted)  # type: ignore[arg-type]
        return [one.subscriber.display_name for one in await inbox.page(connection, asked, limit=10)]


async def test_where_something_was_said_last_comes_first(world: World) -> None:
    await people(world, "Ana Diaz", "Ben Osei", "Chiara Rossi")
    world.clock.advance(timedelta(minutes=1))
    await world.says("Still there?", user_id="u0", name="Ana Diaz")

    assert await listed(world) == ["Ana Diaz", "Chiara Rossi", "Ben Osei"]


@pytest.mark.parametrize(
    ("search", "found"),
    [("ana", ["Ana Diaz"]), ("DIAZ", ["Ana Diaz"]), ("%", []), ("_", []), ("osei", ["Ben Osei"]), ("zz", [])],
)
async def test_a_search_finds_any_part_of_a_name_in_either_case(
    world: World, search: str, found: list[str]
) -> None:
    await people(world, "Ana Diaz", "Ben Osei")

    assert await listed(world, search=search) == found


async def test_a_search_finds_a_user_ns_exactly(world: World) -> None:
    ana, _ = await people(world, "Ana Diaz", "Ben Osei")

    assert await listed(world, search=ana.user_ns) == ["Ana Diaz"]
    assert await listed(world, search=f"f9999u{ana.id}") == []


async def test_filters_may_be_combined(world: World) -> None:
    ana, ben, _ = await people(world, "Ana Diaz", "Ben Osei", "Chiara Rossi")
    await world.says("agent", user_id="u0", name="Ana Diaz")
    await world.says("agent", user_id="u1", name="Ben Osei")
    await world.submit(Moved(to=ByConversation(ben.id), status="done"))
    await world.submit(Assigned(to=ByConversation(ana.id), member_id=world.company.agent.id))

    assert set(await listed(world, control=Control.AGENT)) == {"Ana Diaz", "Ben Osei"}
    assert await listed(world, control=Control.BOT) == ["Chiara Rossi"]
    assert await listed(world, control=Control.AGENT, status="open") == ["Ana Diaz"]
    assert await listed(world, assigned_to=world.company.agent.id) == ["Ana Diaz"]
    assert await listed(world, assigned_to=MemberId(0), control=Control.AGENT) == ["Ben Osei"]
    assert await listed(world, channel_id=world.company.apichat.id) == []


async def test_pages_meet_without_a_gap_or_an_overlap(database: Database) -> None:
    """Also where several have the same instant, or no message at all."""
    async with make_engine(database, flow=SILENT) as world:
        for number in range(3):
            to = ByUser(world.company.web.id, f"quiet{number}")
            await world.submit(ConversationOpened(to=to))
        for number in range(6):
            if number % 2:
                world.clock.advance(timedelta(minutes=1))
            await world.says("Hello", user_id=f"u{number}", name=f"P{number}")
        wanted = Wanted(workspace_id=world.company.workspace.id)
        async with world.database.read() as connection:
            whole = [one.id for one in await inbox.page(connection, wanted, limit=100)]
            pages: list[list[Conversation]] = [await inbox.page(connection, wanted, limit=2)]
            while len(pages[-1]) == 2:
                behind = mark_of(pages[-1][-1])
                pages.append(await inbox.page(connection, wanted, behind=behind, limit=2))

    assert len(whole) == 9
    assert [one.id for page in pages for one in page] == whole


async def test_another_workspace_is_another_list(world: World) -> None:
    await people(world, "Ana Diaz")
    other = await world.add_company("Other")
    await world.says("Hi", channel=other.web, name="Zoe Zimmer")

    assert await listed(world) == ["Ana Diaz"]
    assert await listed(world, search="Zoe") == []


async def test_the_latest_message_of_each_is_found_at_once(world: World) -> None:
    ana, ben = await people(world, "Ana Diaz", "Ben Osei")

    async with world.database.read() as connection:
        found = await inbox.last_messages(connection, [ana, ben])
        nothing = await inbox.last_messages(connection, [])

    assert {id_: (message.seq, message.type) for id_, message in found.items()} == {
        ana.id: (2, "out"),
        ben.id: (2, "out"),
    }
    assert nothing == {}


async def test_conversations_with_agents_are_counted_by_workspace(world: World) -> None:
    await people(world, "Ana Diaz", "Ben Osei")
    await world.says("agent", user_id="u0", name="Ana Diaz")
    other = await world.add_company("Other")
    await world.says("agent", channel=other.web)

    async with world.database.read() as connection:
        assert await inbox.count_with_agents(connection, world.company.workspace.id) == 1


@pytest.mark.parametrize("database_kind", ["sqlite"])  # PostgreSQL plans by statistics: here are none
async def test_those_with_agents_are_found_without_reading_the_others(world: World) -> None:
    """Open pages ask for them again and again; of a million conversations few have an agent."""
    asked: list[str] = []
    engine = world.database._reader.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    await listed(world, control=Control.AGENT)
    async with world.database.read() as connection:
        await inbox.count_with_agents(connection, world.company.workspace.id)
        statements = [one for one in asked if "control = 'agent'" in one]
        plans = [
            row.detail
            for statement in statements
            for row in await connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", tuple(1 for _ in range(statement.count("?")))
            )
        ]

    assert len(statements) == 3
    assert all("ix_conversations_with_agents" in plan for plan in plans), plans
