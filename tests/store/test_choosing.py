"""Whom a condition holds for: what the database says is what memory says, for any condition."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.domain import segments
from relevo.domain.conversations import Control, Conversation
from relevo.domain.flows.model import AllOf, AnyOf, Condition, Not
from relevo.domain.ids import ChannelId, ConversationId, FlowId, WorkspaceId
from relevo.domain.segments import Where, fits
from relevo.domain.subscribers import Profile, Subscriber
from relevo.domain.workspaces import Channel
from relevo.store import choosing, conversations, subscribers, traits
from relevo.store.choosing import LOOKED_AT, narrow
from relevo.store.database import Database
from relevo.store.subscribers import Wanted
from relevo.store.traits import LONGEST
from relevo.testing.clock import NOON

FLOW = FlowId(1001)
CHANNELS = {
    ChannelId(id_): Channel(
        id=ChannelId(id_), workspace_id=WorkspaceId(1), flow_id=FLOW, name=name, type=type_, key=str(id_)
    )
    for id_, name, type_ in ((1, "Café", "web"), (2, "Line 2", "whatsapp"))
}
SEGMENTS = {
    "vips": segments.read("{any: [{tag: vip}, {field: plan, is: vip}]}"),
    "loop": segments.read("{any: [{tag: VIP}, {not: {segment: loop}}]}"),
}
WHERE = Where(flow_id=FLOW, channels=CHANNELS, now=NOON, segments=SEGMENTS)

texts = st.sampled_from(["", "vip", "VIP", "Café", "cafe", 'say "vip"', "7", "7.5", " ", "%", "plan"])
instants = st.none() | st.sampled_from(
    [NOON - timedelta(days=days, microseconds=more) for days in (0, 1, 7, 30) for more in (-1, 0, 1)]
)
LONG = "x" * LONGEST
tags = st.sampled_from(["vip", "VIP", "Café", 'say "vip"', "7", "%", "plan", LONG, LONG + "y", "a\0"])
values = texts | st.integers(0, 8) | st.booleans() | st.lists(texts, max_size=2)


@st.composite
def people(draw: Any) -> list[Conversation]:
    return [_person(draw, number) for number in range(1, draw(st.integers(1, 12)))]


def _person(draw: Any, number: int) -> Conversation:
    subscriber = Subscriber(
        user_id=f"u{number}",
        profile=Profile(first_name=draw(texts), phone=draw(texts), email=draw(texts), language=draw(texts)),
        fields=draw(
            st.dictionaries(st.sampled_from(["plan", "a b", "vip", "last_seen_at"]), values, max_size=2)
        ),
        tags=tuple(draw(st.lists(tags, max_size=3, unique=True))),
        labels=tuple(draw(st.lists(tags, max_size=2, unique=True))),
        created_at=draw(instants) or NOON,
        last_seen_at=draw(instants),
    )
    return Conversation(
        id=ConversationId(number),
        workspace_id=WorkspaceId(1),
        flow_id=draw(st.sampled_from([FLOW, FLOW, FLOW, FlowId(1002)])),
        channel_id=draw(st.sampled_from(list(CHANNELS))),
        subscriber=subscriber,
        control=draw(st.sampled_from(list(Control))),
        status=draw(st.sampled_from(["open", "pending", "done", "spam"])),
        barred=draw(st.sampled_from(["", "opted_out"])),
        last_message_at=draw(instants),
    )


FIELDS = ("conversation.status", "conversation.control", "channel", "channel_name", "conversation.opted_in",
          "conversation.agent_id", "conversation.last_message_at", "last_seen_at", "subscribed_at", "email",
          "phone", "first_name", "language", "tags", "plan", "a b", "vip", "nothing")  # fmt: skip
wanted = texts | st.sampled_from(["done", "Agent", "web", "line 2", "{{ first_name }}", True, 7, 7.5, 0])
compared = st.builds(
    lambda field, by, value: {"field": field, by: value},
    st.sampled_from(FIELDS),
    st.sampled_from(["is", "is_not", "contains", "starts_with", "ends_with"]),
    wanted,
)
ordered = st.builds(
    lambda field, by, value: {"field": field, by: value},
    st.sampled_from(FIELDS),
    st.sampled_from(["more_than", "at_least", "less_than", "at_most"]),
    st.sampled_from([0, 1, 7, 7.5, 30]),
)
exists = st.builds(
    lambda field, there: {"field": field, "exists": there}, st.sampled_from(FIELDS), st.booleans()
)
times = ["last_seen_at", "subscribed_at", "conversation.last_message_at", "plan"]
ages = st.builds(
    lambda field, by, length: {"field": field, by: length},
    st.sampled_from(times),
    st.sampled_from(["in_last", "in_next", "longer_ago"]),
    st.sampled_from(["1d", "7d", "30d"]),
)
dates = st.builds(
    lambda field, by, value: {"field": field, by: value},
    st.sampled_from(times),
    st.sampled_from(["before", "after", "on"]),
    st.sampled_from(["today", "yesterday", "now", "2029-12-25"]),
)
one_of = st.builds(
    lambda field, some: {"field": field, "one_of": some},
    st.sampled_from(FIELDS),
    st.lists(texts, min_size=1, max_size=2),
)
others = st.sampled_from(
    [{"segment": "loop"}, {"segment": "vips"}, {"segment": "none"}, {"business_hours": "open"}]
)
has = st.builds(lambda kind, name: {kind: name}, st.sampled_from(["tag", "label"]), tags)
leaves = compared | ordered | ages | dates | one_of | others | exists | has
sources = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"all": some})
        | st.lists(inner, min_size=1, max_size=3).map(lambda some: {"any": some})
        | inner.map(lambda one: {"not": one})
    ),
    max_leaves=5,
)


@pytest.fixture
def asked(migrated_database_url: str) -> Iterator[Any]:
    """Runs something with a database, on one event loop for all examples."""
    with asyncio.Runner() as runner:

        async def open_() -> Database:
            return Database(migrated_database_url)

        database = runner.run(open_())
        yield lambda work: runner.run(work(database))
        runner.run(database.close())


@pytest.mark.parametrize("examples", [150])
def test_the_database_chooses_whom_the_condition_holds_for(asked: Any, examples: int) -> None:
    @settings(max_examples=examples)
    @given(people(), sources, st.integers(1, 5))
    def check(everybody: list[Conversation], source: Any, limit: int) -> None:
        condition = segments.read(msgspec.json.encode(source).decode())
        expected = [one.id for one in everybody if one.flow_id == FLOW and fits(condition, one, WHERE)]

        found, counted = asked(lambda database: _ask(database, everybody, condition, limit))

        assert found == expected
        assert counted == len(expected)

    check()


async def _ask(
    database: Database, everybody: list[Conversation], condition: Condition, limit: int
) -> tuple[list[ConversationId], int]:
    async with database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM conversations")
        await connection.exec_driver_sql("DELETE FROM traits")
        await conversations.insert_new(connection, everybody)
        await traits.save(connection, everybody, {})
    async with database.read() as connection:
        ids: list[ConversationId] = []
        after: int | None = 0
        while after is not None:
            found = await choosing.following(connection, WHERE, condition, after=after, limit=limit)
            assert len(found.people) <= limit
            ids += found.people
            after = found.looked_at
        counted = await choosing.count(connection, WHERE, condition)
        assert counted.is_all
        chosen = await choosing.within(connection, WHERE, condition, most=LOOKED_AT)
        assert chosen is not None
        listed = await subscribers.listing(
            connection, Wanted(flow_id=FLOW, within=chosen), limit=20, offset=0
        )
        assert {one.id for one in listed.rows} == set(ids)
        return ids, counted.number


@pytest.mark.parametrize(
    "source",
    [
        "{tag: vip}",
        "{any: [{label: VIP}, {not: {tag: vip}}]}",
        "{field: conversation.status, is: Done}",
        "{field: channel, is_not: web}",
        "{field: conversation.last_message_at, in_last: 7d}",
        "{not: {all: [{tag: a}, {field: conversation.control, is: agent}, {field: email, exists: true}]}}",
    ],
)
def test_what_sql_can_say_is_not_looked_at_in_memory(source: str) -> None:
    assert narrow(segments.read(source), WHERE).is_exact


async def test_no_more_than_asked_for_are_looked_at_in_memory_for_a_count(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "LOOKED_AT", 2)
    condition = segments.read("{field: first_name, is: ana}")
    async with database.write() as connection:
        await conversations.insert_new(connection, [_ana(number, NOON) for number in range(1, 8)])

    async with database.read() as connection:
        some = await choosing.count(connection, WHERE, condition, most=4)
        everybody = await choosing.count(connection, WHERE, condition)

    assert (some.number, some.is_all) == (4, False)
    assert (everybody.number, everybody.is_all) == (7, True)


def _ana(number: int, created_at: datetime) -> Conversation:
    profile = Profile(first_name="Ana")
    return Conversation(
        id=ConversationId(number),
        workspace_id=WorkspaceId(1),
        flow_id=FLOW,
        channel_id=ChannelId(1),
        subscriber=Subscriber(user_id=str(number), profile=profile, created_at=created_at),
    )


def test_conditions_are_put_together() -> None:
    tagged = segments.read(segments.tagged(("a", "b"), ("c",)))
    either = segments.read(segments.any_of(["{tag: a}", "{field: x, is: 1}"]))

    assert isinstance(tagged, AllOf)
    assert isinstance(tagged.conditions[1], Not)
    assert isinstance(either, AnyOf)
    assert len(either.conditions) == 2
