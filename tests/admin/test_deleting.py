"""Deleting endpoints and channels: what speaks against it, what is left, and what becomes of what waits."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from relevo.admin import channels, deleting, endpoints
from relevo.admin.changing import Means, reading
from relevo.domain.configuring import ChannelWish, EndpointWish
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.events import AgentReplied, ByConversation
from relevo.domain.messages import Text
from relevo.domain.workspaces import Channel, Endpoint, EventType, LiveChatMode
from relevo.store import configuring, tables
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine
from relevo.testing.fake_http import reply
from tests.admin.test_deliveries import means_of
from tests.couriers.carrying import carrying


async def to_the_inbox(world: World) -> None:
    """Nobody's live chat goes to the endpoint any more."""
    for one in (world.company.web, world.company.apichat):
        wish = ChannelWish(name=one.name, mode=LiveChatMode.INBOX)
        await channels.save(means_of(world), world.company.workspace.id, wish, one.id)
    await world.catalog.refresh(at_once=True)


async def delete_endpoint(world: World, *, give_up_waiting: bool = False) -> int:
    of = world.company
    waiting = await deleting.delete_endpoint(
        means_of(world), of.workspace.id, of.endpoint.id, give_up_waiting=give_up_waiting
    )
    await world.catalog.refresh(at_once=True)
    return waiting


async def delete_channel(world: World, channel: Channel, *, give_up_waiting: bool = False) -> int:
    waiting = await deleting.delete_channel(
        means_of(world), world.company.workspace.id, channel.id, give_up_waiting=give_up_waiting
    )
    await world.catalog.refresh(at_once=True)
    return waiting


async def test_an_endpoint_that_live_chat_goes_to_is_not_deleted(database: Database) -> None:
    async with make_engine(database) as world:
        with pytest.raises(InvalidInput, match="the live chat of web, apichat goes to desk; choose another"):
            await delete_endpoint(world)

        assert (await reading(means_of(world))).endpoints == {
            world.company.endpoint.id: world.company.endpoint
        }


async def test_what_waits_is_counted_and_not_given_up_unasked(database: Database) -> None:
    async with make_engine(database) as world:
        await world.says("agent")
        await to_the_inbox(world)
        means = means_of(world)
        count = await deleting.count_waiting(means, world.company.endpoint)

        with pytest.raises(InvalidInput, match=f"{count} deliveries wait for desk; wait until"):
            await delete_endpoint(world)

        assert count > 1
        assert await delete_endpoint(world, give_up_waiting=True) == count


async def test_a_deleted_endpoint_leaves_its_name_free_and_its_id_taken(database: Database) -> None:
    async with make_engine(database) as world:
        await to_the_inbox(world)
        await delete_endpoint(world)
        means, of = means_of(world), world.company

        found = await reading(means)
        assert found.endpoints == {}
        kept = found.any_endpoint(of.endpoint.id)
        assert kept is not None
        assert (kept.name, kept.headers, kept.secrets) == ("desk (deleted, no. 1)", {}, ())
        with pytest.raises(NotFound):
            await endpoints.enable(means, of.workspace.id, of.endpoint.id)
        wish = EndpointWish(name="desk", url="http://93.184.215.14/")
        again = (await endpoints.save(means, of.workspace.id, wish)).thing
        assert again.id != of.endpoint.id


async def test_a_long_name_that_is_taken_twice_can_be_deleted_twice(database: Database) -> None:
    async with make_engine(database) as world:
        means, id_ = means_of(world), world.company.workspace.id
        wish = EndpointWish(name="n" * 200, url="http://93.184.215.14/")
        for _ in range(2):
            one = (await endpoints.save(means, id_, wish)).thing
            await deleting.delete_endpoint(means, id_, one.id, give_up_waiting=False)

        names = {one.name for one in (await reading(means)).deleted_endpoints.values()}
        assert len(names) == 2
        assert max(map(len, names)) <= 200


async def test_what_waits_for_a_deleted_endpoint_is_given_up_at_once(database: Database) -> None:
    async with carrying(database, [reply(503)]) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.world.says("two")
        await here.settle_down()  # the first has failed, and the others wait behind it
        await to_the_inbox(here.world)
        waiting = await delete_endpoint(here.world, give_up_waiting=True)

        await here.settle_down()

        assert waiting > 1
        assert len(here.posted()) == 1
        ended = [(row.state, row.reason) for row in await here.rows()]
        assert ended == [("given_up", "endpoint_removed")] * waiting


async def test_a_deleted_channel_takes_nothing_in_and_its_conversations_end_by_themselves(
    database: Database,
) -> None:
    async with carrying(database) as here:
        world, site = here.world, here.world.company.web
        wish = EndpointWish(name="desk", events=frozenset({EventType.HANDOFF_RETURNED}))
        await endpoints.save(means_of(world), world.company.workspace.id, wish, world.company.endpoint.id)
        conversation = (await world.says("agent")).conversation_id
        await here.settle_down()
        await delete_channel(world, site)

        assert await world.catalog.channel("web", site.key) is None
        with pytest.raises(NotFound):
            await world.says("Hello?", user_id="somebody new")
        await here.later(timedelta(minutes=31))
        await world.submit(AgentReplied(to=ByConversation(conversation), contents=(Text("Hi"),)))
        assert (await world.conversation(conversation)).epoch == 3
        await here.settle_down()
        posted = [one.headers["relevo-event"] for one in here.posted()]
        assert "handoff.returned" in posted


async def test_what_waits_for_a_deleted_channel_is_given_up_and_the_message_knows_it(
    database: Database,
) -> None:
    async with carrying(database, lambda _: reply(503)) as here:
        world, apichat = here.world, here.world.company.apichat
        conversation = (await world.says("Hi", channel=apichat)).conversation_id
        await here.settle_down()
        with pytest.raises(InvalidInput, match="1 delivery waits for apichat"):
            await delete_channel(world, apichat)

        assert await delete_channel(world, apichat, give_up_waiting=True) == 1
        await here.settle_down()

        assert [(row.state, row.reason) for row in await here.rows("channel")] == [
            ("given_up", "channel_removed")
        ]
        said = (await world.messages(conversation))[-1]
        assert said.status.value == "failed"


async def test_nobody_listens_to_a_deleted_channel(database: Database) -> None:
    async with make_engine(database) as world:
        means, of = means_of(world), world.company
        crm: Endpoint = msgspec.structs.replace(
            of.endpoint,
            name="crm",
            events=frozenset({EventType.MESSAGE_SENT}),
            channels=frozenset({of.web.id, of.apichat.id}),
        )
        async with database.write() as connection:
            crm = await configuring.insert_endpoint(connection, world.cipher, crm, world.clock.now())

        await delete_channel(world, of.web)

        found = await reading(means)
        assert found.endpoints[crm.id].channels == frozenset({of.apichat.id})
        assert list(found.deleted_channels) == [of.web.id]


async def test_credentials_of_what_is_deleted_are_not_kept(database: Database) -> None:
    async with make_engine(database) as world:
        await delete_channel(world, world.company.apichat)
        await delete_channel(world, world.company.web)
        await delete_endpoint(world)

        async with database.read() as connection:
            channel_rows = (await connection.execute(tables.channels.select())).all()
            (endpoint_row,) = (await connection.execute(tables.endpoints.select())).all()
        opened = [world.cipher.open(row.config_encrypted, "channel.config") for row in channel_rows]
        assert opened == [{}, {}]
        assert world.cipher.open(endpoint_row.secrets_encrypted, "endpoint.secrets") == []
        assert world.cipher.open(endpoint_row.headers_encrypted, "endpoint.headers") == {}


async def test_another_workspaces_things_are_not_there(database: Database) -> None:
    async with make_engine(database) as world:
        theirs = await world.add_company("Other")
        means: Means = means_of(world)

        for deleted in (
            deleting.delete_endpoint(
                means, world.company.workspace.id, theirs.endpoint.id, give_up_waiting=True
            ),
            deleting.delete_channel(means, world.company.workspace.id, theirs.web.id, give_up_waiting=True),
        ):
            with pytest.raises(NotFound):
                await deleted
