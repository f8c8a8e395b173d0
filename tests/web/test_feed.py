"""Live messages: in order, without gaps, whatever was missed; and long polls, which heal the same way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.domain.errors import Unavailable
from relevo.domain.events import (
    AgentReplied,
    AgentTyped,
    ByConversation,
    ByUser,
    MessageReceived,
    NoteWritten,
)
from relevo.domain.ids import ConversationId
from relevo.domain.messages import Message, Text
from relevo.engine.hub import LookAgain
from relevo.store import conversations, messages
from relevo.testing.builders import World
from relevo.testing.clock import let_others_run
from relevo.web.front_door import FrontDoor
from relevo.web.widget.feed import PING_EVERY, STREAMS_OF_VISITOR
from tests.web.exchanges import Client, Exchange, exchanging

ANA = ByConversation(ConversationId(1))
A_PING = timedelta(seconds=PING_EVERY)


@pytest.fixture
def base(world: World) -> str:
    return f"/web/{world.company.web.key}"


@pytest.fixture
async def token(client: Client, base: str) -> str:
    return str((await client.post(f"{base}/session", json={})).json()["token"])


@pytest.fixture
async def opened(client: Client, base: str, token: str) -> str:
    """The token of a visitor whom the bot has greeted (seq 1)."""
    await client.post(f"{base}/open", json={}, headers={"authorization": f"Bearer {token}"})
    return token


class Events:
    """A stream of server-sent events, read one by one."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rest = b""
        self.pings = 0

    async def next(self) -> dict[str, str] | None:
        """The next event: its fields. None when the stream has ended."""
        while True:
            while b"\n\n" not in self._rest:
                piece = await self._exchange.piece()
                if piece is None:
                    return None
                self._rest += piece
            text, _, self._rest = self._rest.partition(b"\n\n")
            fields = dict(line.split(": ", 1) for line in text.decode().splitlines() if line[0] != ":")
            self.pings += text == b": ping"
            if "event" in fields:
                return fields

    async def seq(self) -> int:
        """The seq of the next event, which is a message."""
        found = await self.next()
        assert found is not None
        assert found["event"] == "message"
        assert msgspec.json.decode(found["data"])["seq"] == int(found["id"])
        return int(found["id"])

    async def ping(self) -> None:
        """Wait for the next ping."""
        before = self.pings
        while self.pings == before:
            piece = await self._exchange.piece()
            assert piece is not None
            self.pings += piece == b": ping\n\n"


def listening(app: FrontDoor, base: str, token: str, after: int = 0, **about: Any) -> Any:
    return exchanging(app, "GET", f"{base}/events?after={after}&token={token}", **about)


async def agent_says(world: World, *texts: str) -> None:
    await world.submit(AgentReplied(to=ANA, contents=tuple(Text(text) for text in texts)))


async def insert(world: World, seq: int, text: str) -> None:
    """What another process has committed: this one's hub hears nothing of it."""
    async with world.database.write() as connection:
        like = (await messages.after(connection, ConversationId(1), 0, 1))[0]
        news = {"id": 900_000 + seq, "seq": seq, "object_id": f"{seq:024x}", "content": Text(text)}
        await messages.insert_new(connection, [msgspec.structs.replace(like, **news)])
        await set_seq(connection, seq)


async def set_seq(connection: Any, seq: int) -> None:
    found = (await conversations.load_and_lock(connection, [ConversationId(1)], []))[0]
    changed = msgspec.structs.replace(found, message_seq=seq)
    await conversations.save(connection, [changed], before={found.id: found})


async def test_what_there_is_comes_first_and_then_what_is_said(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    async with listening(app, base, opened) as exchange:
        status, headers = await exchange.start()
        assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert headers["access-control-allow-origin"] == "*"
        events = Events(exchange)
        assert await events.seq() == 1

        await agent_says(world, "Hi", "there")
        assert [await events.seq(), await events.seq()] == [2, 3]


async def test_a_visitor_s_own_words_come_back_with_their_id(
    app: FrontDoor, client: Client, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        said = {"id": "w_0000001", "text": "hello"}
        await client.post(f"{base}/messages", json=said, headers={"authorization": f"Bearer {opened}"})

        found = await Events(exchange).next()
        assert found is not None
        message = msgspec.json.decode(found["data"])
        assert (message["type"], message["mid"], message["content"]["text"]) == ("in", "w_0000001", "hello")


async def test_notes_are_not_shown_and_leave_no_gap(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        await world.clock.until_sleeping()
        await world.submit(NoteWritten(to=ANA, text="a difficult one"))
        await agent_says(world, "Hi")

        found = await Events(exchange).next()
        assert found is not None
        assert found["id"] == "3"
        assert "difficult" not in found["data"]


async def test_typing_and_receipts_are_told(
    world: World, app: FrontDoor, client: Client, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        await world.clock.until_sleeping()
        events = Events(exchange)

        await world.submit(AgentTyped(to=ANA))
        typing = await events.next()
        assert typing == {"event": "typing", "data": "{}"}

        read = {"status": "read", "up_to_seq": 1}
        await client.post(f"{base}/receipts", json=read, headers={"authorization": f"Bearer {opened}"})
        status = await events.next()
        assert status == {"event": "status", "data": '{"seqs":[1],"status":"read"}'}


async def test_a_stream_is_taken_up_where_it_was_cut(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    await agent_says(world, "2", "3", "4")

    async with listening(app, base, opened, after=3) as exchange:
        await exchange.start()
        assert await Events(exchange).seq() == 4
    async with listening(app, base, opened, after=1, headers={"last-event-id": "2"}) as exchange:
        await exchange.start()
        assert await Events(exchange).seq() == 3


async def test_nothing_is_lost_between_reading_and_listening(
    world: World, app: FrontDoor, base: str, opened: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, is_first = messages.after, True

    async def read_while_somebody_speaks(*asked: Any) -> list[Message]:
        nonlocal is_first
        found = await read(*asked)
        if is_first:
            is_first = False
            await asyncio.shield(asyncio.ensure_future(agent_says(world, "meanwhile")))
        return found

    monkeypatch.setattr(messages, "after", read_while_somebody_speaks)
    async with listening(app, base, opened) as exchange:
        await exchange.start()
        events = Events(exchange)
        assert [await events.seq(), await events.seq()] == [1, 2]

        await agent_says(world, "then")
        assert await events.seq() == 3


async def test_more_than_a_listener_holds_still_arrives_whole_and_in_order(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        await world.clock.until_sleeping()
        await agent_says(world, *(f"{number}" for number in range(600)))  # one commit: all at once

        events = Events(exchange)
        assert [await events.seq() for _ in range(600)] == list(range(2, 602))


async def test_what_another_process_stored_shows_at_the_next_ping(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        events = Events(exchange)
        await world.clock.until_sleeping()
        await insert(world, 2, "from elsewhere")

        world.clock.advance(A_PING)
        assert await events.seq() == 2
        assert events.pings == 1


async def test_what_another_process_tells_of_shows_at_once(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        events = Events(exchange)
        await world.clock.until_sleeping()
        await insert(world, 2, "from elsewhere")

        world.hub.publish([LookAgain(world.company.workspace.id, ConversationId(1))])
        assert await events.seq() == 2
        assert events.pings == 0


async def test_what_another_process_stored_shows_before_what_this_one_stores_next(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        events = Events(exchange)
        await world.clock.until_sleeping()
        await insert(world, 2, "from elsewhere")

        await agent_says(world, "from here")
        assert [await events.seq(), await events.seq()] == [2, 3]


async def test_a_stream_pings_while_nothing_is_said(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        events = Events(exchange)
        for _ in range(3):
            await world.clock.until_sleeping()
            world.clock.advance(A_PING)
            await events.ping()


async def test_a_stream_outlives_a_database_that_is_gone_for_a_while(
    world: World, app: FrontDoor, base: str, opened: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        events = Events(exchange)
        await world.clock.until_sleeping()
        await insert(world, 2, "from elsewhere")
        read = messages.after

        async def gone(*asked: Any) -> list[Message]:
            raise Unavailable(cause="gone")

        monkeypatch.setattr(messages, "after", gone)
        world.clock.advance(A_PING)
        await events.ping()
        await world.clock.until_sleeping()
        monkeypatch.setattr(messages, "after", read)
        world.clock.advance(A_PING)
        assert await events.seq() == 2


async def test_a_stream_ends_when_the_server_goes_down(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        await world.clock.until_sleeping()
        world.hub.close()

        assert await Events(exchange).next() is None


async def test_a_visitor_who_goes_leaves_no_listener(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        await world.clock.until_sleeping()
        assert world.hub._listeners

    await let_others_run()
    assert not world.hub._listeners


async def test_a_visitor_may_listen_before_the_first_word(
    world: World, app: FrontDoor, client: Client, base: str, token: str
) -> None:
    async with listening(app, base, token) as exchange:
        assert (await exchange.start())[0] == 200
        events = Events(exchange)
        await world.clock.until_sleeping()
        await client.post(f"{base}/open", json={}, headers={"authorization": f"Bearer {token}"})

        world.clock.advance(timedelta(seconds=1))
        assert await events.seq() == 1


async def test_a_stream_before_the_first_word_ends_with_the_server_too(
    world: World, app: FrontDoor, base: str, token: str
) -> None:
    async with listening(app, base, token) as exchange:
        await exchange.start()
        await world.clock.until_sleeping()
        world.hub.close()

        assert await Events(exchange).next() is None


async def test_a_visitor_has_so_many_streams_and_no_more(
    world: World, app: FrontDoor, client: Client, base: str, opened: str
) -> None:
    async with asyncio.TaskGroup() as group:
        enough = asyncio.Event()

        async def listen() -> None:
            async with listening(app, base, opened) as exchange:
                await exchange.start()
                await Events(exchange).seq()
                await enough.wait()

        for _ in range(STREAMS_OF_VISITOR):
            group.create_task(listen())
        await world.clock.until_sleeping(STREAMS_OF_VISITOR)

        answer = await client.get(f"{base}/events?token={opened}")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
        enough.set()

    await let_others_run()
    async with listening(app, base, opened) as exchange:
        assert (await exchange.start())[0] == 200


# Long polls


async def poll(client: Client, base: str, token: str, after: int, wait: float) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {token}"}
    answer = await client.get(f"{base}/messages?after={after}&wait={wait}", headers=headers)
    found: dict[str, Any] = answer.json()
    return found


async def test_a_long_poll_answers_when_something_is_said(
    world: World, client: Client, base: str, opened: str
) -> None:
    asked = asyncio.create_task(poll(client, base, opened, 1, 25))
    await world.clock.until_sleeping()
    await agent_says(world, "Hi")

    assert [message["seq"] for message in (await asked)["messages"]] == [2]


async def test_a_long_poll_is_not_answered_by_what_the_visitor_does_not_see(
    world: World, client: Client, base: str, opened: str
) -> None:
    asked = asyncio.create_task(poll(client, base, opened, 1, 25))
    await world.clock.until_sleeping()
    await world.submit(NoteWritten(to=ANA, text="a difficult one"))
    await world.clock.until_sleeping()
    assert not asked.done()

    await agent_says(world, "Hi")
    assert [message["seq"] for message in (await asked)["messages"]] == [3]


async def test_a_long_poll_ends_with_its_time(world: World, client: Client, base: str, opened: str) -> None:
    asked = asyncio.create_task(poll(client, base, opened, 1, 10))
    await world.clock.until_sleeping()
    world.clock.advance(timedelta(seconds=9))
    await let_others_run()
    assert world.clock.sleeping == 1

    world.clock.advance(timedelta(seconds=1))
    assert await asked == {"messages": [], "next": 1}


async def test_a_long_poll_sees_what_another_process_stored(
    world: World, client: Client, base: str, opened: str
) -> None:
    asked = asyncio.create_task(poll(client, base, opened, 1, 25))
    await world.clock.until_sleeping()
    await insert(world, 2, "from elsewhere")
    world.clock.advance(A_PING)

    assert [message["seq"] for message in (await asked)["messages"]] == [2]


async def test_a_long_poll_may_begin_before_the_conversation(
    world: World, client: Client, base: str, token: str
) -> None:
    asked = asyncio.create_task(poll(client, base, token, 0, 25))
    await world.clock.until_sleeping()
    await client.post(f"{base}/open", json={}, headers={"authorization": f"Bearer {token}"})
    world.clock.advance(timedelta(seconds=1))

    assert [message["seq"] for message in (await asked)["messages"]] == [1]


async def test_a_long_poll_ends_when_the_server_goes_down(
    world: World, client: Client, base: str, opened: str
) -> None:
    asked = asyncio.create_task(poll(client, base, opened, 1, 25))
    await world.clock.until_sleeping()
    world.hub.close()

    assert await asked == {"messages": [], "next": 1}


async def test_visitors_hear_only_their_own_conversation(
    world: World, app: FrontDoor, base: str, opened: str
) -> None:
    async with listening(app, base, opened, after=1) as exchange:
        await exchange.start()
        await world.clock.until_sleeping()
        other = ByUser(world.company.web.id, "somebody-else")
        await world.submit(MessageReceived(to=other, content=Text("not for you"), mid="m-1"))
        await agent_says(world, "for you")

        found = await Events(exchange).next()
        assert found is not None
        assert "not for you" not in found["data"]
