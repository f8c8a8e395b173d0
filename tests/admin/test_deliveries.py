"""Deliveries that a person wants made once more."""

from __future__ import annotations

import pytest

from relevo.admin import deliveries as administration
from relevo.admin.changing import Means
from relevo.domain.errors import NotFound
from relevo.domain.ids import DeliveryId, WorkspaceId
from relevo.store import deliveries, tables
from relevo.store.database import AnyRow, Database
from relevo.testing.builders import World, make_engine


def means_of(world: World) -> Means:
    services = world.services()
    return Means(
        database=world.database,
        cipher=world.cipher,
        clock=world.clock,
        chance=world.chance,
        guard=services.guard,
    )


async def parked(world: World) -> DeliveryId:
    """A message to the platform that no retry brought there."""
    await world.says("agent")
    rows = tables.deliveries
    async with world.database.write() as connection:
        await connection.execute(
            rows.update().values(state="parked", reason="schedule_exhausted", due_at=None)
        )
        found = await deliveries.listing(connection, world.company.workspace.id)
    return DeliveryId(found[0].id)


async def row(world: World, id_: DeliveryId) -> AnyRow:
    async with world.database.read() as connection:
        found = await deliveries.find(connection, id_)
    assert found is not None
    return found


async def test_a_parked_delivery_waits_again_and_is_due_at_once(database: Database) -> None:
    async with make_engine(database) as world:
        id_ = await parked(world)

        assert await administration.redeliver(means_of(world), world.company.workspace.id, id_)

        again = await row(world, id_)
        assert (again.state, again.reason, again.due_at) == ("waiting", "", world.clock.now())
        assert not await administration.redeliver(means_of(world), world.company.workspace.id, id_)


async def test_another_workspaces_delivery_is_out_of_reach(database: Database) -> None:
    async with make_engine(database) as world:
        id_ = await parked(world)
        elsewhere = WorkspaceId(world.company.workspace.id + 1)

        with pytest.raises(NotFound):
            await administration.redeliver(means_of(world), elsewhere, id_)

        assert (await row(world, id_)).state == "parked"
