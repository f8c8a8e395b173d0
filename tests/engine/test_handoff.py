"""The main job, in the engine: what is stored and what leaves, on both databases."""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta

import msgspec
import pytest

from relevo.admin import flows
from relevo.domain.conversations import Control
from relevo.domain.deliveries import Delivery, DeliveryState
from relevo.domain.errors import IdempotencyKeyReused, NotFound
from relevo.domain.events import (
    AgentRead,
    AgentReplied,
    BotPaused,
    BotResumed,
    ByConversation,
    ByUser,
    ConversationOpened,
    MessageReceived,
    NoteWritten,
    Once,
    TimeCame,
)
from relevo.domain.ids import ConversationId
from relevo.domain.messages import Media, MessageType, Text, plain_text
from relevo.domain.redeliveries import Selection
from relevo.domain.workspaces import EventType
from relevo.engine.timers import Timers
from relevo.store import configuring, deliveries, directory
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine
from tests.web.console.browsing import means_of


async def waiting(world: World, kind: str = "endpoint") -> list[Delivery]:
    """What waits for a kind of destination, in order."""
    async with world.database.read() as connection:
        rows = await deliveries.listing(
            connection, world.company.workspace.id, Selection(states=(DeliveryState.WAITING,))
        )
        found = [await deliveries.find(connection, row.id) for row in reversed(rows)]
    return [deliveries.from_row(row) for row in found if row is not None and row.destination_kind == kind]


async def told(world: World) -> list[str]:
    """The event types that the platform is to be told, in order."""
    return [one.event_type for one in await waiting(world)]


async def said(world: World, id_: ConversationId) -> list[tuple[str, str]]:
    return [(message.type.value, plain_text(message.content)) for message in await world.messages(id_)]


async def test_the_bot_greets_then_hands_over_and_is_silent(database: Database) -> None:
    async with make_engine(database) as world:
        first = await world.says("Hi")
        await world.says("agent")
        await world.says("Is it in stock?")

        assert await said(world, first.conversation_id) == [
            ("in", "Hi"),
            ("out", "Hello Ana. Write *agent* to talk to a person."),
            ("in", "agent"),
            ("out", "I am getting somebody for you."),
            ("in", "Is it in stock?"),
        ]
        conversation = await world.conversation(first.conversation_id)
        assert (conversation.control, conversation.epoch) == (Control.AGENT, 1)


async def test_only_what_is_said_during_the_pause_goes_to_the_platform(database: Database) -> None:
    async with make_engine(database) as world:
        conversation = (await world.says("agent")).conversation_id
        await world.says("Is it in stock?")
        await world.submit(BotResumed(to=ByConversation(conversation), by="api"))
        await world.says("Thanks")

        bodies = [msgspec.json.decode(one.body) for one in await waiting(world)]
        received = [body["message"]["content"] for body in bodies if "message" in body]
        assert received == ["Is it in stock?"]


async def test_the_platform_hears_everything_in_an_unbroken_count(database: Database) -> None:
    async with make_engine(database) as world:
        await world.says("agent")
        for number in range(3):
            await world.says(f"message {number}")

        found = await waiting(world)
        assert [one.seq for one in found] == list(range(1, len(found) + 1))
        assert [one.event_type for one in found].count("message.received") == 3


async def test_who_listens_besides_has_lanes_and_numbers_of_its_own(database: Database) -> None:
    async with make_engine(database) as world:
        crm = msgspec.structs.replace(
            world.company.endpoint,
            name="crm",
            channels=frozenset({world.company.web.id}),
            events=frozenset({EventType.MESSAGE_RECEIVED}),
        )
        async with database.write() as connection:
            crm = await configuring.insert_endpoint(connection, world.cipher, crm, world.clock.now())
        await world.catalog.refresh(at_once=True)

        await world.says("agent")
        await world.says("one")
        await world.says("elsewhere", channel=world.company.apichat)

        found = [one for one in await waiting(world) if one.event_type == "message.received"]
        assert [(one.destination.id, one.seq, one.due_at is not None) for one in found] == [
            (crm.id, 1, True),
            (world.company.endpoint.id, 3, False),
            (crm.id, 2, False),
        ]
        assert found[1].body == found[2].body
        assert found[1].webhook_id != found[2].webhook_id


async def test_a_lane_has_one_head_and_the_rest_wait_behind_it(database: Database) -> None:
    async with make_engine(database) as world:
        await world.says("agent")
        await world.says("one")
        await world.says("two")

        due = [one.due_at is not None for one in await waiting(world)]
        assert due[0] is True
        assert not any(due[1:])


async def test_the_bot_comes_back_when_the_pause_ends(database: Database) -> None:
    async with make_engine(database) as world:
        conversation = (await world.says("agent")).conversation_id
        world.clock.advance(timedelta(minutes=30))
        await world.submit(TimeCame(to=ByConversation(conversation)))

        after = await world.conversation(conversation)
        assert (after.control, after.epoch, after.pause) == (Control.BOT, 2, None)
        assert (await told(world))[-1] == "handoff.returned"


async def test_a_late_timer_does_not_keep_the_agent_in_control(database: Database) -> None:
    async with make_engine(database) as world:
        conversation = (await world.says("agent")).conversation_id
        world.clock.advance(timedelta(minutes=31))
        await world.says("agent")  # no timer has fired

        assert (await said(world, conversation))[-1] == ("out", "I am getting somebody for you.")


async def test_an_agents_reply_pauses_the_bot(database: Database) -> None:
    async with make_engine(database) as world:
        conversation = (await world.says("Hi")).conversation_id
        luis = world.company.agent
        await world.submit(
            AgentReplied(to=ByConversation(conversation), contents=(Text("Hello!"),), member_id=luis.id)
        )

        after = await world.conversation(conversation)
        assert after.pause is not None
        assert after.pause.until == world.clock.now() + timedelta(minutes=30)
        last = (await world.messages(conversation))[-1]
        assert (last.type, last.username, last.member_id) == (MessageType.AGENT, "Luis", luis.id)


async def test_the_same_vendor_message_is_stored_and_delivered_once(database: Database) -> None:
    async with make_engine(database) as world:
        await world.says("agent")
        first = await world.says("Is it in stock?", mid="wamid.1")
        again = await world.says("Is it in stock?", mid="wamid.1")

        assert (again.duplicate, again.message_ids) == (True, first.message_ids)
        assert (await told(world)).count("message.received") == 1


async def test_the_same_vendor_message_twice_in_one_batch_is_stored_once(database: Database) -> None:
    import asyncio

    async with make_engine(database) as world:
        results = await asyncio.gather(*(world.says("Hi", mid="wamid.1") for _ in range(5)))

        assert [one.duplicate for one in results] == [False, True, True, True, True]
        assert len({one.message_ids for one in results}) == 1


async def test_a_repeated_key_answers_as_the_first_time(database: Database) -> None:
    async with make_engine(database) as world:
        conversation = (await world.says("Hi")).conversation_id
        reply = AgentReplied(
            to=ByConversation(conversation), contents=(Text("Hello!"),), once=Once("api:1:k", "abc")
        )
        first = await world.submit(reply)
        again = await world.submit(reply)

        assert (again.message_ids, again.duplicate) == (first.message_ids, True)
        assert [type_ for type_, _ in await said(world, conversation)].count("agent") == 1


async def test_a_key_reused_for_something_else_is_refused(database: Database) -> None:
    async with make_engine(database) as world:
        conversation = ByConversation((await world.says("Hi")).conversation_id)
        await world.submit(BotPaused(to=conversation, minutes=5, by="api", once=Once("api:1:k", "abc")))

        with pytest.raises(IdempotencyKeyReused):
            await world.submit(BotPaused(to=conversation, minutes=9, by="api", once=Once("api:1:k", "xyz")))


async def test_an_unknown_conversation_is_not_found(database: Database) -> None:
    async with make_engine(database) as world:
        with pytest.raises(NotFound):
            await world.submit(BotResumed(to=ByConversation(ConversationId(999)), by="api"))


async def test_one_bad_event_fails_alone(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in one decision neither stops the others of its batch nor the engine."""
    import asyncio

    from relevo.domain import deciding
    from relevo.engine import batches

    decide = deciding.decide

    def faulty(conversation: object, event: object, around: object) -> object:
        if isinstance(event, MessageReceived) and event.content == Text("boom"):
            raise RuntimeError("a fault")
        return decide(conversation, event, around)  # type: ignore[arg-type]

    monkeypatch.setattr(batches, "decide", faulty)
    async with make_engine(database) as world:
        await world.says("Hi", user_id="a")
        results = await asyncio.gather(
            world.says("boom", user_id="a"), world.says("Hi", user_id="b"), return_exceptions=True
        )

        assert getattr(results[0], "code", None) == "decision_failed"
        assert not isinstance(results[1], BaseException)
        assert (await world.says("Still here?", user_id="a")).message_ids


async def test_what_the_database_refuses_fails_alone(database: Database) -> None:
    import asyncio

    async with make_engine(database) as world:
        too_long = "x" * 250  # a user_id has at most 200 characters in PostgreSQL
        results = await asyncio.gather(
            world.says("Hi", user_id=too_long), world.says("Hi", user_id="b"), return_exceptions=True
        )

        assert not isinstance(results[1], BaseException)


async def test_opening_the_chat_greets_once(database: Database) -> None:
    async with make_engine(database) as world:
        to = ByUser(world.company.web.id, "visitor-1")
        first = await world.submit(ConversationOpened(to=to))
        await world.submit(ConversationOpened(to=to))
        await world.says("Hi")

        types = [type_ for type_, _ in await said(world, first.conversation_id)]
        assert types == ["out", "in"]


async def test_a_customers_file_gets_our_link_and_is_fetched(database: Database) -> None:
    async with make_engine(database) as world:
        channel = world.company.apichat
        await world.says("agent", channel=channel)
        picture = Media("image", "https://vendor.example/p.jpg", caption="this one")
        await world.says(picture, channel=channel)

        body = msgspec.json.decode((await waiting(world))[-1].body)
        assert body["message"]["payload"]["url"].startswith("https://relevo.example.com/media/")
        (fetch,) = await waiting(world, "media")
        assert b"https://vendor.example/p.jpg" in fetch.body


async def test_what_the_bot_says_goes_to_the_channel_in_order(database: Database) -> None:
    async with make_engine(database) as world:
        await world.says("Hi", channel=world.company.apichat)
        await world.says("agent", channel=world.company.apichat)

        bodies = [msgspec.json.decode(one.body) for one in await waiting(world, "channel")]
        assert [body["content"]["text"] for body in bodies] == [
            "Hello Ana. Write *agent* to talk to a person.",
            "I am getting somebody for you.",
        ]


async def test_what_an_agent_has_read_is_marked_as_read(database: Database) -> None:
    async with make_engine(database) as world:
        conversation = (await world.says("agent")).conversation_id
        await world.says("Hello?")
        await world.submit(AgentRead(to=ByConversation(conversation)))
        await world.says("Anybody?")

        marks = [one.status.value for one in await world.messages(conversation) if one.type is MessageType.IN]
        assert marks == ["read", "read", "sent"]


BRIEFING = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [agent], do: person}
subflows:
  welcome:
    - send: "Hello"
  person:
    - pause_bot:
        say: One moment.
        tell: {summary: "{{ first_name }} asks", transcript: 3}
        not_accepted: {after: 2m, do: [{send: Still looking}]}
        platform_down: {do: [{send: Nobody hears us}]}
"""


async def test_the_platform_gets_the_latest_messages_with_the_handoff(database: Database) -> None:
    async with make_engine(database, flow=BRIEFING) as world:
        first = await world.says("Hi")
        await world.submit(
            NoteWritten(to=ByConversation(first.conversation_id), text="a note is not for them")
        )
        await asyncio.gather(world.says("agent"), world.says("Is it in stock?"))

        request = next(one for one in await waiting(world) if one.event_type == "handoff.requested")

    event = msgspec.json.decode(request.body)["event"]
    assert event["summary"] == "Ana asks"
    told = [(one["type"], one["content"], one["username"]) for one in event["transcript"]]
    assert told == [("out", "Hello", "Bot"), ("in", "agent", "Ana Diaz"), ("out", "One moment.", "Bot")]


async def test_the_flow_speaks_when_nobody_has_accepted_and_timers_survive_a_restart(
    database: Database,
) -> None:
    async with make_engine(database, flow=BRIEFING) as world:
        asked = await world.says("agent")
        world.clock.advance(timedelta(minutes=2))
        timers = Timers(engine=world.engine, database=database, clock=world.clock)

        await timers.fire_due()
        await timers.fire_due()

        assert (await said(world, asked.conversation_id))[-2:] == [
            ("out", "One moment."),
            ("out", "Still looking"),
        ]
        conversation = await world.conversation(asked.conversation_id)
        assert (conversation.control, conversation.epoch) == (Control.AGENT, 1)


async def test_who_hands_over_to_a_disabled_endpoint_is_told_at_once(database: Database) -> None:
    async with make_engine(database, flow=BRIEFING) as world:
        async with database.write() as connection:
            await directory.disable_endpoint(connection, world.company.endpoint.id, "gone")
        await world.catalog.refresh(at_once=True)

        asked = await world.says("agent")

        assert (await said(world, asked.conversation_id))[-1] == ("out", "Nobody hears us")
        assert "handoff.requested" in await told(world)


async def test_what_was_decided_leaves_nothing_for_the_garbage_collector(database: Database) -> None:
    """In a cycle a batch would keep all its conversations in memory until the collector comes."""
    async with make_engine(database) as world:
        await world.says("agent")
        gc.collect()
        gc.disable()
        try:
            await asyncio.gather(*(world.says(f"message {number}") for number in range(50)))
            await world.says("last")
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = {type(one) for one in gc.garbage if type(one).__module__.startswith("relevo.")}
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
        assert left == set()


SHARED = """\
version: 1
flow: defaults
start: handoff_not_accepted
subflows:
  handoff_not_accepted: [{ask: Your number?}, {send: thanks}]
"""
HANDS_OVER = """\
version: 1
flow: support
start: welcome
subflows:
  welcome: [{pause_bot: {not_accepted: }}]
"""


async def test_every_flow_falls_back_on_the_defaults_of_its_own_workspace(database: Database) -> None:
    async with make_engine(database, flow=HANDS_OVER) as world:
        means, here = means_of(world.services()), world.company.workspace.id
        other = await world.add_company("Other", flow=HANDS_OVER)
        await flows.publish(means, here, SHARED)
        await world.catalog.refresh(at_once=True)
        ours, theirs = await world.says("Hi"), await world.says("Hi", channel=other.web)
        world.clock.advance(timedelta(minutes=3))
        for result in (ours, theirs):
            await world.submit(TimeCame(to=ByConversation(result.conversation_id)))

        newer = SHARED.replace("thanks", "newer")
        await flows.publish_named(means, here, newer, file="f", why=flows.NOTHING_SAID)
        await world.catalog.refresh(at_once=True)
        assert isinstance(world.catalog.flows, dict)
        world.catalog.flows.clear()  # as after a restart
        await world.says("5")

        bot = [text for type_, text in await said(world, ours.conversation_id) if type_ == "out"]
        assert bot == ["Your number?", "thanks"]
        assert (await said(world, theirs.conversation_id))[-1][1].startswith("Everybody is busy")
