"""What may be asked of an endpoint, by all processes together."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.couriers.gates import IN_FLIGHT, Limits
from relevo.couriers.limiting import Limiter, Share, limits_of
from relevo.domain.deliveries import Destination
from relevo.domain.ids import EndpointId, WorkspaceId
from relevo.domain.workspaces import Endpoint
from relevo.store import directory, tables
from relevo.store.database import Database
from relevo.testing.clock import let_others_run
from relevo.testing.fake_http import Asked, Reply, reply
from tests.couriers.carrying import Carrying, another_process, carrying, endpoint_of, let_leases_end

DESK = Endpoint(id=EndpointId(1), workspace_id=WorkspaceId(1), name="desk", url="", secrets=())


async def limit(here: Carrying, **limits: int) -> None:
    async with here.world.database.write() as connection:
        await connection.execute(tables.endpoints.update().values(**limits))
        await directory.touch(connection)
    await here.world.catalog.refresh(at_once=True)
    here.couriers._gates.clear()


class Slow:
    """Answers when it is told to, and knows how many ask at a time."""

    def __init__(self) -> None:
        self.asking = self.most = 0
        self.go = asyncio.Event()

    async def __call__(self, _: Asked) -> Reply:
        self.asking += 1
        self.most = max(self.most, self.asking)
        await self.go.wait()
        self.asking -= 1
        return reply()


async def test_no_more_requests_are_made_at_a_time_than_the_endpoint_allows(database: Database) -> None:
    slow = Slow()
    async with carrying(database, slow) as here:
        await limit(here, max_in_flight=3)
        for user in range(12):
            await here.world.says("agent", user_id=f"u{user}")
        await asyncio.gather(*(here.world.says("one", user_id=f"u{user}") for user in range(12)))
        await let_others_run()
        assert slow.asking == 3

        slow.go.set()
        await here.settle_down()

        assert {row.state for row in await here.rows()} == {"done"}
        assert slow.most == 3


async def test_requests_are_begun_no_faster_than_the_endpoint_allows(database: Database) -> None:
    begun: list[float] = []

    async with carrying(database) as here:

        def answer(_: Asked) -> Reply:
            begun.append(here.world.clock.monotonic())
            return reply()

        here.http._script = answer
        await limit(here, max_per_second=10)
        for user in range(15):
            await here.world.says("agent", user_id=f"u{user}")
        await asyncio.gather(*(here.world.says("one", user_id=f"u{user}") for user in range(15)))
        while here.couriers.lanes:
            await here.world.clock.run(timedelta(milliseconds=100))
            with contextlib.suppress(TimeoutError):  # while the database does its part
                await asyncio.wait_for(here.couriers.until_idle(), 0.01)

        assert len(begun) == 15
        assert begun[-1] >= 1.4


async def test_processes_share_the_limit_of_an_endpoint(database: Database) -> None:
    async with carrying(database) as here, another_process(here.world) as (other, _):
        await limit(here, max_in_flight=5)
        await here.couriers._renew()
        await other._renew()
        where = endpoint_of(here.world)

        parts = [one._gate(where).limits.in_flight for one in (here.couriers, other)]
        assert sorted(parts) == [2, 3]

        await let_leases_end(here.world)  # the other renews no more
        await here.couriers._renew()
        await here.couriers.claim_due()
        assert here.couriers._gate(where).limits.in_flight == 5


@given(st.integers(0, 300), st.integers(1, 12))
def test_the_parts_of_all_are_the_whole(whole: int, of: int) -> None:
    parts = [Share(index, of).part(whole) for index in range(of)]

    assert sum(parts) == whole
    assert max(parts) - min(parts) <= 1


@pytest.mark.parametrize("of", [1, 3])
def test_without_a_limit_a_process_does_what_it_can(of: int) -> None:
    assert limits_of(DESK, Share(0, of)) == Limits(in_flight=IN_FLIGHT, is_judged=True)


async def test_only_endpoints_in_use_have_limits_and_health(database: Database) -> None:
    async with carrying(database) as here:
        limits = Limiter(here.world.catalog)
        id_ = here.world.company.endpoint.id

        assert limits(Destination("endpoint", id_), Share()).is_judged
        assert limits(Destination("endpoint", id_ + 1), Share()) == Limits()
        assert limits(Destination("channel", id_), Share()) == Limits()
