"""Our own client against our own API: every method of it, over real HTTP."""

from __future__ import annotations

import pytest

from relevo.domain.conversations import Control
from relevo.domain.messages import Media
from relevo.sdk.client import Client
from relevo.sdk.errors import Invalid, NotFound, Unauthenticated
from relevo.sdk.receiver import Receiver
from relevo.testing.builders import SIGNING_SECRET, World
from relevo.web.app import create_app
from tests.web.api.conftest import Ana, park
from tests.web.api.serving import on_a_port

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])


async def test_the_sdk_can_do_everything_that_it_offers(world: World, ana: Ana) -> None:
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

    assert len(found) > 2
    assert [one.id for one in found] == sorted({one.id for one in found}, reverse=True)
    assert {one.state for one in found} == {"parked"}
    assert [one.did for one in whole.deeds] == ["redelivered", "skipped"]
    assert (whole.state, whole.reason) == ("skipped", "told by phone")
    assert count == len([one for one in found if one.kind == "endpoint"]) - 1
    assert (stopped.state, stopped.asked_by) == ("stopped", "Luis, with token test")


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
