"""Many deliveries put back at once: in order, in small steps, as they were selected, through restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from relevo.admin import redeliveries as administration
from relevo.domain.deliveries import DeliveryState
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import ConversationId, WorkspaceId
from relevo.domain.redeliveries import UNDELIVERED, Redelivery, RedeliveryId, RedeliveryState, Selection
from relevo.engine import redelivering
from relevo.engine.redelivering import Redelivering
from relevo.store import interventions, redeliveries, tables
from relevo.store.database import Database
from relevo.testing.clock import NOON
from relevo.testing.fake_http import Asked, Reply, reply
from tests.admin.test_deliveries import means_of
from tests.couriers.carrying import Carrying, carrying, endpoint_of

RETRIES_END = timedelta(hours=13)
FOREVER = "version: 1\nflow: support\nstart: w\nsubflows:\n  w:\n    - pause_bot\n"


class Desk:
    """Down until somebody says otherwise; remembers what it accepted."""

    def __init__(self) -> None:
        self.is_down = True
        self.accepted: list[tuple[str, int]] = []

    def __call__(self, asked: Asked) -> Reply:
        if self.is_down:
            return reply(500)
        body = msgspec.json.decode(asked.body)
        self.accepted.append((body["meta"]["user_ns"], int(asked.headers["relevo-seq"])))
        return reply()


class Here(msgspec.Struct, kw_only=True):
    """A company whose desk was down while people wrote."""

    carrying: Carrying
    desk: Desk
    redelivering: Redelivering

    @property
    def workspace_id(self) -> WorkspaceId:
        return self.carrying.world.company.workspace.id

    async def everybody_writes(self, users: int, messages: int) -> list[ConversationId]:
        """Nothing of it arrives: all are parked."""
        world, found = self.carrying.world, []
        for user in range(users):
            result = await world.says("agent", user_id=f"u{user}")
            found.append(result.conversation_id)
            for number in range(messages):
                await world.says(f"message {number}", user_id=f"u{user}")
        await self.park()
        return found

    async def park(self) -> None:
        self.carrying.couriers._stopping = True
        await self.carrying.couriers.until_idle()
        self.carrying.couriers._stopping = False
        rows = tables.deliveries
        news = {"state": "parked", "reason": "schedule_exhausted", "due_at": None, "claimed_by": None}
        async with self.carrying.world.database.write() as connection:
            now = self.carrying.world.clock.now()
            waiting = rows.update().where(rows.c.state == "waiting")
            await connection.execute(waiting.values(**news, finished_at=now))

    async def begin(self, selection: Selection | None = None) -> RedeliveryId:
        self.carrying.world.clock.advance(timedelta(seconds=1))
        means = means_of(self.carrying.world)
        async with means.database.write() as connection:
            return await administration.begin(
                connection, means, self.workspace_id, selection or Selection(), by="Olga"
            )

    async def find(self, id_: RedeliveryId) -> Redelivery:
        return await administration.find(means_of(self.carrying.world), self.workspace_id, id_)

    async def work(self) -> int:
        """Step by step to the end; how many steps there were."""
        steps = 0
        while await self.redelivering.step():
            steps += 1
            assert steps < 500
            self.carrying.world.clock.advance(timedelta(seconds=1))
            await self.carrying.couriers._renew()
            await self.carrying.settle_down()
        return steps


@pytest.fixture
async def here(database: Database) -> AsyncIterator[Here]:
    desk = Desk()
    async with carrying(database, desk, flow=FOREVER) as found:
        world = found.world
        work = Redelivering(database=database, hub=world.hub, clock=world.clock)
        yield Here(carrying=found, desk=desk, redelivering=work)


async def test_what_was_parked_arrives_in_order_in_each_conversation(here: Here) -> None:
    talks = await here.everybody_writes(3, 4)
    here.desk.is_down = False

    id_ = await here.begin()
    await here.work()

    done = await here.find(id_)
    assert (done.state, done.total, done.put_back, done.remaining) == (RedeliveryState.DONE, 12, 12, 0)
    assert len({user for user, _ in here.desk.accepted}) == len(talks)
    for user in {user for user, _ in here.desk.accepted}:
        assert [seq for one, seq in here.desk.accepted if one == user] == [1, 2, 3, 4]


async def test_small_steps_lose_no_order_and_no_delivery(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redelivering, "AT_ONCE", 3)
    monkeypatch.setattr(redeliveries, "LOOKED_AT", 4)
    await here.everybody_writes(3, 7)
    here.desk.is_down = False

    await here.begin(Selection(states=(*UNDELIVERED, DeliveryState.DONE)))
    assert await here.work() >= 7

    assert len(here.desk.accepted) == 21
    for user in {user for user, _ in here.desk.accepted}:
        assert [seq for one, seq in here.desk.accepted if one == user] == [1, 2, 3, 4, 5, 6, 7]


async def test_one_conversation_is_told_again_from_a_point_on(here: Here) -> None:
    here.desk.is_down = False
    ana, _ = await here.everybody_writes(2, 5)
    here.desk.accepted.clear()

    await here.begin(
        Selection(
            states=(DeliveryState.DONE, DeliveryState.PARKED),
            conversation_id=ana,
            destination=endpoint_of(here.carrying.world),
            from_seq=3,
        )
    )
    await here.work()

    assert [seq for _, seq in here.desk.accepted] == [3, 4, 5]
    assert len({user for user, _ in here.desk.accepted}) == 1


async def test_a_range_of_time_is_a_range_of_time(here: Here) -> None:
    start = here.carrying.world.clock.now()
    await here.everybody_writes(1, 2)
    here.carrying.world.clock.advance(timedelta(minutes=10))
    for number in range(2):
        await here.carrying.world.says(f"later {number}", user_id="u0")
    await here.park()
    here.desk.is_down = False

    await here.begin(Selection(until=start + timedelta(minutes=5)))
    await here.work()
    assert [seq for _, seq in here.desk.accepted] == [1, 2]
    await here.begin(Selection(since=start + timedelta(minutes=5)))
    await here.work()

    assert [seq for _, seq in here.desk.accepted] == [1, 2, 3, 4]


async def test_what_fails_again_is_not_put_back_again(here: Here) -> None:
    await here.everybody_writes(1, 2)
    id_ = await here.begin()
    await here.redelivering.step()
    await here.park()

    await here.work()

    assert (await here.find(id_)).put_back == 2
    assert [row.state for row in await here.carrying.rows()] == ["parked", "parked"]


async def test_what_was_parked_afterwards_is_not_part_of_it(here: Here) -> None:
    await here.everybody_writes(1, 1)
    id_ = await here.begin()
    here.carrying.world.clock.advance(timedelta(seconds=1))
    await here.carrying.world.says("later", user_id="u0")
    await here.park()
    here.desk.is_down = False

    await here.work()

    done = await here.find(id_)
    assert (done.total, done.put_back) == (1, 1)
    assert [seq for _, seq in here.desk.accepted] == [1]


async def test_another_process_goes_on_where_one_died(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redelivering, "AT_ONCE", 2)
    await here.everybody_writes(1, 6)
    here.desk.is_down = False
    id_ = await here.begin()
    await here.redelivering.step()
    assert (await here.find(id_)).put_back == 2

    world = here.carrying.world
    here.redelivering = Redelivering(database=world.database, hub=world.hub, clock=world.clock)
    await here.work()

    assert [seq for _, seq in here.desk.accepted] == [1, 2, 3, 4, 5, 6]
    assert (await here.find(id_)).put_back == 6


async def test_two_processes_put_each_back_once(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redelivering, "AT_ONCE", 2)
    await here.everybody_writes(3, 4)
    world = here.carrying.world
    other = Redelivering(database=world.database, hub=world.hub, clock=world.clock)
    id_ = await here.begin()

    for _ in range(20):
        await asyncio.gather(here.redelivering.step(), other.step())

    assert (await here.find(id_)).put_back == 12
    async with world.database.read() as connection:
        for row in await here.carrying.rows():
            assert len(await interventions.of_delivery(connection, row.id)) == 1


async def test_it_can_be_stopped(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redelivering, "AT_ONCE", 2)
    await here.everybody_writes(1, 6)
    id_ = await here.begin()
    await here.redelivering.step()
    means = means_of(here.carrying.world)

    assert await administration.stop(means, here.workspace_id, id_, by="Luis")
    assert not await administration.stop(means, here.workspace_id, id_, by="Luis")

    assert not await here.redelivering.step()
    found = await here.find(id_)
    assert (found.state, found.put_back, found.stopped_by) == (RedeliveryState.STOPPED, 2, "Luis")
    with pytest.raises(NotFound):
        await administration.stop(means, WorkspaceId(here.workspace_id + 1), id_, by="Mallory")


async def test_it_waits_for_couriers_but_not_for_an_endpoint_that_is_down(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redelivering, "AT_ONCE", 2)
    monkeypatch.setattr(redelivering, "AHEAD", 2)
    await here.everybody_writes(6, 1)
    id_ = await here.begin()
    for _ in range(5):
        await here.redelivering.step()
    assert (await here.find(id_)).put_back == 2

    here.carrying.world.clock.advance(redelivering.LATELY)
    await here.redelivering.step()

    assert (await here.find(id_)).put_back == 4


async def test_another_workspaces_deliveries_are_out_of_reach(here: Here) -> None:
    talks = await here.everybody_writes(1, 2)
    other = await here.carrying.world.add_company("Other")
    means = means_of(here.carrying.world)
    here.carrying.world.clock.advance(timedelta(seconds=1))
    async with means.database.write() as connection:
        selection = Selection(conversation_id=talks[0])
        await administration.begin(connection, means, other.workspace.id, selection, by="Mallory")

    await here.work()

    assert [row.state for row in await here.carrying.rows()] == ["parked", "parked"]


async def test_a_selection_that_makes_no_sense_is_refused(here: Here) -> None:
    now = here.carrying.world.clock.now()
    for selection in (Selection(states=(DeliveryState.WAITING,)), Selection(since=now, until=now)):
        with pytest.raises(InvalidInput):
            await here.begin(selection)


async def test_the_loop_works_and_ends(here: Here) -> None:
    await here.everybody_writes(1, 2)
    id_ = await here.begin()
    clock = here.carrying.world.clock
    running = asyncio.create_task(here.redelivering.run())
    for _ in range(10):
        await clock.until_sleeping()
        clock.advance(timedelta(seconds=1))

    here.redelivering.stop()
    await running

    assert (await here.find(id_)).state is RedeliveryState.DONE


def test_how_long_it_will_take_is_reckoned_from_what_was_done() -> None:
    one = Redelivery(
        id=RedeliveryId(1),
        workspace_id=WorkspaceId(1),
        asked_by="Olga",
        selection=Selection(),
        state=RedeliveryState.RUNNING,
        total=1000,
        put_back=200,
        looked_at=0,
        created_at=NOON,
        worked_at=NOON + timedelta(seconds=10),
    )

    assert (one.per_second, one.remaining, one.time_left) == (20, 800, timedelta(seconds=40))
    uncounted = msgspec.structs.replace(one, total=None)
    assert (uncounted.remaining, uncounted.time_left) == (None, None)
