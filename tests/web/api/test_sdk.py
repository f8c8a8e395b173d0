"""Our own clients against our own API: every call, over real HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relevo.domain.conversations import Control
from relevo.domain.messages import Media
from relevo.sdk import Client, GroupMember, Invalid, NotFound, Receiver, Selected, SyncClient, Unauthenticated
from relevo.testing.builders import SIGNING_SECRET, World
from relevo.web.app import create_app
from relevo.web.services import Services
from tests.web.api.conftest import BOTH, READY, Ana, park
from tests.web.api.preparing import Preparing
from tests.web.api.sdk_calls import (
    OPERATIONS,
    SUBJECTS,
    arguments,
    made,
    operation_of_call,
    parameters,
    required,
)
from tests.web.api.serving import on_a_port

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_every_call_is_taken(subject: str, world: World, services: Services, ana: Ana) -> None:
    preparing = await Preparing.of(world, ana)
    async with (
        on_a_port(create_app(services)) as url,
        Client(url, await world.add_token(scopes=BOTH)) as client,
    ):
        for name in SUBJECTS[subject]:
            sent = await what_it_takes(name, preparing, ana)
            await world.catalog.refresh(at_once=True)
            await made(client, name, arguments(name, sent))


async def what_it_takes(name: str, preparing: Preparing, ana: Ana) -> dict[str, Any]:
    """The document's example of a write, and of a question the things that must be named."""
    method, path = await operation_of_call(name)
    if method != "GET":
        body = OPERATIONS[method, path]["requestBody"]["content"]["application/json"]
        return {"id": READY, **await preparing.ready(path, body["examples"]["example"]["value"])}
    known = {"user_ns": ana.user_ns, "user_id": "visitor-1", "event_ns": "f1001e1", "id": READY}
    needed = required(name) | ({"user_ns"} & parameters(name).keys())
    return {one: value for one, value in {**preparing.ours, **known}.items() if one in needed}


async def test_a_conversation_from_its_beginning_to_its_end(world: World, ana: Ana) -> None:
    luis = world.company.agent
    await world.says("Anybody?", mid="wamid.1")
    async with (
        on_a_port(create_app(world.services())) as url,
        Client(url, await world.add_token(member=luis)) as client,
    ):
        assert (await client.me()).name == "Luis"
        assert [one.user_ns async for one in client.subscribers(limit=1)] == [ana.user_ns]
        assert (await client.get_info(ana.user_ns)).name == "Ana Diaz"
        assert (await client.get_info_by_user_id("visitor-1")).user_ns == ana.user_ns
        assert await client.bot_users_count() == {"open": 1}
        assert [one.name async for one in client.agents()] == ["Olga", "Luis"]
        assert [one.name async for one in client.subflows()] == ["welcome", "person"]
        assert [one.text for one in await client.chat_messages_by_mids(["wamid.1", "x"])] == ["Anybody?"]

        await client.pause_bot(ana.user_ns, None)
        assert (await client.get_info(ana.user_ns)).paused_diff_seconds == -1
        await client.assign_agent(ana.user_ns, luis.id)
        assert (await client.get_info(ana.user_ns)).agent_name == "Luis"
        await client.typing(ana.user_ns)
        await client.seen(ana.user_ns)
        for _ in range(2):
            await client.send_text(ana.user_ns, "Hi", idempotency_key="k")
        image = {"messages": [{"type": "image", "url": "https://cdn.example.com/a.jpg"}]}
        await client.send_content(ana.user_ns, image, send_as_agent=True)
        await client.unassign_agent(ana.user_ns)
        await client.resume_bot(ana.user_ns)
        await client.move_chat_to(ana.user_ns, "done")
        told = [one.text async for one in client.chat_messages(ana.user_ns, limit=2)]
        posted = [one async for one in client.events(ana.user_ns, limit=3)]
        everything = [one async for one in client.all_events(limit=3)]

    assert told == ["", "Hi", "Anybody?", "Hello Ana. Write *agent* to talk to a person.", "Hello"]
    assert [one.seq for one in posted] == [*range(1, len(posted) + 1)]
    assert [one.webhook_id for one in everything] == [one.webhook_id for one in posted]
    assert [Receiver(SIGNING_SECRET).take(one).gap for one in posted[:1]] == [False]
    assert (await ana.last()).content == Media(type="image", url="https://cdn.example.com/a.jpg")
    state = await ana.state()
    assert (state.control, state.status, state.member_id) == (Control.BOT, "done", None)


async def test_the_sdk_looks_after_deliveries(world: World, ana: Ana) -> None:
    parked = (await park(world))["delivery_id"]
    async with (
        on_a_port(create_app(world.services())) as url,
        Client(url, await world.add_token(member=world.company.agent)) as client,
    ):
        found = [one async for one in client.deliveries(limit=2, state="parked")]
        await client.redeliver(parked)
        await client.skip(parked, "told by phone")
        whole = await client.delivery(parked)
        count = await client.count_redeliverable(endpoint="desk")
        number = await client.redeliver_many(endpoint="desk")
        await client.stop_redelivery(number)
        stopped = await client.redelivery(number)
        listed = [one async for one in client.redeliveries(limit=1)]
        running = [one async for one in client.redeliveries(state="running")]

    assert len(found) > 2
    assert [one.id for one in found] == sorted({one.id for one in found}, reverse=True)
    assert {one.state for one in found} == {"parked"}
    assert [one.did for one in whole.deeds] == ["redelivered", "skipped"]
    assert (whole.state, whole.reason) == ("skipped", "told by phone")
    assert count == len([one for one in found if one.kind == "endpoint"]) - 1
    assert (stopped.state, stopped.asked_by) == ("stopped", "Luis, with token test")
    assert stopped.selected == Selected(states=("parked", "given_up"), to="desk")
    assert listed == [stopped, *running]


async def test_what_is_set_is_what_is_found(world: World, ana: Ana) -> None:
    """Describing a person and setting the flow up, more than goes into one call."""
    names, user_ns = [f"tag {number:02}" for number in range(45)], ana.user_ns
    async with (
        on_a_port(create_app(world.services())) as url,
        Client(url, await world.add_token(scopes=BOTH)) as client,
    ):
        for _ in range(2):
            await client.add_tags_by_name(user_ns, names, idempotency_key="k")
        await client.remove_tags_by_name(user_ns, names[1:])
        await client.add_labels_by_name(user_ns, ["VIP"])
        await client.set_user_fields_by_name(user_ns, {"size": 42, "colour": "blue", "hurry": False})
        await client.clear_user_field_by_name(user_ns, "colour")
        person = await client.get_info(user_ns)
        found = [one.user_ns async for one in client.subscribers(tag_ns=person.tags[0].tag_ns)]
        tags = {one.name async for one in client.tags(limit=7)}
        group = await client.create_agent_group("Sales", assign_method="round_robin", online_first=2)
        await client.update_agent_group_users(group.id, [GroupMember(user_id=world.company.agent.id)])
        groups = [one async for one in client.agent_groups()]
        settings = await client.update_channel_settings(sms=False)
        file = await client.upload_media("mug.txt", b"A mug.")
        with pytest.raises(Invalid):
            await client.set_user_fields_by_name(user_ns, {f"field {number}": 1 for number in range(21)})

    assert [one.name for one in person.tags] == names[:1]
    assert tags >= set(names)
    assert [one.name for one in person.labels] == ["VIP"]
    assert {one.name: one.value for one in person.user_fields} == {"size": "42", "hurry": "false"}
    assert found == [user_ns]
    assert [one.members for one in groups] == [(GroupMember(user_id=world.company.agent.id),)]
    assert (settings["sms"], settings["telegram"]) == (False, True)
    assert (file.name, file.size) == ("mug.txt", 6)


async def test_a_cursor_goes_through_everything(world: World, ana: Ana) -> None:
    async with (
        on_a_port(create_app(world.services())) as url,
        Client(url, await world.add_token(scopes=BOTH)) as client,
    ):
        for number in range(5):
            await client.log_custom_event(ana.user_ns, "bought", number_value=number)
        await world.catalog.refresh(at_once=True)
        (kind,) = [one async for one in client.custom_events()]
        logged = [one async for one in client.custom_event_data(kind.event_ns, limit=2)]
        behind = [one async for one in client.custom_event_data(kind.event_ns, start_id=logged[3].id)]

    assert [one.number_value for one in logged] == ["0", "1", "2", "3", "4"]
    assert behind == logged[3:]


async def test_the_client_that_blocks_does_the_same(world: World, ana: Ana) -> None:
    async with on_a_port(create_app(world.services())) as url:
        token = await world.add_token(scopes=BOTH)
        told, name = await asyncio.to_thread(without_asyncio, url, token, ana.user_ns)

    assert told == ["Hi", "Hello Ana. Write *agent* to talk to a person.", "Hello"]
    assert name == ("lead", True, ["bye"])


def without_asyncio(url: str, token: str, user_ns: str) -> tuple[list[str], tuple[str, bool, list[str]]]:
    with SyncClient(url, token) as client:
        client.add_tag_by_name(user_ns, "lead")
        client.pause_bot(user_ns)
        for _ in range(2):
            client.send_text(user_ns, "Hi", idempotency_key="k")
        client.create_shortcut("bye", "Thank you!")
        person = client.get_info(user_ns)
        ready = [one.name for one in client.shortcuts(limit=1)]
        told = [one.text for one in client.chat_messages(user_ns, limit=1)]
    return told, (person.tags[0].name, person.is_paused, ready)


async def test_the_sdk_knows_what_went_wrong(world: World, ana: Ana) -> None:
    async with on_a_port(create_app(world.services())) as url:
        async with Client(url, await world.add_token()) as client:
            with pytest.raises(NotFound):
                await client.get_info("f1001u999")
            with pytest.raises(Invalid) as refused:
                await client.assign_agent(ana.user_ns, 999)
        async with Client(url, "nonsense") as stranger:
            with pytest.raises(Unauthenticated):
                await stranger.me()

    assert list(refused.value.errors) == ["agent_id"]
