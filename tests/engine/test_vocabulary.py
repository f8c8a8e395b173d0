"""Tags and fields between processes, and taken off many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from relevo.admin import vocabulary
from relevo.domain.events import ByConversation, SubscriberChanged
from relevo.domain.flows.runs import AddTag
from relevo.domain.messages import MessageType, plain_text
from relevo.domain.vocabulary import Names
from relevo.engine import sweeping
from relevo.engine.catalog import Catalog
from relevo.engine.naming import Naming
from relevo.store import defining, problems
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine

PRICES = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: default, do: welcome}
subflows:
  welcome:
    - send: "It costs {{ bot.price }}."
"""


@pytest.fixture
async def world(migrated_database_url: str) -> AsyncIterator[World]:
    database = Database(migrated_database_url)
    async with make_engine(database, flow=PRICES) as world:
        yield world
    await database.close()


@pytest.fixture
async def elsewhere(migrated_database_url: str) -> AsyncIterator[Database]:
    """The same database, as another process has it."""
    database = Database(migrated_database_url)
    yield database
    await database.close()


async def answer(world: World) -> str:
    id_ = (await world.says("How much?")).conversation_id
    outgoing = [one for one in await world.messages(id_) if one.type is MessageType.OUT]
    return plain_text(outgoing[-1].content)


async def test_a_flow_says_what_another_process_has_set_a_bot_field_to(
    world: World, elsewhere: Database
) -> None:
    flow_id, now = world.company.flow.id, world.clock.now()
    assert await answer(world) == "It costs ."

    async with elsewhere.write() as connection:
        price = await vocabulary.create_bot_field(connection, flow_id, "price", "number", "", 7, now)
    world.clock.advance(timedelta(seconds=1))
    first = await answer(world)
    async with elsewhere.write() as connection:
        await vocabulary.set_bot_fields(connection, [(price, "value", 9.5)])
    world.clock.advance(timedelta(seconds=1))

    assert (first, await answer(world)) == ("It costs 7.", "It costs 9.5.")


async def test_two_processes_that_name_the_same_give_it_one_number(world: World, elsewhere: Database) -> None:
    flow_id = world.company.flow.id
    catalog = Catalog(elsewhere, world.cipher, world.clock)
    await catalog.refresh(at_once=True)
    other = Naming(database=elsewhere, catalog=catalog, clock=world.clock)
    for naming in (world.naming, other):
        naming.note(flow_id, Names(frozenset({"lead", "vip"}), {"size": "number"}))
    other.note(flow_id, Names(frozenset({"own"}), {"plan": "text"}))

    await asyncio.gather(world.naming.write(), other.write())
    await world.catalog.refresh(at_once=True)
    await catalog.refresh(at_once=True)

    ours, theirs = world.catalog.directory.vocabulary(flow_id), catalog.directory.vocabulary(flow_id)
    assert (ours.tags, ours.fields) == (theirs.tags, theirs.fields)
    assert (set(ours.tags), set(ours.fields)) == ({"lead", "vip", "own"}, {"size", "plan"})
    assert {one.number for one in ours.tags.values()} == {1, 2, 3}
    assert len({one.number for one in ours.fields.values()}) == 2


async def test_a_deleted_tag_is_taken_off_more_than_one_step_takes(world: World) -> None:
    flow_id, now, many = world.company.flow.id, world.clock.now(), sweeping.AT_ONCE + 30
    async with world.database.write() as connection:
        tag = await vocabulary.create_tag(connection, flow_id, "lead", now)
    written = await asyncio.gather(*(world.says("Hi", user_id=f"u{number}") for number in range(many)))
    people = [ByConversation(one.conversation_id) for one in written]
    await asyncio.gather(
        *(world.submit(SubscriberChanged(to=to, acts=(AddTag("lead"), AddTag("vip")))) for to in people)
    )

    async with world.database.write() as connection:
        await defining.let_go(connection, tag, now)
    await world.catalog.refresh(at_once=True)
    steps = 0
    while await world.sweeping.step():
        steps += 1

    assert steps == 3
    held = [(await world.conversation(to.id)).subscriber.tags for to in people]
    assert set(held) == {("vip",)}
    assert "lead" not in world.catalog.directory.vocabulary(flow_id).tags


KEEPS = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: default, do: welcome}
subflows:
  welcome:
    - set: {size: "{{ last_input }}", note: "{{ last_input }}"}
"""


async def test_a_flow_is_held_to_the_type_that_somebody_has_said_and_to_no_guess(
    migrated_database_url: str,
) -> None:
    database = Database(migrated_database_url)
    async with make_engine(database, flow=KEEPS) as world:
        flow_id, now = world.company.flow.id, world.clock.now()
        async with database.write() as connection:
            await vocabulary.create_user_field(connection, flow_id, "size", "number", "", now)
            await defining.register(connection, flow_id, Names(fields={"note": "number"}), now)
        await world.catalog.refresh(at_once=True)

        id_ = (await world.says("many")).conversation_id
        first = (await world.conversation(id_)).subscriber.fields
        async with database.read() as connection:
            found = await problems.listing(connection, world.company.workspace.id)
        await world.says("42")

        assert first == {"note": "many"}
        assert [one.code for one in found] == ["wrong_type"]
        assert (await world.conversation(id_)).subscriber.fields == {"note": "42", "size": 42}
    await database.close()
