"""How a workspace is doing, in numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from relevo.domain.deliveries import DeliveryState, Destination
from relevo.domain.ids import WorkspaceId
from relevo.store import figures, problems, tables
from relevo.store.database import Database
from relevo.store.problems import Problem
from relevo.testing.builders import World, make_engine


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with make_engine(database) as world:
        yield world


async def test_backlogs_tell_how_much_waits_where_and_since_when(world: World) -> None:
    company = world.company
    await world.says("agent")
    began = world.clock.now()
    world.clock.advance(timedelta(minutes=3))
    await world.says("Is anybody there?")
    other = await world.add_company("Other")
    await world.says("agent", channel=other.web)

    async with world.database.read() as connection:
        found = await figures.backlogs(connection, company.workspace.id)

    to = Destination("endpoint", company.endpoint.id)
    assert [(one.destination, one.oldest) for one in found] == [(to, began)]
    assert found[0].waiting >= 2


async def test_deliveries_that_failed_are_counted_by_state(world: World) -> None:
    await world.says("agent")
    rows = tables.deliveries
    async with world.database.write() as connection:
        await connection.execute(rows.update().values(state="parked", due_at=None))
        parked = await figures.count_deliveries(connection, world.company.workspace.id, DeliveryState.PARKED)
        given_up = await figures.count_deliveries(
            connection, world.company.workspace.id, DeliveryState.GIVEN_UP
        )
        elsewhere = await figures.count_deliveries(connection, WorkspaceId(99), DeliveryState.PARKED)
        backlogs = await figures.backlogs(connection, world.company.workspace.id)

    assert parked > 0
    assert (given_up, elsewhere, backlogs) == (0, 0, [])


async def test_problems_are_counted_from_an_instant_on(world: World) -> None:
    here, now = world.company.workspace.id, world.clock.now()
    at = [now - timedelta(days=2), now - timedelta(hours=1), now]
    async with world.database.write() as connection:
        noted = [Problem(workspace_id=here, code="x", detail="y", at=one) for one in at]
        await problems.insert_new(connection, noted)

        assert await figures.count_problems(connection, here, now - timedelta(days=1)) == 2
        assert await figures.count_problems(connection, WorkspaceId(99), now - timedelta(days=1)) == 0
