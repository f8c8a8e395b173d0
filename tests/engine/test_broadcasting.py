"""Broadcasts: once to each, at their rate, through restarts; and never where nobody may be told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from relevo.admin import vocabulary
from relevo.domain.broadcasts import Broadcast, BroadcastId, BroadcastState, Kind, Listed, Matching, Says
from relevo.domain.errors import Unavailable
from relevo.domain.events import (
    BotPaused,
    BroadcastCame,
    ByConversation,
    ByUser,
    MessageReceived,
    ReachChanged,
    SubscriberChanged,
)
from relevo.domain.flows.runs import AddTag, OptsIn, OptsOut
from relevo.domain.ids import ConversationId
from relevo.domain.messages import MessageType, Other, Text, plain_text
from relevo.domain.subscribers import By, Profile
from relevo.engine import broadcasting
from relevo.engine.broadcasting import LEASE, Broadcasting
from relevo.store import broadcasts
from relevo.store.database import Database
from relevo.testing.builders import World, add_channel, make_engine
from tests.clocks import let_pass, time_of

NEWS = """\
version: 1
flow: support
start: welcome
subflows:
  welcome:
    - ask: {text: "What is your name?", save: first_name}
  news:
    - send: "Hello {{ first_name }}, it is {{ offer }}."
"""
FAST = 60_000
VIPS = Matching('{"tag": "vip"}', "tag vip")


class Here(msgspec.Struct, kw_only=True):
    world: World
    broadcasting: Broadcasting

    async def everybody(self, number: int, *, tag: str = "vip") -> list[ConversationId]:
        """So many people who once wrote, with a tag."""
        found = []
        for index in range(number):
            result = await self.world.says("Hi", user_id=f"u{index}", name=f"Person{index}")
            to = ByConversation(result.conversation_id)
            await self.world.submit(SubscriberChanged(to=to, acts=(AddTag(tag),)))
            found.append(result.conversation_id)
        return found

    async def begin(
        self,
        to: Listed | Matching = VIPS,
        *,
        says: Says | None = None,
        per_minute: int = FAST,
        kind: Kind = "",
        in_: timedelta = timedelta(0),
    ) -> BroadcastId:
        company, now = self.world.company, await time_of(self.world.database, self.world.clock)
        one = Broadcast(
            id=BroadcastId(0),
            workspace_id=company.workspace.id,
            flow_id=company.flow.id,
            name="News",
            asked_by="Olga",
            kind=kind,
            to=to,
            says=says or Says(subflow="news", fields={"offer": "cheap"}),
            per_minute=per_minute,
            state=BroadcastState.SCHEDULED,
            due_at=now + in_,
            scheduled_at=now + in_ if in_ else None,
            total=None,
            looked_at=0,
            counts={},
            created_at=now,
            started_at=None,
            worked_at=now,
        )
        async with self.world.database.write() as connection:
            return await broadcasts.insert_new(connection, one)

    async def find(self, id_: BroadcastId) -> Broadcast:
        async with self.world.database.read() as connection:
            found = await broadcasts.find(connection, id_)
        assert found is not None
        return found

    async def work(self) -> int:
        """To the end, as time passes; how many steps there were."""
        steps = 0
        while await self.broadcasting.step():
            steps += 1
            assert steps < 500
            async with self.world.database.read() as connection:
                left = await broadcasts.until_due(connection, self.world.clock.now())
            if left is not None and left > timedelta(0):
                await self.passes(left)
        return steps

    async def passes(self, by: timedelta) -> None:
        await let_pass(self.world.database, self.world.clock, by)

    async def said(self, id_: ConversationId) -> list[str]:
        messages = await self.world.messages(id_)
        return [plain_text(one.content) for one in messages if one.type is MessageType.OUT]


@pytest.fixture
async def here(database: Database) -> AsyncIterator[Here]:
    async with make_engine(database, flow=NEWS) as world:
        yield Here(world=world, broadcasting=another(world))


def another(world: World) -> Broadcasting:
    return Broadcasting(
        database=world.database, engine=world.engine, catalog=world.catalog, hub=world.hub, clock=world.clock
    )


async def test_everybody_who_is_chosen_is_told_once_with_the_fields_that_are_set(here: Here) -> None:
    people = await here.everybody(45)
    stranger = (await here.world.says("Hi", user_id="stranger")).conversation_id

    id_ = await here.begin()
    await here.work()

    done = await here.find(id_)
    assert (done.state, done.total, done.counts, done.due_at) == (BroadcastState.DONE, 45, {"sent": 45}, None)
    for index, person in enumerate(people):
        assert await here.said(person) == ["What is your name?", f"Hello Person{index}, it is cheap."]
    assert len(await here.said(stranger)) == 1


async def test_those_who_may_not_be_told_are_passed_over_with_the_reason(here: Here) -> None:
    people = await here.everybody(4)
    with_agent, opted_out, blocked, fine = map(ByConversation, people)
    await here.world.submit(BotPaused(to=with_agent, minutes=None, by="member"))
    await here.world.submit(ReachChanged(to=opted_out, barred="opted_out"))
    await here.world.submit(ReachChanged(to=blocked, barred="blocked"))

    id_ = await here.begin(Listed(tuple(people), unknown=2))
    await here.work()

    done = await here.find(id_)
    assert done.counts == {"agent_has_control": 1, "opted_out": 1, "blocked": 1, "sent": 1}
    assert done.total == 6
    for one in (with_agent, opted_out, blocked):
        assert await here.said(one.id) == ["What is your name?"]
        assert "offer" not in (await here.world.conversation(one.id)).subscriber.fields
    assert len(await here.said(fine.id)) == 2


async def test_nobody_is_told_outside_the_window_but_with_a_template(here: Here) -> None:
    config = {"phone_number_id": "1", "access_token": "t", "app_secret": "s", "verify_token": "v"}
    channel = await add_channel(here.world, "whatsapp", config)
    said_at = here.world.clock.now()
    hello = MessageReceived(to=ByUser(channel.id, "34600"), content=Text("Hi"), said_at=said_at)
    person = (await here.world.submit(hello)).conversation_id
    words, template = Says(contents=(Text("News"),)), Says(contents=(Other("template", {"name": "news"}),))

    ids = [await here.begin(Listed((person,)), says=words)]
    await here.work()
    here.world.clock.advance(timedelta(hours=25))
    ids += [
        await here.begin(Listed((person,)), says=says) for says in (words, Says(subflow="news"), template)
    ]
    await here.work()

    counts = [(await here.find(id_)).counts for id_ in ids]
    assert counts == [{"sent": 1}, {"window_closed": 1}, {"window_closed": 1}, {"sent": 1}]
    outgoing = [one for one in await here.world.messages(person) if one.type is MessageType.OUT]
    assert isinstance(outgoing[-1].content, Other)
    assert len(outgoing) == 3


async def test_a_kind_reaches_people_of_its_channels_only(here: Here) -> None:
    person = (await here.everybody(1))[0]

    ids = [await here.begin(kind=kind) for kind in ("SMS", "EMAIL")]
    await here.work()

    assert [(await here.find(id_)).counts for id_ in ids] == [{"another_channel": 1}, {"no_email": 1}]
    assert len(await here.said(person)) == 1


@pytest.mark.parametrize(("kind", "by"), [("SMS", "sms"), ("EMAIL", "email")])
async def test_a_kind_reaches_those_who_agreed_to_it(here: Here, kind: Kind, by: By) -> None:
    config = {"account_sid": "AC1", "auth_token": "t", "from": "+61400000001"}
    channel = await add_channel(here.world, "sms", config)
    said_at = here.world.clock.now()
    hello = MessageReceived(to=ByUser(channel.id, "+34600"), content=Text("Hi"), said_at=said_at)
    person = ByConversation((await here.world.submit(hello)).conversation_id)
    email = Profile(email="ana@example.com")
    counts = []
    for act in (None, OptsIn(by, "api"), OptsOut(by)):
        acts = (act,) if act else ()
        await here.world.submit(SubscriberChanged(to=person, profile=email, acts=acts))
        id_ = await here.begin(Listed((person.id,)), kind=kind)
        await here.work()
        counts.append((await here.find(id_)).counts)

    assert counts == [{"not_opted_in": 1}, {"sent": 1}, {"not_opted_in": 1}]


async def test_fields_of_the_bot_are_set_when_it_begins(here: Here) -> None:
    now, flow_id = here.world.clock.now(), here.world.company.flow.id
    async with here.world.database.write() as connection:
        await vocabulary.create_bot_field(connection, flow_id, "price", "number", "", None, now)
        await vocabulary.create_bot_field(connection, flow_id, "season", "text", "", None, now)
    await here.everybody(1)
    says = Says(subflow="news", bot_fields={"price": 7, "season": "spring", "gone": "x"})

    id_ = await here.begin(says=says, in_=timedelta(hours=1))
    await here.work()
    await here.world.catalog.refresh(at_once=True)
    assert here.world.catalog.directory.vocabulary(flow_id).bot["price"] is None
    await here.passes(timedelta(hours=1))
    await here.work()

    assert (await here.find(id_)).sent == 1
    assert here.world.catalog.directory.vocabulary(flow_id).bot == {"price": 7, "season": "spring"}


async def test_a_subflow_that_is_gone_says_nothing(here: Here) -> None:
    await here.everybody(1)

    id_ = await here.begin(says=Says(subflow="gone"))
    await here.work()

    assert (await here.find(id_)).counts == {"no_such_subflow": 1}


async def test_no_more_are_told_in_a_minute_than_may_be(here: Here) -> None:
    await here.everybody(10)
    began, clock = await time_of(here.world.database, here.world.clock), here.world.clock.now()

    id_ = await here.begin(per_minute=120)
    await here.work()

    done = await here.find(id_)
    assert done.sent == 10
    waited = done.worked_at - clock
    by_the_database = await time_of(here.world.database, here.world.clock) - began
    # PostgreSQL's clock does not stand still meanwhile.
    by_itself = by_the_database if by_the_database != waited else timedelta(0)
    assert waited <= timedelta(seconds=5) <= waited + by_itself


async def test_it_begins_when_it_is_time(here: Here) -> None:
    await here.everybody(1)

    id_ = await here.begin(in_=timedelta(hours=1))
    assert not await here.broadcasting.step()
    assert (await here.find(id_)).state is BroadcastState.SCHEDULED

    await here.passes(timedelta(hours=1))
    await here.work()
    assert (await here.find(id_)).sent == 1


async def test_one_that_is_cancelled_midway_tells_nobody_any_more(here: Here) -> None:
    people = await here.everybody(45)
    id_ = await here.begin()
    await here.broadcasting.step()

    async with here.world.database.write() as connection:
        assert await broadcasts.cancel(connection, id_, by="Olga", now=here.world.clock.now())
        assert not await broadcasts.cancel(connection, id_, by="Olga", now=here.world.clock.now())
    await here.work()

    one = await here.find(id_)
    assert (one.state, one.sent, one.stopped_by) == (BroadcastState.CANCELLED, 20, "Olga")
    assert [len(await here.said(person)) for person in people] == [2] * 20 + [1] * 25


async def test_one_that_is_cancelled_during_a_step_keeps_count_of_whom_it_told(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.everybody(45)
    id_ = await here.begin()
    tell = here.broadcasting._tell

    async def cancelled_meanwhile(one: Broadcast, people: list[ConversationId]) -> None:
        await tell(one, people)
        async with here.world.database.write() as connection:
            await broadcasts.cancel(connection, id_, by="Olga", now=here.world.clock.now())

    monkeypatch.setattr(here.broadcasting, "_tell", cancelled_meanwhile)
    await here.work()

    one = await here.find(id_)
    assert (one.state, one.sent, one.due_at) == (BroadcastState.CANCELLED, 20, None)


async def test_a_step_that_a_crash_made_half_says_nothing_twice(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await here.everybody(30)
    id_ = await here.begin()

    async def crash(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(here.broadcasting, "_save", crash)
    with pytest.raises(RuntimeError):
        await here.broadcasting.step()
    after_a_restart = another(here.world)
    assert not await after_a_restart.step(), "the lease of the dead process still runs"

    await here.passes(LEASE)
    here.broadcasting = after_a_restart
    await here.work()

    assert (await here.find(id_)).counts == {"sent": 30}
    assert {len(await here.said(person)) for person in people} == {2}


async def test_two_processes_at_the_same_people_tell_each_once(here: Here) -> None:
    people = await here.everybody(5)
    id_ = await here.begin(Listed(tuple(people)))

    telling = BroadcastCame(to=ByConversation(people[0]), broadcast_id=id_, says=Says(subflow="news"))
    results = await asyncio.gather(*(here.world.submit(telling) for _ in range(3)))
    again = await here.world.submit(telling)
    await here.work()

    assert [one.duplicate for one in (*results, again)] == [False, True, True, True]
    assert (await here.find(id_)).counts == {"sent": 5}
    assert {len(await here.said(person)) for person in people} == {2}


async def test_when_nothing_can_be_stored_it_goes_on_later_where_it_stood(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.everybody(3)
    id_ = await here.begin()

    async def full(*_: object) -> None:
        raise Unavailable(cause="full")

    with monkeypatch.context() as patch:
        patch.setattr(here.broadcasting, "_tell_one", full)
        assert await here.broadcasting.step()
    assert not await here.broadcasting.step()

    await here.passes(timedelta(seconds=1))
    await here.work()
    assert (await here.find(id_)).counts == {"sent": 3}


async def test_no_more_people_are_told_while_many_deliveries_are_due(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await add_channel(here.world, "telegram", {"token": "1:a"})
    people = [
        (await here.world.says("Hi", user_id=f"3460{index}", channel=channel)).conversation_id
        for index in range(30)
    ]
    monkeypatch.setattr(broadcasting, "AHEAD", 20)

    id_ = await here.begin(Listed(tuple(people)))
    for _ in range(3):  # nobody carries anything here
        assert await here.broadcasting.step()
        await here.passes(timedelta(seconds=1))

    assert (await here.find(id_)).sent == 20


async def test_what_was_deleted_is_forgotten_with_whom_it_told(here: Here) -> None:
    await here.everybody(3)
    id_ = await here.begin()
    await here.work()

    async with here.world.database.write() as connection:
        assert await broadcasts.remove(connection, id_, by="Olga", now=here.world.clock.now())
        assert not await broadcasts.remove(connection, id_, by="Olga", now=here.world.clock.now())
        assert await broadcasts.find(connection, id_) is None
        assert await broadcasts.forget_deleted(connection)
        assert not await broadcasts.forget_deleted(connection)
        assert await broadcasts.reached(connection, id_, "sent") == []
