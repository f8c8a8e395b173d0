"""Leases of processes whose hosts do not agree about the time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from relevo.domain.deliveries import Lane
from relevo.store import deliveries, nodes
from relevo.store.database import Database, Taken
from relevo.store.tables import commits
from relevo.testing.builders import World, make_engine

LEASE = timedelta(seconds=10)
SLOW, FAST = timedelta(hours=-1), timedelta(hours=1)
POSTGRESQL = pytest.mark.parametrize(
    "database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)]
)


@pytest.mark.parametrize(("mine", "theirs"), [(SLOW, FAST), (FAST, SLOW)])
@POSTGRESQL
async def test_a_lease_runs_by_the_clock_of_the_database(
    database: Database, mine: timedelta, theirs: timedelta
) -> None:
    """Else a fast clock would have a host carry what others carry, and a slow one wait for the dead."""
    async with make_engine(database) as world:
        await world.says("agent")
        world.clock.advance(timedelta(hours=2))
        (lane,) = await claimed(world, "other", world.clock.now() + theirs)
        now = world.clock.now() + mine

        assert await claimed(world, "mine", now) == []
        async with database.write() as connection:
            await nodes.sweep(connection, now, after=60 * LEASE)
            assert await nodes.renew(connection, "other", now + theirs, -LEASE)
        assert await claimed(world, "mine", now) == [lane]


@POSTGRESQL
async def test_the_mark_of_a_commit_is_as_old_as_the_database_says(database: Database) -> None:
    async with make_engine(database) as world:
        now = world.clock.now()
        async with database.write() as connection:
            await nodes.mark_commit(connection, "a commit", now + SLOW)
            await nodes.sweep(connection, now, after=60 * LEASE)
        with pytest.raises(Taken):
            async with database.write() as connection:
                await nodes.try_mark(connection, "a commit", now)


async def test_what_died_long_ago_is_removed(database: Database) -> None:
    async with make_engine(database) as world:
        now = world.clock.now()
        async with database.write() as connection:
            await nodes.register(connection, "other", now, -61 * LEASE)
            await nodes.mark_commit(connection, "a commit", now)
            await nodes.sweep(connection, now, after=60 * LEASE)

            assert not await nodes.renew(connection, "other", now, LEASE)
            assert (await connection.execute(select(func.count()).select_from(commits))).scalar_one() > 0


async def claimed(world: World, node: str, now: datetime) -> list[Lane]:
    """What a process takes that has just come, and whose host believes that it is `now`."""
    async with world.database.write() as connection:
        await nodes.register(connection, node, now, LEASE)
        destinations = await deliveries.due_destinations(connection, now=now)
        found = [
            await deliveries.claim_due(connection, one, node=node, now=now, limit=9) for one in destinations
        ]
        if not any(found):
            await nodes.leave(connection, node)
    return [one.lane for some in found for one in some if one.destination.kind == "endpoint"]
