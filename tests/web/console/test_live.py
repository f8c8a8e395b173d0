"""What is live: pieces of pages, as they are said."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from relevo.admin import members
from relevo.domain.conversations import Conversation
from relevo.domain.events import ByConversation, ReceiptCame
from relevo.domain.messages import MessageStatus
from relevo.engine.hub import LookAgain
from relevo.testing.builders import World
from relevo.web.console import cookies, live
from relevo.web.console.streams import OF_MEMBER
from relevo.web.front_door import FrontDoor
from relevo.web.services import Services
from tests.web.console.browsing import means_of
from tests.web.exchanges import Exchange, exchanging


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


class Heard(NamedTuple):
    type: str
    data: Any
    id: str


class Listening:
    """An open event stream."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange, self._pending = exchange, ""
        self.pings = 0

    async def next(self) -> Heard:
        """The next event; pings are counted and passed over."""
        while True:
            while "\n\n" in self._pending:
                block, _, self._pending = self._pending.partition("\n\n")
                if heard := self._read(block):
                    return heard
            piece = await self._exchange.piece()
            assert piece is not None, "the stream has ended"
            self._pending += piece.decode()

    async def until(self, type_: str) -> Heard:
        while (heard := await self.next()).type != type_:
            pass
        return heard

    async def end(self) -> None:
        while await self._exchange.piece() is not None:
            pass

    def _read(self, block: str) -> Heard | None:
        fields = dict(_fields(block))
        if "event" not in fields:
            self.pings += block.startswith(":")
            return None
        return Heard(fields["event"], json.loads(fields["data"]), fields.get("id", ""))


def _fields(block: str) -> Iterator[tuple[str, str]]:
    for line in block.split("\n"):
        name, _, value = line.partition(": ")
        yield name, value


@pytest.fixture
async def session(services: Services, world: World) -> str:
    """The owner's."""
    return await members.open_session(means_of(services), world.company.owner.id)


@pytest.fixture
async def ana(world: World) -> Conversation:
    result = await world.says("Hello")
    return await world.conversation(result.conversation_id)


@asynccontextmanager
async def listening(
    app: FrontDoor, services: Services, session: str, path: str, **headers: str
) -> AsyncIterator[Listening]:
    cookie = f"{cookies.name_of('session', services)}={session}"
    about = {"cookie": cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with exchanging(app, "GET", path, headers=about) as exchange:
        status, answered = await exchange.start()
        assert status == 200
        assert answered["content-type"].startswith("text/event-stream")
        assert answered["cache-control"] == "no-store"
        yield Listening(exchange)


def events_of(ana: Conversation, after: int) -> str:
    return f"/console/conversations/{ana.user_ns}/events?after={after}"


async def test_what_is_said_arrives_as_it_is_shown(
    app: FrontDoor, services: Services, session: str, world: World, ana: Conversation
) -> None:
    async with listening(app, services, session, events_of(ana, ana.message_seq)) as stream:
        await stream.until("parts")
        await world.says("Is it <in> stock?")
        message = await stream.until("message")

    assert message.data["seq"] == ana.message_seq + 1
    assert message.id == str(ana.message_seq + 1)
    assert "Is it &lt;in&gt; stock?" in message.data["html"]
    assert f'data-seq="{ana.message_seq + 1}"' in message.data["html"]


async def test_what_was_missed_comes_first_and_nothing_comes_twice(
    app: FrontDoor, services: Services, session: str, world: World, ana: Conversation
) -> None:
    for word in ("One", "Two"):
        await world.says(word)
    async with listening(app, services, session, events_of(ana, ana.message_seq)) as stream:
        missed = [(await stream.until("message")).data["seq"] for _ in range(2)]
        await world.says("Three")
        then = (await stream.until("message")).data["seq"]

    assert missed == [ana.message_seq + 1, ana.message_seq + 2]
    assert then == ana.message_seq + 3


async def test_a_browser_that_comes_back_says_itself_where_it_was(
    app: FrontDoor, services: Services, session: str, world: World, ana: Conversation
) -> None:
    for word in ("One", "Two"):
        await world.says(word)
    seen = str(ana.message_seq + 1)

    async with listening(app, services, session, events_of(ana, 0), last_event_id=seen) as stream:
        assert (await stream.until("message")).data["seq"] == ana.message_seq + 2


async def test_who_has_missed_a_lot_loads_the_page_again(
    app: FrontDoor,
    services: Services,
    session: str,
    world: World,
    ana: Conversation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "PAGE", 3)
    for number in range(5):
        await world.says(f"{number}")

    async with listening(app, services, session, events_of(ana, 1)) as stream:
        assert (await stream.next()).type == "reload"


async def test_control_and_surroundings_follow(
    app: FrontDoor, services: Services, session: str, world: World, ana: Conversation
) -> None:
    async with listening(app, services, session, events_of(ana, ana.message_seq)) as stream:
        before = await stream.until("parts")
        await world.says("agent")
        after = await stream.until("parts")

    assert set(before.data) == {"control", "hint", "panel"}
    assert "The bot has control" in before.data["hint"]
    assert "Your platform has this conversation" in after.data["hint"]
    assert "Resume the bot" not in before.data["control"]
    assert "Resume the bot" in after.data["control"]
    assert "Paused by the flow" in after.data["panel"]
    assert "form_token" in after.data["panel"]


async def test_receipts_move_what_is_shown(
    app: FrontDoor, services: Services, session: str, world: World, ana: Conversation
) -> None:
    async with listening(app, services, session, events_of(ana, ana.message_seq)) as stream:
        await stream.until("parts")
        read = ReceiptCame(to=ByConversation(ana.id), status=MessageStatus.READ, up_to_seq=ana.message_seq)
        await world.submit(read)
        status = await stream.until("status")

    assert status.data == {"seqs": [2], "status": "read", "label": "Read"}


async def test_a_message_of_another_process_is_there_at_the_next_ping(
    app: FrontDoor, services: Services, session: str, world: World, ana: Conversation
) -> None:
    """The hub of this process has heard nothing of it."""
    async with listening(app, services, session, events_of(ana, ana.message_seq)) as stream:
        await stream.until("parts")
        publish, world.hub.publish = world.hub.publish, lambda notices: None  # type: ignore[method-assign]
        await world.says("From elsewhere")
        world.hub.publish = publish  # type: ignore[method-assign]
        await world.clock.until_sleeping()
        await world.clock.run(_seconds(live.PING_EVERY))
        message = await stream.until("message")

    assert "From elsewhere" in message.data["html"]
    assert stream.pings == 1


async def test_a_message_of_which_another_process_tells_is_there_at_once(
    app: FrontDoor, services: Services, session: str, world: World, ana: Conversation
) -> None:
    async with listening(app, services, session, events_of(ana, ana.message_seq)) as stream:
        await stream.until("parts")
        publish, world.hub.publish = world.hub.publish, lambda notices: None  # type: ignore[method-assign]
        await world.says("From elsewhere")
        world.hub.publish = publish  # type: ignore[method-assign]
        world.hub.publish([LookAgain(ana.workspace_id, ana.id)])
        message = await stream.until("message")

    assert "From elsewhere" in message.data["html"]
    assert stream.pings == 0


async def test_the_stream_ends_with_the_session(
    app: FrontDoor, services: Services, session: str, world: World, ana: Conversation
) -> None:
    async with listening(app, services, session, events_of(ana, ana.message_seq)) as stream:
        await stream.until("parts")
        await members.close_session(means_of(services), session)
        await world.says("A secret")
        heard = await stream.next()
        await stream.end()

    assert heard.type == "signed-out"


async def test_lists_hear_that_something_has_changed_and_not_how_often(
    app: FrontDoor, services: Services, session: str, world: World
) -> None:
    async with listening(app, services, session, "/console/events") as stream:
        await world.clock.until_sleeping()
        for number in range(20):
            await world.says(f"{number}")
        assert await stream.next() == Heard("changed", {}, "")
        await world.clock.until_sleeping()
        await world.clock.run(_seconds(live.LIST_RESTS_FOR))
        second = await stream.next()  # of those that came during the rest
        await world.clock.until_sleeping()
        await world.clock.run(_seconds(live.LIST_RESTS_FOR + live.LIST_REFRESHES_EVERY))
        third = await stream.next()  # of the time that has passed

    assert (second.type, third.type) == ("changed", "changed")


@pytest.mark.parametrize(
    ("asked", "rests"), [("5", 5), ("0", live.LIST_RESTS_FOR), ("x", live.LIST_RESTS_FOR), ("600", 60)]
)
async def test_a_page_that_takes_long_to_make_hears_of_changes_less_often(
    app: FrontDoor, services: Services, session: str, world: World, asked: str, rests: int
) -> None:
    async with listening(app, services, session, f"/console/events?rest={asked}") as stream:
        await world.clock.until_sleeping()
        await world.says("one")
        assert (await stream.next()).type == "changed"
        await world.clock.until_sleeping()
        await world.says("two")
        before = world.clock.now()
        await world.clock.run(_seconds(rests))
        assert (await stream.next()).type == "changed"

    assert world.clock.now() - before == timedelta(seconds=rests)


async def test_the_list_of_one_company_does_not_hear_of_another(
    app: FrontDoor, services: Services, session: str, world: World
) -> None:
    other = await world.add_company("Other")
    async with listening(app, services, session, "/console/events") as stream:
        await world.clock.until_sleeping()
        await world.says("Hello", channel=other.web)
        await world.clock.run(_seconds(live.LIST_REFRESHES_EVERY - 1))
        pings = stream.pings
        await world.clock.run(_seconds(1))
        assert (await stream.next()).type == "changed"

    assert pings == 0


async def test_a_member_has_only_so_many_streams(
    app: FrontDoor, services: Services, session: str, world: World
) -> None:
    cookie = {"cookie": f"{cookies.name_of('session', services)}={session}"}
    streams = [exchanging(app, "GET", "/console/events", headers=cookie) for _ in range(OF_MEMBER)]
    for stream in streams:
        exchange = await stream.__aenter__()
        assert (await exchange.start())[0] == 200
        await exchange.piece()

    async with exchanging(app, "GET", "/console/events", headers=cookie) as more:
        refused = await more.start()
    for stream in streams:
        await stream.__aexit__(None, None, None)
    async with exchanging(app, "GET", "/console/events", headers=cookie) as again:
        allowed = await again.start()

    assert (refused[0], refused[1]["retry-after"]) == (429, "5")
    assert allowed[0] == 200


@pytest.mark.parametrize("path", ["/console/events", "/console/conversations/f1001u1/events"])
async def test_a_stranger_hears_nothing(
    app: FrontDoor, services: Services, ana: Conversation, path: str
) -> None:
    async with exchanging(app, "GET", path, headers={"accept": "text/event-stream"}) as exchange:
        status, headers = await exchange.start()

    assert (status, headers["location"]) == (303, "/console/sign-in")


def _seconds(count: float) -> timedelta:
    return timedelta(seconds=count)
