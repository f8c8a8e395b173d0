"""What is forgotten, and what never is."""

from __future__ import annotations

from datetime import timedelta

from relevo.domain.events import BotPaused, ByConversation, Once
from relevo.engine.housekeeping import Housekeeping
from relevo.store import applied, interventions
from relevo.store.database import Database
from relevo.store.interventions import Intervention
from relevo.testing.fake_http import reply
from tests.couriers.carrying import carrying

MONTH = timedelta(days=30)


async def test_old_finished_deliveries_are_forgotten_and_waiting_ones_kept(database: Database) -> None:
    async with carrying(database, lambda asked: reply(500 if b"stuck" in asked.body else 200)) as here:
        for user in ("a", "b"):
            await here.world.says("agent", user_id=user)
        await here.world.says("stuck", user_id="a")
        await here.world.says("fine", user_id="b")
        await here.settle_down()
        keeping = Housekeeping(database=database, clock=here.world.clock, retention=MONTH)
        await keeping.tidy()
        assert [row.state for row in await here.rows()] == ["waiting", "done"]
        done = (await here.rows())[1].id

        here.world.clock.advance(MONTH + timedelta(minutes=1))
        await keeping.tidy()

        assert [row.state for row in await here.rows()] == ["waiting"]
        assert await here.attempts(done) == []


async def test_what_was_redelivered_lately_is_kept_from_then_on(database: Database) -> None:
    async with carrying(database) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()
        (row,) = await here.rows()
        keeping = Housekeeping(database=database, clock=here.world.clock, retention=MONTH)

        here.world.clock.advance(MONTH - timedelta(minutes=1))
        async with database.write() as connection:
            assert await interventions.redeliver(connection, row.id, here.world.clock.now())
            redelivered = Intervention(
                delivery_id=row.id, at=here.world.clock.now(), by="Olga", did="redelivered"
            )
            await interventions.note(connection, [redelivered])
        await here.later(timedelta())
        here.world.clock.advance(timedelta(days=2))
        await keeping.tidy()
        assert [one.number for one in await here.attempts(row.id)] == [1, 2]

        here.world.clock.advance(MONTH)
        await keeping.tidy()
        assert await here.rows() == []
        async with database.read() as connection:
            assert await interventions.of_delivery(connection, row.id) == []


async def test_an_idempotency_key_is_remembered_for_a_day(database: Database) -> None:
    async with carrying(database) as here:
        to = ByConversation((await here.world.says("Hi")).conversation_id)
        await here.world.submit(BotPaused(to=to, minutes=1, by="api", once=Once("k", "f")))
        keeping = Housekeeping(database=database, clock=here.world.clock, retention=MONTH)

        found = []
        for hours in (23, 2):
            here.world.clock.advance(timedelta(hours=hours))
            await keeping.tidy()
            async with database.read() as connection:
                found.append(bool(await applied.find(connection, ["k"])))

        assert found == [True, False]
