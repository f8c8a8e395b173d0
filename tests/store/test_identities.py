"""Two conversations that turn out to be with one person: nothing of them is lost or out of order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from relevo.domain.events import BotPaused, BotTold, ByConversation
from relevo.domain.ids import ChannelId, ConversationId
from relevo.domain.messages import Text, plain_text
from relevo.store import conversations, identities, problems, tables
from relevo.store.database import Database
from relevo.store.identities import Merged
from relevo.store.problems import Problem
from relevo.testing.builders import World, add_channel, make_engine
from tests.web.api.conftest import NUMBER

PHONE, OTHER = "61400111222", "US.13491208655302741918"
QUIET = """\
version: 1
flow: support
start: welcome
subflows:
  welcome:
    - tag: known
"""


@pytest.fixture
async def world(database: Database) -> Any:
    async with make_engine(database, flow=QUIET) as world:
        yield world


@pytest.fixture
async def number(world: World) -> ChannelId:
    return (await add_channel(world, "whatsapp", NUMBER)).id


async def says(world: World, channel_id: ChannelId, who: str, *words: str) -> ConversationId:
    """Something, a second after what was said before."""
    channel, id_ = world.catalog.directory.channels[channel_id], ConversationId(0)
    for word in words:
        world.clock.advance(timedelta(seconds=1))
        id_ = (await world.says(word, user_id=who, channel=channel, mid=f"wamid.{word}")).conversation_id
    return id_


async def join(world: World, number: ChannelId) -> Merged | bool:
    async with world.database.write() as connection:
        return await identities.join(connection, number, PHONE, OTHER)


async def said(world: World, id_: ConversationId) -> list[tuple[int, str]]:
    return [(one.seq, plain_text(one.content)) for one in await world.messages(id_)]


async def user_of(world: World, id_: ConversationId) -> str:
    return (await world.conversation(id_)).subscriber.user_id


async def test_somebody_new_is_only_noted(world: World, number: ChannelId) -> None:
    assert await join(world, number) is True

    async with world.database.read() as connection:
        assert await identities.first_id(connection, number, OTHER) == PHONE
        assert await identities.first_id(connection, ChannelId(number + 1), OTHER) is None


async def test_who_was_known_by_the_second_id_goes_by_the_first(world: World, number: ChannelId) -> None:
    id_ = await says(world, number, OTHER, "a")

    assert await join(world, number) is True

    assert await user_of(world, id_) == PHONE
    assert await says(world, number, PHONE, "b") == id_
    assert await said(world, id_) == [(1, "a"), (2, "b")]


async def test_two_become_one_in_the_order_in_which_all_was_said(world: World, number: ChannelId) -> None:
    by_phone = await says(world, number, PHONE, "a")
    by_other = await says(world, number, OTHER, "b", "c")
    await says(world, number, PHONE, "d")
    await says(world, number, OTHER, "e")

    merged = await join(world, number)

    assert isinstance(merged, Merged)
    assert (merged.kept.id, merged.left.id) == (by_phone, by_other)
    assert await said(world, by_phone) == [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]
    assert await said(world, by_other) == []
    await says(world, number, PHONE, "f")
    assert (await said(world, by_phone))[-1] == (6, "f")
    assert (await user_of(world, by_phone), await user_of(world, by_other)) == (PHONE, OTHER)


async def test_the_one_that_an_agent_has_stays(world: World, number: ChannelId) -> None:
    by_phone = await says(world, number, PHONE, "a")
    by_other = await says(world, number, OTHER, "b")
    await world.submit(BotPaused(to=ByConversation(by_other), minutes=None, by="api"))

    merged = await join(world, number)

    assert isinstance(merged, Merged)
    assert (merged.kept.id, merged.left.id) == (by_other, by_phone)
    assert await said(world, by_other) == [(1, "a"), (2, "b")]
    assert (await user_of(world, by_other), await user_of(world, by_phone)) == (PHONE, OTHER)
    assert (await world.conversation(by_other)).pause is not None


async def test_while_neither_is_at_rest_both_go_on(world: World, number: ChannelId) -> None:
    by_phone = await says(world, number, PHONE, "a")
    by_other = await says(world, number, OTHER, "b")
    for id_ in (by_phone, by_other):
        await world.submit(BotPaused(to=ByConversation(id_), minutes=None, by="api"))

    assert await join(world, number) is False

    assert (await said(world, by_phone), await said(world, by_other)) == ([(1, "a")], [(1, "b")])
    async with world.database.read() as connection:
        assert await identities.first_id(connection, number, OTHER) is None


async def test_what_is_on_its_way_holds_a_conversation_where_it_is(world: World, number: ChannelId) -> None:
    by_phone = await says(world, number, PHONE, "a")
    by_other = await says(world, number, OTHER, "b")
    await owe(world, by_other)

    merged = await join(world, number)

    assert isinstance(merged, Merged)
    assert (merged.kept.id, merged.left.id) == (by_other, by_phone)


async def owe(world: World, id_: ConversationId) -> None:
    """Have the bot say something that nobody carries."""
    to = ByConversation(id_)
    async with world.database.write() as connection:
        (one,) = await conversations.load_and_lock(connection, [id_], [])
        within = msgspec.structs.replace(one, heard_at=world.clock.now())
        await conversations.save(connection, [within], {id_: one})
    await world.submit(BotTold(to=to, contents=(Text("Owed"),)))


async def test_a_message_that_both_know_stays_where_it_is(world: World, number: ChannelId) -> None:
    by_phone = await says(world, number, PHONE, "a")
    by_other = await says(world, number, OTHER, "a", "b")

    assert isinstance(await join(world, number), Merged)

    assert [word for _, word in await said(world, by_phone)] == ["a", "b"]
    assert [word for _, word in await said(world, by_other)] == ["a"]


async def test_joining_again_changes_nothing(world: World, number: ChannelId) -> None:
    by_phone = await says(world, number, PHONE, "a")
    await says(world, number, OTHER, "b")
    await join(world, number)

    async with world.database.write() as connection:
        assert await identities.first_id(connection, number, OTHER) == PHONE
    assert await said(world, by_phone) == [(1, "a"), (2, "b")]


async def test_what_happened_with_either_is_seen_with_the_one_that_stays(
    world: World, number: ChannelId
) -> None:
    by_phone = await says(world, number, PHONE, "a")
    by_other = await says(world, number, OTHER, "b")
    for id_, events in ((by_phone, (1, 2)), (by_other, (2, 3))):
        await note_all(world, id_, events)

    assert isinstance(await join(world, number), Merged)

    assert await noted(world, by_other) == {"deliveries": ["endpoint"], "events": [], "problems": 0, "log": 0}
    assert await noted(world, by_phone) == {
        "deliveries": ["channel", "channel", "endpoint"],
        "events": [1, 2, 3],
        "problems": 2,
        "log": 4,
    }


async def note_all(world: World, id_: ConversationId, events: tuple[int, ...]) -> None:
    """A problem, a message that was sent and told of, and custom events."""
    await owe(world, id_)
    now = world.clock.now()
    workspace_id = world.company.workspace.id
    problem = Problem(workspace_id=workspace_id, conversation_id=id_, code="x", detail="", at=now)
    log = [{"event_id": event, "conversation_id": id_, "created_at": now} for event in events]
    async with world.database.write() as connection:
        sent = tables.deliveries.update().where(tables.deliveries.c.conversation_id == id_)
        await connection.execute(sent.values(state="done"))
        await problems.insert_new(connection, [problem])
        await connection.execute(tables.custom_event_log.insert(), log)
        pairs = [{"event_id": event, "conversation_id": id_} for event in events]
        await connection.execute(tables.custom_event_subscribers.insert(), pairs)


async def noted(world: World, id_: ConversationId) -> dict[str, Any]:
    async with world.database.read() as connection:

        async def of(column: Any) -> list[Any]:
            query = select(column).where(column.table.c.conversation_id == id_).order_by(column)
            return list((await connection.execute(query)).scalars())

        return {
            "deliveries": await of(tables.deliveries.c.destination_kind),
            "events": await of(tables.custom_event_subscribers.c.event_id),
            "problems": len(await of(tables.problems.c.id)),
            "log": len(await of(tables.custom_event_log.c.id)),
        }
