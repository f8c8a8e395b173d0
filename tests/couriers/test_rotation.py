"""A secret that is replaced: what is signed, and what the platform's side makes of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from relevo.sdk import BadSignature, Receiver
from relevo.store import configuring
from relevo.store.database import Database
from relevo.testing.builders import SIGNING_SECRET, World
from tests.couriers.carrying import carrying

NEW_SECRET = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="


async def test_while_the_secret_is_replaced_either_verifies_and_then_the_new_one_only(
    database: Database,
) -> None:
    async with carrying(database) as here:
        now = here.world.clock.now()
        await rotate(here.world, until=now + timedelta(hours=24))

        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()
        (during,) = here.posted()
        await here.later(timedelta(hours=24))
        await here.world.says("agent")
        await here.world.says("two")
        await here.settle_down()
        after = here.posted()[-1]

        assert during.headers["webhook-signature"].count("v1,") == 2
        for secrets in (NEW_SECRET, SIGNING_SECRET, [NEW_SECRET, SIGNING_SECRET]):
            assert Receiver(secrets).receive(during.headers, during.body, now).seq == 1
        later = here.world.clock.now()
        assert Receiver([NEW_SECRET, SIGNING_SECRET]).receive(after.headers, after.body, later).seq == 2
        with pytest.raises(BadSignature):
            Receiver(SIGNING_SECRET).receive(after.headers, after.body, later)


async def rotate(world: World, until: datetime) -> None:
    endpoint = msgspec.structs.replace(
        world.company.endpoint,
        events=frozenset(),
        secrets=(NEW_SECRET, SIGNING_SECRET),
        old_secret_until=until,
    )
    async with world.database.write() as connection:
        await configuring.update_endpoint(connection, world.cipher, endpoint)
    await world.catalog.refresh(at_once=True)
