"""To the customer over a vendor: parts, paces, waits, and what nobody may see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relevo.channels.adapter import Rates
from relevo.couriers.limiting import Limiter, Share
from relevo.couriers.pacing import Pacing
from relevo.domain.conversations import Conversation
from relevo.domain.deliveries import Accepted, Attempt, Destination
from relevo.domain.events import AgentReplied, AgentTyped, ByConversation
from relevo.domain.ids import ChannelId
from relevo.domain.messages import Media, Message, MessageStatus, Text
from relevo.domain.workspaces import Channel
from relevo.store import interventions, media
from relevo.store.database import Database
from relevo.system.notes import OwnNotes, SharedNotes
from relevo.testing.builders import World, add_channel
from relevo.testing.clock import FakeClock, let_others_run
from relevo.testing.fake_http import Asked, Reply, reply
from tests.couriers.carrying import Carrying, carrying

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
TWO_PARTS = Text("word " * 900)  # Telegram takes 4,096 characters


async def telegram(world: World) -> Channel:
    return await add_channel(world, "telegram", {"bot_token": TOKEN, "secret": "x" * 32})


async def written(here: Carrying) -> Conversation:
    """A conversation of somebody who has written on Telegram, with nothing left to send."""
    channel = await telegram(here.world)
    said = await here.world.says("hello", user_id="77", channel=channel, mid="700")
    await here.settle_down()
    here.http.requests.clear()
    return await here.world.conversation(said.conversation_id)


async def reply_of_agent(here: Carrying, conversation: Conversation, *contents: Any) -> None:
    await here.world.submit(AgentReplied(to=ByConversation(conversation.id), contents=contents))
    await here.settle_down()


async def last(here: Carrying, conversation: Conversation) -> Message:
    return (await here.world.messages(conversation.id))[-1]


def accepted(message_id: int = 5) -> Reply:
    return reply(body=msgspec.json.encode({"ok": True, "result": {"message_id": message_id}}))


def refused(status: int, description: str, **parts: Any) -> Reply:
    return reply(status, msgspec.json.encode({"ok": False, "description": description, **parts}))


def texts(here: Carrying) -> list[str]:
    return [msgspec.json.decode(asked.body)["text"] for asked in here.http.requests]


def answering(*replies: Reply) -> Callable[[Asked], Reply]:
    """The first request (the greeting) is accepted, then these are the answers."""
    waiting = [accepted(1), *replies]
    return lambda _: waiting.pop(0)


async def test_a_part_that_was_taken_is_not_sent_again(database: Database) -> None:
    script = answering(accepted(11), refused(502, "Bad Gateway"), accepted(12))
    async with carrying(database, script) as here:
        ana = await written(here)
        await reply_of_agent(here, ana, TWO_PARTS)
        first, second = texts(here)
        await here.later(timedelta(seconds=2))

        assert texts(here) == [first, second, second]
        message = await last(here, ana)
        assert (message.mid, message.status) == ("110201543:11", MessageStatus.SENT)


async def test_a_redelivered_message_goes_on_where_it_stopped(database: Database) -> None:
    script = answering(accepted(11), refused(400, "Bad Request: no"), accepted(12))
    async with carrying(database, script) as here:
        ana = await written(here)
        await reply_of_agent(here, ana, TWO_PARTS)
        (given_up,) = [row for row in await here.rows("channel") if row.state == "given_up"]
        async with here.world.database.write() as connection:
            await interventions.redeliver(connection, given_up.id, here.world.clock.now())
        await here.settle_down()

        assert texts(here)[1:] == [texts(here)[1]] * 2
        assert (await last(here, ana)).mid == "110201543:11"


async def test_a_wait_that_telegram_asks_for_is_kept(database: Database) -> None:
    too_much = refused(429, "Too Many Requests", parameters={"retry_after": 40})
    async with carrying(database, answering(too_much, accepted())) as here:
        ana = await written(here)
        await reply_of_agent(here, ana, Text("Hi"))
        await here.later(timedelta(seconds=39))
        assert len(here.http.requests) == 1

        await here.later(timedelta(seconds=2))

        assert len(here.http.requests) == 2
        assert (await last(here, ana)).status is MessageStatus.SENT


async def test_nothing_more_is_sent_to_whoever_blocked_the_bot(database: Database) -> None:
    blocked = refused(403, "Forbidden: bot was blocked by the user")
    async with carrying(database, answering(blocked)) as here:
        ana = await written(here)
        await reply_of_agent(here, ana, Text("Hi"))
        await reply_of_agent(here, ana, Text("Still there?"))

        assert texts(here) == ["Hi"]
        first, second = (await here.world.messages(ana.id))[-2:]
        assert first.error == "blocked: Forbidden: bot was blocked by the user"
        assert (second.status, second.error) == (MessageStatus.FAILED, "blocked")


async def test_nobody_sees_the_token_in_what_is_kept(database: Database) -> None:
    leaky = refused(400, f"Bad Request: no bot {TOKEN}")
    async with carrying(database, answering(leaky)) as here:
        ana = await written(here)
        await reply_of_agent(here, ana, Text("Hi"))

        assert TOKEN in here.http.requests[-1].url
        (row,) = [row for row in await here.rows("channel") if row.state == "given_up"]
        (attempt,) = await here.attempts(row.id)
        assert attempt.exchange is not None
        assert attempt.exchange.url == "https://api.telegram.org/bot••••/sendMessage"
        assert TOKEN not in str(attempt.exchange)


async def test_an_id_that_a_vendor_gives_twice_does_not_send_a_message_twice(database: Database) -> None:
    async with carrying(database, answering(accepted(11), accepted(11))) as here:
        ana = await written(here)
        await reply_of_agent(here, ana, Text("One"))
        await reply_of_agent(here, ana, Text("Two"))

        assert texts(here) == ["One", "Two"]
        message = await last(here, ana)
        assert (message.mid, message.status) == ("", MessageStatus.SENT)


async def test_what_was_lost_on_the_way_is_noted(database: Database) -> None:
    async with carrying(database, answering(accepted(11), accepted(12))) as here:
        ana = await written(here)
        await reply_of_agent(here, ana, TWO_PARTS)

        (attempt,) = await here.attempts((await here.rows("channel"))[-1].id)
        assert "was split" in msgspec.json.encode(attempt.outcome).decode()


async def test_an_agent_s_typing_is_shown_at_once(database: Database) -> None:
    async with carrying(database, answering()) as here:
        ana = await written(here)
        await here.world.submit(AgentTyped(to=ByConversation(ana.id)))
        await let_others_run()

        assert here.whispered[-1].user_id == "77"


# Customers' files


PHOTO = Media("image", "telegram:AgAC", "image/jpeg", 4)


def fetching(*files: Reply) -> Callable[[Asked], Reply]:
    """A Bot API that knows the photo, and then gives these."""
    waiting = list(files)

    def answer(asked: Asked) -> Reply:
        if asked.url.endswith("/getFile"):
            return reply(body=b'{"ok":true,"result":{"file_path":"photos/1.jpg"}}')
        return waiting.pop(0) if asked.method == "GET" else accepted()

    return answer


async def test_a_file_is_fetched_by_the_way_that_its_channel_knows(database: Database) -> None:
    async with carrying(database, fetching(reply(body=b"\xff\xd8\xff\xe0"))) as here:
        said = await here.world.says(PHOTO, user_id="77", channel=await telegram(here.world))
        await here.settle_down()

        assert list(here.keeper.files.values()) == [b"\xff\xd8\xff\xe0"]
        (row,) = await here.rows("media")
        (attempt,) = await here.attempts(row.id)
        assert attempt.exchange is not None
        assert attempt.exchange.url == "https://api.telegram.org/file/bot••••/photos/1.jpg"
        assert TOKEN not in str((await here.world.messages(said.conversation_id))[0])


async def test_a_file_that_cannot_be_had_says_so_and_takes_it_back_when_it_can(database: Database) -> None:
    async with carrying(database, fetching(*[reply(404)] * 7, reply(body=b"\xff\xd8\xff\xe0"))) as here:
        said = await here.world.says(PHOTO, user_id="77", channel=await telegram(here.world))
        for _ in range(8):
            await here.later(timedelta(hours=1))
        content = (await here.world.messages(said.conversation_id))[0].content
        assert isinstance(content, Media)
        assert content.problem == "the vendor answered 404"
        assert (await file_of(here, content)).state == "failed"

        (row,) = await here.rows("media")
        async with here.world.database.write() as connection:
            await interventions.redeliver(connection, row.id, here.world.clock.now())
        await here.settle_down()

        content = (await here.world.messages(said.conversation_id))[0].content
        assert isinstance(content, Media)
        assert content.problem == ""
        assert (await file_of(here, content)).state == "stored"


async def file_of(here: Carrying, content: Media) -> media.MediaFile:
    async with here.world.database.read() as connection:
        found = await media.find(connection, content.media_id)
    assert found is not None
    return found


# Paces


async def test_a_channel_is_asked_as_often_as_its_vendor_wants(database: Database) -> None:
    async with carrying(database, answering()) as here:
        channel = await telegram(here.world)

        limiter, destination = Limiter(here.world.catalog), Destination("channel", channel.id)

        assert limiter(destination, Share()).a_second == 30
        assert limiter(destination, Share(0, 2)).a_second == 15


@pytest.mark.parametrize(
    ("users", "burst", "seconds"),
    [("aab", 1, 1), ("aaab", 1, 2), ("abc", 1, 0), ("aaa", 3, 0), ("aaaaab", 3, 2)],
)
async def test_messages_to_the_same_person_are_kept_apart(users: str, burst: int, seconds: float) -> None:
    clock = FakeClock()
    pacing, times = Pacing(clock), []

    async def take(user: str) -> None:
        await pacing.turn(ChannelId(1), user, Rates(between=1, burst=burst))
        times.append(clock.monotonic())

    tasks = [asyncio.create_task(take(user)) for user in users]
    await clock.run(timedelta(minutes=1))

    assert all(task.done() for task in tasks)
    assert max(times) == seconds


async def test_without_a_pace_nobody_waits_and_nobody_is_remembered() -> None:
    clock = FakeClock()
    notes = OwnNotes()
    pacing = Pacing(clock, notes)

    for _ in range(100):
        await pacing.turn(ChannelId(1), "a", Rates())

    assert len(notes) == 0
    assert clock.monotonic() == 0


async def test_processes_that_share_their_notes_keep_one_pace_together(tmp_path: Path) -> None:
    clock, times = FakeClock(), []
    SharedNotes.make(tmp_path / "notes")

    async def take(notes: SharedNotes) -> None:
        await Pacing(clock, notes).turn(ChannelId(1), "ana", Rates(between=6, burst=2))
        times.append(clock.monotonic())

    one, other = (SharedNotes(tmp_path / "notes", b"key") for _ in range(2))
    with closing(one), closing(other):
        tasks = [asyncio.create_task(take(notes)) for notes in (one, other, one, other)]
        await clock.run(timedelta(minutes=1))

    assert all(task.done() for task in tasks)
    assert times == [0, 0, 6, 12]


LONG_CODE = {"account_sid": "AC" + "a" * 32, "auth_token": "0" * 32, "sender": "+12025550100"}


async def test_a_text_of_three_segments_takes_the_time_of_three(database: Database) -> None:
    async with carrying(database, lambda _: reply(201, b'{"sid": "SM1"}')) as here:
        channel = await add_channel(here.world, "sms", LONG_CODE)
        asked = await here.world.says("hello", user_id="+12025550101", channel=channel, mid="SM0")
        await here.settle_down()
        before = here.world.clock.monotonic()
        to = ByConversation(asked.conversation_id)
        await here.world.submit(AgentReplied(to=to, contents=(Text("word " * 80),)))
        await here.settle_down()

        gate = here.couriers.gates[Destination("channel", channel.id)]
        assert gate._next_at >= before + 3
        assert (await last_attempt(here)).outcome == Accepted(201, "SM1", "3 segments (GSM-7)")


async def last_attempt(here: Carrying) -> Attempt:
    return (await here.attempts((await here.rows("channel"))[-1].id))[-1]
