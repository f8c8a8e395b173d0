"""What people are told of the health of endpoints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec

from relevo.admin import endpoints
from relevo.admin.changing import Means
from relevo.couriers.reporting import Reporter
from relevo.domain import signing
from relevo.domain.health import State
from relevo.domain.standings import Standing
from relevo.domain.tallies import Tally
from relevo.engine.housekeeping import Housekeeping
from relevo.http_client.egress_guard import EgressGuard
from relevo.store import directory, endpoint_health, tables
from relevo.store.database import Database
from relevo.system.dns import resolve
from relevo.testing.fake_http import Asked, FakeHttp, Reply, Script, reply
from tests.clocks import let_pass
from tests.couriers.carrying import Carrying, carrying
from tests.couriers.test_circuits import SOON, Platform, say_to_agents

KEY = b"operations"
OPERATIONS = "https://ops.example.com/relevo"


class Told(msgspec.Struct):
    here: Carrying
    reporter: Reporter
    http: FakeHttp

    @property
    def id_(self) -> Any:
        return self.here.world.company.endpoint.id

    async def report(self) -> None:
        await self.reporter.report()
        await self.reporter.post_due()

    async def standing(self) -> Standing:
        async with self.here.world.database.read() as connection:
            return (await endpoint_health.standings(connection, [self.id_])).get(self.id_, Standing())

    async def tally(self) -> Tally:
        day = self.here.world.clock.now() - timedelta(days=1)
        async with self.here.world.database.read() as connection:
            return (await endpoint_health.tallies(connection, [self.id_], day)).get(self.id_, Tally())

    async def notices(self) -> list[str]:
        async with self.here.world.database.read() as connection:
            found = await endpoint_health.notices(connection, self.id_, 50)
        return [one.type.value for one in reversed(found)]

    def posted(self) -> list[str]:
        return [msgspec.json.decode(asked.body)["type"] for asked in self.http.requests]


@asynccontextmanager
async def telling(
    database: Database, platform: Any, *, operations: Script | None = None, url: str = ""
) -> AsyncIterator[Told]:
    async with carrying(database, platform) as here:
        http = FakeHttp(operations)
        reporter = make_reporter(here, http)
        here.couriers._disable_endpoint = reporter.disable
        here.couriers._tell_health = reporter.news.set
        async with database.write() as connection:
            await connection.execute(tables.workspaces.update().values(operations_url=url))
            await directory.touch(connection)
        await here.world.catalog.refresh(at_once=True)
        yield Told(here, reporter, http)


def make_reporter(here: Carrying, http: FakeHttp, couriers: Any = None) -> Reporter:
    reporter = Reporter(
        database=here.world.database,
        catalog=here.world.catalog,
        http=http,
        clock=here.world.clock,
        chance=here.world.chance,
        key=KEY,
        disable_after=timedelta(days=5),
    )
    carrier = couriers or here.couriers
    reporter.gates, reporter.node = lambda: carrier.gates, lambda: carrier.node
    return reporter


async def test_a_healthy_endpoint_is_counted_and_nothing_else(database: Database) -> None:
    async with telling(database, Platform(is_there=True)) as told:
        await say_to_agents(told.here, 3, "one", "two")
        await told.report()
        await told.report()

        tally = await told.tally()
        assert (tally.attempts, tally.failed, sum(tally.took)) == (6, 0, 6)
        async with database.read() as connection:
            assert (await connection.execute(tables.endpoint_health.select())).first() is None


async def test_an_outage_is_told_from_its_beginning_to_its_end(database: Database) -> None:
    platform = Platform()
    async with telling(database, platform, url=OPERATIONS) as told:
        await say_to_agents(told.here, 8, "one")
        assert told.reporter.news.is_set()
        await told.report()
        standing = await told.standing()
        assert (standing.state, standing.failure) == (State.OPEN, "connect")
        await told.report()

        platform.is_there = True
        await told.here.later(SOON)
        for number in range(25):
            await say_to_agents(told.here, 8, f"more {number}")
        await told.report()

        assert (await told.standing()).state is State.HEALTHY
        assert await told.notices() == told.posted() == ["endpoint.open", "endpoint.recovered"]


async def test_a_notice_is_posted_signed_and_again_until_it_is_taken(database: Database) -> None:
    async with telling(database, Platform(), operations=[reply(500), reply()], url=OPERATIONS) as told:
        await say_to_agents(told.here, 8, "one")
        await told.report()
        await told.report()
        assert len(told.http.requests) == 1

        await let_pass(database, told.here.world.clock, timedelta(seconds=7))
        await told.report()
        await told.report()

        first, second = told.http.requests
        assert first.url == OPERATIONS
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        secret = signing.derived_secret(KEY, f"{told.here.world.company.workspace.id} {OPERATIONS}")
        signing.verify([secret], second.headers, second.body, now=told.here.world.clock.now())
        assert second.headers["relevo-event"] == "endpoint.open"
        body = msgspec.json.decode(second.body)
        assert (body["endpoint"], body["reason"]) == ("desk", "connect")


async def test_without_an_operations_url_nothing_is_posted(database: Database) -> None:
    async with telling(database, Platform()) as told:
        await say_to_agents(told.here, 8, "one")
        await told.report()

        assert await told.notices() == ["endpoint.open"]
        assert told.http.requests == []


async def test_a_notice_that_two_processes_have_found_is_taken_by_one(database: Database) -> None:
    async with telling(database, Platform(), url=OPERATIONS) as told:
        await say_to_agents(told.here, 8, "one")
        await told.reporter.report()
        now = told.here.world.clock.now()
        async with database.write() as connection:
            (one,) = await endpoint_health.due_notices(connection, now, 10)
            half_a_minute = timedelta(seconds=30)
            taken = [await endpoint_health.take_notice(connection, one, now, half_a_minute) for _ in range(2)]

        assert taken == [True, False]
        await told.reporter.post_due()
        assert told.posted() == []  # it is another's for half a minute

        await let_pass(database, told.here.world.clock, timedelta(seconds=31))  # who had taken it is gone
        await told.reporter.post_due()
        assert told.posted() == ["endpoint.open"]


async def test_whoever_takes_notices_slowly_holds_no_report_up(database: Database) -> None:
    answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    async def hang(_: Asked) -> Reply:
        return await answered

    platform = Platform()
    async with telling(database, platform, operations=hang, url=OPERATIONS) as told:
        await say_to_agents(told.here, 8, "one")
        running = asyncio.create_task(told.reporter.run())
        while not told.http.requests:
            await asyncio.wait([running], timeout=0.01)
        platform.is_there = True
        told.here.world.clock.advance(SOON)  # no more than that: in `later` it goes on while anybody sleeps
        await told.here.couriers.claim_due()
        while (await told.standing()).state is State.OPEN:
            await asyncio.wait([running], timeout=0.01)

        told.reporter.stop()
        answered.set_result(reply())
        await running


async def test_410_disables_once_and_is_told_once(database: Database) -> None:
    async with telling(database, lambda _: reply(410), url=OPERATIONS) as told:
        await say_to_agents(told.here, 3, "one")
        await told.report()

        assert told.posted() == ["endpoint.disabled"]
        endpoint = told.here.world.catalog.directory.endpoints[told.id_]
        assert endpoint.disabled_reason == "endpoint_gone"


async def test_days_of_failure_disable_an_endpoint_and_park_what_waits(database: Database) -> None:
    async with telling(database, Platform()) as told:
        await say_to_agents(told.here, 8, "one")
        for _ in range(10):
            await told.report()
            assert not told.here.world.catalog.directory.endpoints[told.id_].disabled_reason
            await told.here.later(timedelta(hours=12))

        await told.report()
        await told.here.later(timedelta(minutes=1))

        endpoint = told.here.world.catalog.directory.endpoints[told.id_]
        assert endpoint.disabled_reason == "failed_too_long"
        assert (await told.notices())[-1] == "endpoint.disabled"
        assert {row.state for row in await told.here.rows()} == {"parked"}


async def test_what_a_dead_process_said_is_corrected_by_those_who_know_better(database: Database) -> None:
    platform = Platform()
    async with telling(database, platform) as told:
        await say_to_agents(told.here, 8, "one")
        await told.report()
        told.here.couriers._gates.clear()  # as after a restart
        platform.is_there = True
        told.here.world.clock.advance(timedelta(seconds=70))
        await told.report()
        assert (await told.standing()).state is State.OPEN  # nobody has asked it since

        await told.here.later(timedelta(seconds=1))
        await told.report()

        assert (await told.standing()).state is State.HEALTHY


async def test_enabling_an_endpoint_forgets_how_it_stood(database: Database) -> None:
    async with telling(database, Platform()) as told:
        await say_to_agents(told.here, 8, "one")
        await told.report()
        world = told.here.world
        means = Means(
            database=database,
            cipher=world.cipher,
            clock=world.clock,
            chance=world.chance,
            guard=EgressGuard([], resolve),
        )
        await endpoints.enable(means, world.company.workspace.id, told.id_)

        assert await told.standing() == Standing()


async def test_old_tallies_and_notices_are_forgotten(database: Database) -> None:
    async with telling(database, Platform()) as told:
        await say_to_agents(told.here, 8, "one")
        await told.report()
        clock = told.here.world.clock
        keeping = Housekeeping(database=database, clock=clock, retention=timedelta(days=30))

        clock.advance(timedelta(days=3))
        await keeping.tidy()
        async with database.read() as connection:
            assert (await connection.execute(tables.endpoint_tallies.select())).first() is None
        assert await told.notices() == ["endpoint.open"]

        clock.advance(timedelta(days=28))
        await keeping.tidy()
        assert await told.notices() == []


async def test_what_is_counted_in_another_slot_is_kept_apart(database: Database) -> None:
    async with telling(database, Platform(is_there=True)) as told:
        for _ in range(3):
            await say_to_agents(told.here, 2, "one")
            await told.report()
            await told.here.later(timedelta(minutes=6))
            await told.report()

        assert (await told.tally()).attempts == 10
        async with database.read() as connection:
            assert len((await connection.execute(tables.endpoint_tallies.select())).all()) == 3
