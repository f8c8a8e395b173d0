"""Finding subscribers and counting them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from relevo.domain.conversations import Conversation
from relevo.domain.figures import Figures
from relevo.domain.ids import ChannelId, ConversationId, FlowId, MemberId, WorkspaceId
from relevo.domain.messages import MessageType
from relevo.domain.subscribers import Profile, Subscriber
from relevo.store import conversations, day_figures, subscribers, tables
from relevo.store.database import Connection, Database
from relevo.store.subscribers import FEW, LargeTotals, Wanted
from relevo.testing.clock import NOON

FLOW, OTHER_FLOW = FlowId(1001), FlowId(1002)
WEB, APICHAT, OTHER = ChannelId(1), ChannelId(2), ChannelId(3)
DAY_AGO = NOON - timedelta(days=1)
NOBODY = Profile()


def subscriber(
    number: int,
    *,
    flow_id: FlowId = FLOW,
    channel_id: ChannelId = WEB,
    message_at: datetime | None = None,
    seen_at: datetime | None = None,
    status: Any = "open",
    profile: Profile = NOBODY,
) -> Conversation:
    return Conversation(
        id=ConversationId(number),
        workspace_id=WorkspaceId(1),
        flow_id=flow_id,
        channel_id=channel_id,
        subscriber=Subscriber(
            user_id=f"user-{number}", profile=profile, created_at=NOON, last_seen_at=seen_at
        ),
        status=status,
        last_message_at=message_at,
        last_message_type=MessageType.IN if message_at else None,
    )


async def store(database: Database, *people: Conversation) -> None:
    async with database.write() as connection:
        await conversations.insert_new(connection, people)


async def found(database: Database, wanted: Wanted, *, limit: int = 10, offset: int = 0) -> list[int]:
    async with database.read() as connection:
        listing = await subscribers.listing(connection, wanted, limit=limit, offset=offset)
    return [one.id for one in listing.rows]


async def total(database: Database, wanted: Wanted, *, limit: int = 1) -> int:
    async with database.read() as connection:
        return (await subscribers.listing(connection, wanted, limit=limit, offset=0)).total


def minutes_ago(minutes: int) -> datetime:
    return NOON - timedelta(minutes=minutes)


async def test_the_latest_come_first_and_those_without_a_message_last(database: Database) -> None:
    await store(
        database,
        subscriber(1, message_at=minutes_ago(9)),
        subscriber(2),
        subscriber(3, message_at=minutes_ago(1)),
        subscriber(4, message_at=minutes_ago(1)),
        subscriber(5),
        subscriber(6, flow_id=OTHER_FLOW, message_at=NOON),
    )

    assert await found(database, Wanted(flow_id=FLOW)) == [4, 3, 1, 5, 2]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_pages_put_together_are_the_whole(database: Database, limit: int) -> None:
    await store(
        database,
        *(subscriber(number, message_at=minutes_ago(number)) for number in range(1, 5)),
        *(subscriber(number) for number in range(5, 8)),
    )

    pages = [await found(database, Wanted(flow_id=FLOW), limit=limit, offset=at) for at in range(0, 9, limit)]

    assert [id_ for page in pages for id_ in page] == [1, 2, 3, 4, 7, 6, 5]


@pytest.mark.parametrize(("limit", "offset"), [(1, 0), (2, 1), (3, 0), (10, 0), (10, 2), (10, 3), (1, 99)])
async def test_the_total_does_not_depend_on_the_page(database: Database, limit: int, offset: int) -> None:
    await store(database, subscriber(1, message_at=NOON), subscriber(2), subscriber(3))

    async with database.read() as connection:
        listing = await subscribers.listing(connection, Wanted(flow_id=FLOW), limit=limit, offset=offset)

    assert listing.total == 3


@pytest.fixture
def many_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribers, "LARGE", 1)


@pytest.mark.usefixtures("many_are_two")
async def test_many_are_not_counted_but_told_by_the_figures_of_the_days(database: Database) -> None:
    await store(database, *(subscriber(number, message_at=NOON) for number in (1, 2)))
    await store(database, subscriber(3, status="done"))
    async with database.write() as connection:
        for day, node in ((700, "a"), (700, "b"), (701, "a")):
            await day_figures.add(connection, {(FLOW, day, day_figures.ALL): Figures(arrived=3)}, node)
        of_agent = (FLOW, 700, MemberId(5))
        await day_figures.add(connection, {of_agent: Figures(arrived=50)}, "a")
        await day_figures.note_gone(connection, FLOW)
        await day_figures.note_gone(connection, FLOW)

    async with database.read() as connection:
        by_status = await subscribers.count_by_status(connection, FLOW)
    assert await total(database, Wanted(flow_id=FLOW)) == 7
    assert by_status == {"open": 6, "done": 1}
    assert await total(database, Wanted(flow_id=FLOW, channel_ids=(WEB,))) == 3


async def test_a_few_are_counted(database: Database) -> None:
    await store(database, subscriber(1, message_at=NOON), subscriber(2, message_at=NOON))
    async with database.write() as connection:
        told = {(FLOW, 700, day_figures.ALL): Figures(arrived=3)}
        await day_figures.add(connection, told, "a")

    assert await total(database, Wanted(flow_id=FLOW)) == 2


async def test_a_total_that_is_known_is_not_counted_again(database: Database) -> None:
    await store(database, subscriber(1, message_at=NOON), subscriber(2), subscriber(3))
    wanted = Wanted(flow_id=FLOW)

    async with database.read() as connection:
        first = await subscribers.listing(connection, wanted, limit=2, offset=0, total=70)
        last = await subscribers.listing(connection, wanted, limit=2, offset=2, total=70)

    assert (first.total, last.total) == (70, 3)  # what is seen is believed more


def test_a_large_total_is_believed_for_ten_seconds_and_a_small_one_never() -> None:
    totals, wanted, other = LargeTotals(), Wanted(flow_id=FLOW), Wanted(flow_id=OTHER_FLOW)

    totals.note(wanted, 10_001, 100.0)
    totals.note(other, 10_000, 100.0)

    assert [totals.find(wanted, at) for at in (100.0, 109.9, 110.0)] == [10_001, 10_001, None]
    assert totals.find(other, 100.0) is None


def test_many_by_status_are_believed_as_well() -> None:
    totals = LargeTotals()

    totals.note_by_status(FLOW, {"open": 5_000, "done": 5_001}, 100.0)
    totals.note_by_status(OTHER_FLOW, {"open": 10_000}, 100.0)

    found = [totals.find_by_status(FLOW, at) for at in (100.0, 109.9, 110.0)]
    assert found == [{"open": 5_000, "done": 5_001}, {"open": 5_000, "done": 5_001}, None]
    assert totals.find_by_status(OTHER_FLOW, 100.0) is None
    assert totals.find(Wanted(flow_id=FLOW), 100.0) is None


def test_the_same_question_some_seconds_later_is_the_same() -> None:
    totals = LargeTotals()
    asked = [Wanted(flow_id=FLOW, message_since=(DAY_AGO + timedelta(seconds=s), True)) for s in (0, 9, 60)]

    totals.note(asked[0], 20_000, 0.0)

    assert [totals.find(one, 9.0) for one in asked] == [20_000, 20_000, None]
    assert totals.find(Wanted(flow_id=FLOW, message_since=(DAY_AGO, False)), 9.0) is None


async def test_those_to_whom_an_event_happened_are_counted_by_it(database: Database) -> None:
    await store(database, *(subscriber(number, message_at=NOON) for number in range(1, 6)))
    async with database.write() as connection:
        rows = [{"event_id": 7, "conversation_id": number} for number in (1, 2, 4)]
        await connection.execute(tables.custom_event_subscribers.insert(), rows)

    assert await total(database, Wanted(flow_id=FLOW, event_id=7)) == 3
    assert await total(database, Wanted(flow_id=FLOW, event_id=7, channel_ids=(WEB,))) == 3
    assert await total(database, Wanted(flow_id=FLOW, event_id=8)) == 0


ANA = Profile(name="Ana Diaz", phone="+61400000000", email="ana@example.com")
BO = Profile(first_name="Bo", last_name="100%_Ng", phone="61400000000")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"name": "diaz"}, [1]),
        ({"name": "ANA"}, [1]),
        ({"name": "0%_n"}, [2]),
        ({"name": "%"}, [2]),
        ({"name": "x"}, []),
        ({"phone": "+61400000000"}, [1]),
        ({"phone": "61400000000"}, [2]),
        ({"phone": "400000000"}, []),
        ({"email": "ana@example.com"}, [1]),
        ({"user_id": "user-3"}, [3]),
        ({"channel_ids": (APICHAT,)}, [3]),
        ({"channel_ids": (WEB, APICHAT)}, [1, 2, 3]),
        ({"channel_ids": ()}, []),
        ({"channel_ids": (WEB,), "name": "a"}, [1]),
        ({"name": "ana", "email": "bo@example.com"}, []),
    ],
)
async def test_each_filter_finds_whom_it_says(
    database: Database, wanted: dict[str, Any], expected: list[int]
) -> None:
    await store(
        database,
        subscriber(1, message_at=minutes_ago(1), profile=ANA),
        subscriber(2, message_at=minutes_ago(2), profile=BO),
        subscriber(3, message_at=minutes_ago(3), channel_id=APICHAT),
        subscriber(4, flow_id=OTHER_FLOW, channel_id=OTHER, message_at=NOON, profile=ANA),
    )

    assert await found(database, Wanted(flow_id=FLOW, **wanted)) == expected
    assert await total(database, Wanted(flow_id=FLOW, **wanted)) == len(expected)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"message_since": (DAY_AGO, True)}, [1, 2]),
        ({"message_since": (DAY_AGO, False)}, [3, 4, 5]),
        ({"active_since": (DAY_AGO, True)}, [1]),
        ({"active_since": (DAY_AGO, False)}, [2, 3, 4, 5]),
        ({"active_since": (DAY_AGO, False), "message_since": (DAY_AGO, True)}, [2]),
    ],
)
async def test_recent_or_not_are_two_halves(
    database: Database, wanted: dict[str, Any], expected: list[int]
) -> None:
    long_ago = NOON - timedelta(days=3)
    await store(
        database,
        subscriber(1, message_at=minutes_ago(1), seen_at=minutes_ago(2)),
        subscriber(2, message_at=minutes_ago(5), seen_at=long_ago),
        subscriber(3, message_at=long_ago, seen_at=long_ago),
        subscriber(4, message_at=long_ago - timedelta(days=1), seen_at=minutes_ago(1)),
        subscriber(5),
    )

    assert await found(database, Wanted(flow_id=FLOW, **wanted)) == expected
    assert await total(database, Wanted(flow_id=FLOW, **wanted)) == len(expected)


async def test_a_name_that_many_have_is_found_as_well(database: Database) -> None:
    many = [
        subscriber(number, message_at=minutes_ago(number), profile=Profile(name="Ana"))
        for number in range(1, FEW + 3)
    ]
    await store(database, *many, subscriber(FEW + 3, profile=Profile(name="Bo")))

    assert await found(database, Wanted(flow_id=FLOW, name="ana"), limit=3) == [1, 2, 3]
    assert await total(database, Wanted(flow_id=FLOW, name="ana")) == FEW + 2


async def test_a_name_too_long_for_an_index_is_stored_and_found_by_its_beginning(database: Database) -> None:
    await store(database, subscriber(1, message_at=NOON, profile=Profile(name="Ana " + "é" * 5000)))

    assert await found(database, Wanted(flow_id=FLOW, name="Ana " + "é" * 5000)) == [1]
    async with database.read() as connection:
        stored = await subscribers.find(connection, FLOW, ConversationId(1))
    assert stored is not None
    assert len(stored.subscriber.profile.name) == 5004


async def test_a_subscriber_of_another_flow_is_not_there(database: Database) -> None:
    await store(database, subscriber(1, flow_id=OTHER_FLOW))

    async with database.read() as connection:
        assert await subscribers.find(connection, FLOW, ConversationId(1)) is None
        assert await subscribers.find(connection, OTHER_FLOW, ConversationId(1)) is not None


async def test_many_are_got_at_once_and_unknown_ones_are_left_out(database: Database) -> None:
    await store(database, subscriber(1), subscriber(2), subscriber(3))

    async with database.read() as connection:
        got = await subscribers.get_many(
            connection, [ConversationId(3), ConversationId(1), ConversationId(9)]
        )
        assert await subscribers.get_many(connection, []) == {}

    assert sorted(got) == [1, 3]


async def test_statuses_are_counted_and_empty_ones_left_out(database: Database) -> None:
    await store(
        database,
        subscriber(1),
        subscriber(2),
        subscriber(3, status="done"),
        subscriber(4, flow_id=OTHER_FLOW, status="spam"),
    )

    async with database.read() as connection:
        assert await subscribers.count_by_status(connection, FLOW) == {"open": 2, "done": 1}
        assert await subscribers.count_by_status(connection, OTHER_FLOW) == {"spam": 1}
        assert await subscribers.count_by_status(connection, FlowId(1003)) == {}


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "ix_conversations_flow"),
        ({"user_id": "x"}, "ix_conversations_flow_user"),
        ({"name": "x"}, "ix_conversations_name"),
        ({"channel_ids": (WEB,)}, "sqlite_autoindex_conversations_1"),
        ({"active_since": (DAY_AGO, True)}, "ix_conversations_flow"),
    ],
)
async def test_nobody_is_looked_for_in_the_whole_table(
    database: Database, wanted: dict[str, Any], index: str
) -> None:
    await store(database, *(subscriber(number, message_at=minutes_ago(number)) for number in range(1, 4)))

    plans = await plans_of(
        database, lambda c: subscribers.listing(c, Wanted(flow_id=FLOW, **wanted), limit=2, offset=0)
    )

    assert f"INDEX {index} " in plans[0]
    assert not any("SCAN conversations" in plan for plan in plans), plans


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(flow_id=FLOW, phone="x"), "ix_conversations_phone"),
        (Wanted(flow_id=FLOW, email="x"), "ix_conversations_email"),
    ],
)
async def test_partial_indexes_are_used(database: Database, wanted: Wanted, index: str) -> None:
    """They can be only if their condition stands in the statement; a bound value would not do."""
    plans = await plans_of(database, lambda c: subscribers.listing(c, wanted, limit=2, offset=0))

    assert index in plans[0]


async def test_the_open_ones_are_counted_without_looking_at_them(database: Database) -> None:
    plans = await plans_of(database, lambda connection: subscribers.count_by_status(connection, FLOW))

    assert "ix_conversations_not_open" in plans[-1]


async def plans_of(database: Database, ask: Callable[[Connection], Awaitable[object]]) -> list[str]:
    """How the database would carry out each statement, if tables were long."""
    statements: list[tuple[str, Any]] = []
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    async with database.read() as connection:
        if not database.is_sqlite:
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        with statements_noted(connection, statements):
            await ask(connection)
        plans = [
            (await connection.exec_driver_sql(f"{explain} {statement}", parameters)).all()
            for statement, parameters in statements
        ]
    return [" | ".join(str(row[-1]) for row in plan) for plan in plans]


@contextmanager
def statements_noted(connection: Connection, statements: list[tuple[str, Any]]) -> Iterator[None]:
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement != "BEGIN":
            statements.append((statement, parameters))

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(connection.sync_connection, "before_cursor_execute", note)
