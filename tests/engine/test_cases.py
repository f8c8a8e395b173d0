"""What is kept of the work of people: cases, the activity log, the figures of the day, whose things are."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from relevo.domain.agent_groups import AgentGroup, AssignMethod, GroupId, GroupMember, OnlineFirst
from relevo.domain.cases import Closing
from relevo.domain.events import (
    AgentReplied,
    Assigned,
    AssignedToGroup,
    BotPaused,
    ByConversation,
    ByUser,
    MessageReceived,
    Moved,
    NoteWritten,
)
from relevo.domain.figures import Figures, day_of
from relevo.domain.ids import ConversationId, MemberId
from relevo.domain.messages import Text
from relevo.store import agent_groups, cases, conversations, day_figures, directory, erasing, presence
from relevo.store.cases import KeptCase, Window
from relevo.store.database import Database
from relevo.store.day_figures import ALL
from relevo.testing.builders import World, make_engine

EVENING = datetime(2030, 1, 1, 23, 30, tzinfo=UTC)


async def add_group(world: World, *members: MemberId, **changes: Any) -> GroupId:
    wanted = AgentGroup(
        id=GroupId(0),
        workspace_id=world.company.workspace.id,
        name=changes.pop("name", "Sales"),
        members=tuple(map(GroupMember, members)),
        **changes,
    )
    async with world.database.write() as connection:
        group = await agent_groups.insert_new(connection, wanted, world.clock.now())
        await directory.touch(connection)
    await world.catalog.refresh(at_once=True)
    return group.id


def window(world: World) -> Window:
    now, half_a_year = world.clock.now(), timedelta(days=180)
    return Window(flow_id=world.company.flow.id, start=now - half_a_year, end=now)


async def closed(world: World) -> list[KeptCase]:
    async with world.database.read() as connection:
        return await cases.closed(connection, window(world))


async def log(world: World) -> list[tuple[str, str, int]]:
    async with world.database.read() as connection:
        rows = await cases.activity(connection, window(world))
    return [(row.action, row.source, row.member_id or 0) for row in rows]


async def figures(world: World, member_id: MemberId = ALL) -> Figures:
    today = day_of(world.clock.now(), "UTC")
    async with world.database.read() as connection:
        read = day_figures.of_flows if member_id == ALL else day_figures.of_agents
        found = await read(connection, [world.company.flow.id], today, today)
    return found.get((world.company.flow.id, today, member_id), Figures())


async def test_a_case_from_the_first_word_to_the_closing_note(database: Database) -> None:
    async with make_engine(database) as world:
        luis, start = world.company.agent.id, world.clock.now()
        id_ = (await world.says("agent")).conversation_id
        to = ByConversation(id_)
        world.clock.advance(timedelta(seconds=10))
        await world.submit(Assigned(to=to, member_id=luis))
        world.clock.advance(timedelta(seconds=20))
        await world.says("Is it in stock?")
        await world.submit(AgentReplied(to=to, contents=(Text("Yes"),), member_id=luis))
        await world.says("Thanks")
        world.clock.advance(timedelta(seconds=8))
        await world.submit(AgentReplied(to=to, contents=(Text("Bye"), Text("!")), member_id=luis))
        await world.submit(NoteWritten(to=to, text="nice", member_id=luis))
        world.clock.advance(timedelta(seconds=2))
        await world.submit(
            Moved(to=to, status="done", by="agent", member_id=luis, closing=Closing(3, "Sold", "two mugs"))
        )

        (found,) = await closed(world)
        case, one = found.closed.case, found.closed
        assert (found.conversation_id, one.closed_by, one.closed_by_member) == (id_, "agent", luis)
        assert one.closing == Closing(3, "Sold", "two mugs")
        assert (case.opened_at, one.closed_at) == (start, start + timedelta(seconds=40))
        assert (one.in_messages, case.bot_messages, case.agent_messages, case.notes) == (3, 1, 3, 2)
        assert (case.replies, case.responses, case.assignments) == (2, 2, 1)
        assert (case.first_waited, case.waited) == (timedelta(seconds=30), timedelta(seconds=38))
        assert case.handled == timedelta(seconds=30)
        assert (case.begun_by, case.opened_by) == ("new_user", "bot_user")
        assert (case.first_replied_by, case.first_replied_at) == (luis, start + timedelta(seconds=30))
        assert await log(world) == [
            ("open", "bot_user", 0),
            ("assign", "api", luis),
            ("reply", "agent", luis),
            ("reply", "agent", luis),
            ("note", "agent", luis),
            ("close", "agent", luis),
        ]
        after = await world.conversation(id_)
        assert (after.status, after.case) == ("done", None)
        assert [m.content for m in await world.messages(id_)][-1] == Text("Closed: Sold\ntwo mugs")


async def test_the_figures_of_the_day_are_of_the_flow_and_of_the_agent(database: Database) -> None:
    async with make_engine(database) as world:
        luis = world.company.agent.id
        to = ByConversation((await world.says("agent")).conversation_id)
        await world.says("Hi", user_id="other")
        await world.submit(Assigned(to=to, member_id=luis))
        world.clock.advance(timedelta(seconds=30))
        for text in ("Yes", "No"):
            await world.submit(AgentReplied(to=to, contents=(Text(text),), member_id=luis))
        await world.submit(Moved(to=to, status="done", by="api"))

        assert await figures(world) == Figures(
            arrived=2, active_users=2, in_messages=2, out_messages=2, agent_messages=2, opened=2, closed=1,
            assigned=1, assigned_new=1, done_new=1, replied_users=1, responses=1, first_waited=30,
            resolved_after=30,
        )  # fmt: skip
        assert await figures(world, luis) == Figures(
            agent_messages=2, closed=1, assigned=1, assigned_new=1, done_new=1, replied_users=1, responses=1,
            first_waited=30, resolved_after=30,
        )  # fmt: skip


async def test_who_came_and_is_not_deleted_is_there(database: Database) -> None:
    async with make_engine(database) as world:
        first = await world.says("Hi")
        await world.says("Hi", user_id="other")
        world.clock.advance(timedelta(days=1))
        await world.says("Hi", user_id="third")

        async with database.write() as connection:
            for _ in range(2):  # as two who ask at once
                await erasing.begin(connection, first.conversation_id, world.clock.now())
            there = await day_figures.there_are(connection, world.company.flow.id)

        assert there == 2
        assert (await figures(world)).arrived == 1


async def test_who_comes_back_the_next_day_is_active_and_not_new(database: Database) -> None:
    async with make_engine(database) as world:
        await world.says("Hi")
        world.clock.advance(timedelta(days=1))
        await world.says("Hi again")
        await world.says("and again")

        found = await figures(world)
        assert (found.arrived, found.active_users, found.in_messages) == (0, 1, 2)


def test_a_day_begins_where_the_workspace_is() -> None:
    assert day_of(EVENING, "Europe/Madrid") == day_of(EVENING, "UTC") + 1


async def test_a_conversation_that_was_done_is_opened_by_whoever_comes(database: Database) -> None:
    async with make_engine(database) as world:
        luis = world.company.agent.id
        to = ByConversation((await world.says("agent")).conversation_id)
        await world.submit(Moved(to=to, status="done"))
        await world.says("One more thing")
        await world.submit(Moved(to=to, status="done"))
        await world.submit(AgentReplied(to=to, contents=(Text("Hello?"),), member_id=luis))
        await world.submit(Moved(to=to, status="done"))

        begun = [(one.closed.case.begun_by, one.closed.case.opened_by) for one in await closed(world)]
        assert begun == [("new_user", "bot_user"), ("return_user", "bot_user"), ("agent", "agent")]


async def test_pending_is_not_handled_and_not_closed(database: Database) -> None:
    async with make_engine(database) as world:
        to = ByConversation((await world.says("agent")).conversation_id)
        await world.submit(Assigned(to=to, member_id=world.company.agent.id))
        for status in ("pending", "open", "done"):
            world.clock.advance(timedelta(seconds=10))
            await world.submit(Moved(to=to, status=status))

        (found,) = await closed(world)
        assert found.closed.case.handled == timedelta(seconds=20)
        assert found.closed.case.opens == 2
        assert [action for action, _, _ in await log(world)] == ["open", "assign", "pending", "open", "close"]


async def test_setting_the_same_status_again_changes_nothing(database: Database) -> None:
    async with make_engine(database) as world:
        to = ByConversation((await world.says("Hi")).conversation_id)
        for status in ("open", "done", "done"):
            await world.submit(Moved(to=to, status=status))

        assert len(await closed(world)) == 1
        assert [action for action, _, _ in await log(world)] == ["open", "close"]


async def test_a_group_gives_its_conversations_around_even_within_a_batch(database: Database) -> None:
    async with make_engine(database) as world:
        luis, owner = world.company.agent.id, world.company.owner.id
        group = await add_group(world, luis, owner, assign_method=AssignMethod.ROUND_ROBIN)
        ids = [(await world.says("agent", user_id=f"u{n}")).conversation_id for n in range(5)]
        await asyncio.gather(
            *(world.submit(AssignedToGroup(to=ByConversation(id_), group_id=group)) for id_ in ids)
        )

        states = [await world.conversation(id_) for id_ in ids]
        assert [one.member_id for one in states] == [luis, owner, luis, owner, luis]
        assert {one.group_id for one in states} == {group}


async def test_the_least_assigned_counts_what_is_open_and_not_what_is_done(database: Database) -> None:
    async with make_engine(database) as world:
        luis, owner = world.company.agent.id, world.company.owner.id
        group = await add_group(world, luis, owner, assign_method=AssignMethod.LEAST_ASSIGNED)
        ids = [(await world.says("agent", user_id=f"u{n}")).conversation_id for n in range(6)]
        for id_ in ids[:3]:
            await world.submit(Assigned(to=ByConversation(id_), member_id=luis))
        await world.submit(Assigned(to=ByConversation(ids[3]), member_id=owner))
        await world.submit(AssignedToGroup(to=ByConversation(ids[4]), group_id=group))
        for id_ in ids[:3]:
            await world.submit(Moved(to=ByConversation(id_), status="done"))
        await world.submit(AssignedToGroup(to=ByConversation(ids[5]), group_id=group))

        assert (await world.conversation(ids[4])).member_id == owner
        assert (await world.conversation(ids[5])).member_id == luis


async def test_online_only_waits_until_somebody_is(database: Database) -> None:
    async with make_engine(database) as world:
        luis, owner = world.company.agent.id, world.company.owner.id
        group = await add_group(world, luis, owner, online_first=OnlineFirst.ONLINE_ONLY)
        id_ = (await world.says("agent")).conversation_id
        given = AssignedToGroup(to=ByConversation(id_), group_id=group)

        await world.submit(given)
        nobody = await world.conversation(id_)
        async with database.write() as connection:
            await presence.say_until(connection, owner, world.clock.now() + timedelta(minutes=1))
        await world.submit(given)

        assert (nobody.member_id, nobody.group_id) == (None, group)
        assert (await world.conversation(id_)).member_id == owner


async def test_presence_ends_by_itself_and_at_a_word(database: Database) -> None:
    async with make_engine(database) as world:
        luis, now, minute = world.company.agent.id, world.clock.now(), timedelta(minutes=1)
        async with database.write() as connection:
            await presence.say_until(connection, luis, now + 5 * minute)
            await presence.note_seen(connection, luis, now + minute)
            assert await presence.online(connection, [luis], now + 4 * minute) == {luis}
            assert await presence.online(connection, [luis], now + 5 * minute) == set()
            await presence.say_until(connection, luis, now)
            assert await presence.online(connection, [luis], now) == set()


async def test_a_group_that_is_gone_assigns_nobody_and_says_so(database: Database) -> None:
    async with make_engine(database) as world:
        id_ = (await world.says("agent")).conversation_id
        await world.submit(AssignedToGroup(to=ByConversation(id_), group_id=GroupId(99)))

        assert (await world.conversation(id_)).member_id is None


async def test_a_thousand_messages_of_an_open_case_write_no_line_of_the_log(database: Database) -> None:
    async with make_engine(database) as world:
        await world.says("agent")
        to = ByUser(world.company.web.id, "1")
        await asyncio.gather(*(world.submit(MessageReceived(to=to, content=Text(str(n)))) for n in range(50)))

        assert len(await log(world)) == 2  # each of the two subscribers came once
        assert (await figures(world)).in_messages == 51


async def test_what_was_there_before_there_were_cases_can_be_closed(database: Database) -> None:
    async with make_engine(database) as world:
        id_ = (await world.says("Hi")).conversation_id
        await forget_case(world, id_)
        await world.says("Still here")
        await world.submit(BotPaused(to=ByConversation(id_), minutes=None, by="api"))
        await world.submit(Moved(to=ByConversation(id_), status="done"))

        (found,) = await closed(world)
        assert found.closed.case.begun_by == "return_user"
        assert found.closed.in_messages <= 2


async def forget_case(world: World, id_: ConversationId) -> None:
    before = await world.conversation(id_)
    async with world.database.write() as connection:
        changed = msgspec.structs.replace(before, case=None)
        await conversations.save(connection, [changed], before={id_: before})
