"""Deliveries that a person wants made once more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.admin import deliveries as administration
from relevo.admin.changing import Means
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import DeliveryId, WorkspaceId
from relevo.domain.messages import MessageStatus
from relevo.store import deliveries, interventions, nodes, tables
from relevo.store.database import AnyRow, Database
from relevo.testing.builders import World, make_engine
from tests.engine.test_handoff import waiting


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

        assert await administration.redeliver(means_of(world), world.company.workspace.id, id_, by="Olga")

        again = await row(world, id_)
        assert (again.state, again.reason, again.due_at) == ("waiting", "", world.clock.now())
        assert not await administration.redeliver(means_of(world), world.company.workspace.id, id_, by="Olga")


async def test_another_workspaces_delivery_is_out_of_reach(database: Database) -> None:
    async with make_engine(database) as world:
        id_ = await parked(world)
        elsewhere = WorkspaceId(world.company.workspace.id + 1)

        with pytest.raises(NotFound):
            await administration.redeliver(means_of(world), elsewhere, id_, by="Olga")

        assert (await row(world, id_)).state == "parked"


async def test_a_skipped_delivery_frees_its_lane_and_says_who_and_why(database: Database) -> None:
    async with make_engine(database) as world:
        await world.says("agent")
        await world.says("Is it in stock?")
        log = await waiting(world, "endpoint")

        await administration.skip(
            means_of(world), world.company.workspace.id, log[0].id, by="Olga", reason="told by phone"
        )

        skipped, following = await row(world, log[0].id), await row(world, log[1].id)
        assert (skipped.state, skipped.reason, skipped.due_at) == ("skipped", "told by phone", None)
        assert following.due_at == world.clock.now()
        async with world.database.read() as connection:
            (done,) = await interventions.of_delivery(connection, log[0].id)
        assert (done.by, done.did, done.reason) == ("Olga", "skipped", "told by phone")


async def test_a_message_that_is_skipped_is_shown_as_not_delivered(database: Database) -> None:
    async with make_engine(database) as world:
        result = await world.says("agent", channel=world.company.apichat)
        (log, *_) = await waiting(world, "channel")

        await administration.skip(means_of(world), world.company.workspace.id, log.id, by="Olga", reason="x")

        said = {message.id: message for message in await world.messages(result.conversation_id)}
        assert log.message_id is not None
        assert (said[log.message_id].status, said[log.message_id].error) == (MessageStatus.FAILED, "skipped")


async def test_what_cannot_be_skipped_is_refused(database: Database) -> None:
    async with make_engine(database) as world:
        id_ = await parked(world)
        means, here = means_of(world), world.company.workspace.id
        elsewhere = WorkspaceId(here + 1)

        for reason in (" ", "x" * 501):
            with pytest.raises(InvalidInput):
                await administration.skip(means, here, id_, by="Olga", reason=reason)
        with pytest.raises(NotFound):
            await administration.skip(means, elsewhere, id_, by="Olga", reason="x")
        await administration.skip(means, here, id_, by="Olga", reason="x")
        with pytest.raises(administration.NotWaiting):
            await administration.skip(means, here, id_, by="Olga", reason="x")


async def test_what_is_being_attempted_is_not_skipped_until_its_carrier_is_gone(database: Database) -> None:
    async with make_engine(database) as world:
        await world.says("agent")
        (head, *_) = await waiting(world, "endpoint")
        means, here, now = means_of(world), world.company.workspace.id, world.clock.now()
        async with database.write() as connection:
            await nodes.register(connection, "carrier", now, timedelta(seconds=10))
            await deliveries.claim(connection, [head.id], "carrier")

        with pytest.raises(administration.BeingAttempted):
            await administration.skip(means, here, head.id, by="Olga", reason="x")
        async with database.write() as connection:
            await nodes.renew(connection, "carrier", now, timedelta(seconds=-1))
        await administration.skip(means, here, head.id, by="Olga", reason="x")

        assert (await row(world, head.id)).state == "skipped"
