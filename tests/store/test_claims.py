"""Work that one of many processes takes, whose hosts do not agree about the time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from relevo.domain.broadcasts import Broadcast, BroadcastId, BroadcastState, Listed, Says
from relevo.domain.ids import EndpointId, WorkspaceId
from relevo.domain.standings import Happening
from relevo.store import broadcasts, endpoint_health, schedules
from relevo.store.database import Database
from relevo.store.endpoint_health import Notice
from relevo.testing.builders import World, make_engine
from tests.clocks import let_pass, time_of

LEASE = timedelta(seconds=30)
HOUR = timedelta(hours=1)
SLOW, FAST = -HOUR, HOUR
POSTGRESQL = pytest.mark.parametrize(
    "database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
CLOCKS = pytest.mark.parametrize(("mine", "theirs"), [(SLOW, FAST), (FAST, SLOW)])

Make = Callable[[World, datetime], Awaitable[None]]
Take = Callable[[World, datetime], Awaitable[bool]]


async def broadcast_begun(world: World, now: datetime, *, at: datetime | None = None) -> None:
    one = Broadcast(
        id=BroadcastId(0),
        workspace_id=world.company.workspace.id,
        flow_id=world.company.flow.id,
        name="News",
        asked_by="Olga",
        kind="",
        to=Listed(()),
        says=Says(subflow="news"),
        per_minute=60,
        state=BroadcastState.RUNNING,
        due_at=at or now,
        scheduled_at=at,
        total=None,
        looked_at=0,
        counts={},
        created_at=now,
        started_at=None,
        worked_at=now,
    )
    async with world.database.write() as connection:
        await broadcasts.insert_new(connection, one)


async def broadcast_taken(world: World, now: datetime) -> bool:
    async with world.database.write() as connection:
        left = await broadcasts.until_due(connection, now)
        taken = await broadcasts.claim(connection, now, LEASE) is not None
    assert left is not None
    assert taken is (left <= timedelta(0))
    return taken


async def schedule_begun(world: World, now: datetime) -> None:
    async with world.database.write() as connection:
        await schedules.begin(connection, world.company.flow.id, "key", now)


async def schedule_taken(world: World, now: datetime) -> bool:
    async with world.database.write() as connection:
        (one,) = (await schedules.all_of(connection)).values()
        return await schedules.claim(connection, one, now, LEASE)


async def notice_made(world: World, now: datetime) -> None:
    one = Notice(
        workspace_id=WorkspaceId(1),
        endpoint_id=EndpointId(1),
        type=Happening.OPEN,
        webhook_id="msg_1",
        body=b"{}",
        created_at=now,
        due_at=now,
    )
    async with world.database.write() as connection:
        await endpoint_health.add_notice(connection, one)


async def notice_taken(world: World, now: datetime) -> bool:
    async with world.database.write() as connection:
        due = await endpoint_health.due_notices(connection, now, 10)
        return any([await endpoint_health.take_notice(connection, one, now, LEASE) for one in due])


WORK = pytest.mark.parametrize(
    ("make", "take"),
    [(broadcast_begun, broadcast_taken), (schedule_begun, schedule_taken), (notice_made, notice_taken)],
    ids=["broadcast", "schedule", "notice"],
)


@WORK
@CLOCKS
@POSTGRESQL
async def test_a_claim_runs_by_the_clock_of_the_database(
    database: Database, make: Make, take: Take, mine: timedelta, theirs: timedelta
) -> None:
    """Else a fast clock would have a host do what others are at, and a slow one wait for the dead."""
    async with make_engine(database) as world:
        now = await time_of(database, world.clock)
        await make(world, now + theirs)
        assert await take(world, now + theirs)

        assert not await take(world, now + mine)
        await let_pass(database, world.clock, LEASE)
        assert await take(world, now + mine)


@WORK
async def test_a_claim_ends_with_its_lease(database: Database, make: Make, take: Take) -> None:
    async with make_engine(database) as world:
        await make(world, world.clock.now())
        assert await take(world, world.clock.now())

        await let_pass(database, world.clock, LEASE - timedelta(seconds=5))
        assert not await take(world, world.clock.now())
        await let_pass(database, world.clock, timedelta(seconds=5))
        assert await take(world, world.clock.now())


@CLOCKS
@POSTGRESQL
async def test_a_rest_between_two_steps_ends_by_the_clock_of_the_database(
    database: Database, mine: timedelta, theirs: timedelta
) -> None:
    async with make_engine(database) as world:
        now = await time_of(database, world.clock)
        await broadcast_begun(world, now + theirs)
        async with database.write() as connection:
            one = await broadcasts.claim(connection, now + theirs, LEASE)
            assert one is not None
            await broadcasts.put_off(connection, one, now + theirs, timedelta(minutes=1))

        assert not await broadcast_taken(world, now + mine)
        await let_pass(database, world.clock, timedelta(minutes=1))
        assert await broadcast_taken(world, now + mine)


@pytest.mark.parametrize("mine", [SLOW, FAST])
@POSTGRESQL
async def test_what_is_for_later_begins_when_the_database_says_so(
    database: Database, mine: timedelta
) -> None:
    async with make_engine(database) as world:
        now = await time_of(database, world.clock)
        await broadcast_begun(world, now + mine, at=now + timedelta(minutes=30))

        assert not await broadcast_taken(world, now + mine)
        await let_pass(database, world.clock, timedelta(minutes=30))
        assert await broadcast_taken(world, now + mine)


@POSTGRESQL
async def test_a_notice_that_was_not_taken_is_posted_again_when_the_database_says_so(
    database: Database,
) -> None:
    async with make_engine(database) as world:
        now = await time_of(database, world.clock)
        await notice_made(world, now + FAST)
        assert await notice_taken(world, now + FAST)
        async with database.write() as connection:
            await endpoint_health.put_back(connection, 1, 1, now + FAST, timedelta(minutes=5))

        assert not await notice_taken(world, now + FAST)
        await let_pass(database, world.clock, timedelta(minutes=5))
        assert await notice_taken(world, now + SLOW)
