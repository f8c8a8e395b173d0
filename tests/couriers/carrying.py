"""A company whose couriers carry, over a network that is a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import text

from relevo.couriers.attempts import Courier
from relevo.couriers.call import CallCourier
from relevo.couriers.channel import ChannelCourier
from relevo.couriers.couriers import Couriers
from relevo.couriers.email import EmailCourier
from relevo.couriers.limiting import Limiter
from relevo.couriers.media import FileKeeper, MediaCourier
from relevo.couriers.webhook import WebhookCourier
from relevo.domain.deliveries import Attempt, Destination, Unreachable
from relevo.domain.emails import Mailbox
from relevo.domain.ids import DeliveryId, EndpointId
from relevo.engine.engine import Engine
from relevo.http_client.client import HttpClient
from relevo.http_client.mail import Mail, Posted
from relevo.store import deliveries, directory, tables
from relevo.store.database import AnyRow, Database
from relevo.testing.builders import PUBLIC_URL, SUPPORT, StillCarriers, World, make_engine
from relevo.testing.fake_http import Asked, FakeHttp, Script

TIMEOUT = timedelta(seconds=15)


async def let_leases_end(world: World) -> None:
    """Let so much time pass that leases are over which nobody renews, by the clock that leases go by, too:
    on PostgreSQL that is its own."""
    passed = timedelta(seconds=11)
    world.clock.advance(passed)
    if not world.database.is_sqlite:
        earlier = text("UPDATE nodes SET lease_until = lease_until - :passed")
        async with world.database.write() as connection:
            await connection.execute(earlier, {"passed": passed // timedelta(microseconds=1)})


class Passed:
    """Hands the engine's wishes to couriers that are made after it."""

    def __init__(self) -> None:
        self.to: Any = StillCarriers()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.to, name)


class Keeper:
    """Keeps files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    async def keep(self, media_id: str, body: bytes) -> str:
        self.files[media_id] = body
        return "image/jpeg"


class Carrying(msgspec.Struct, kw_only=True):
    """A world with couriers."""

    world: World
    couriers: Couriers
    http: FakeHttp
    keeper: Keeper
    whispered: list[Any]

    async def settle_down(self) -> None:
        """Until nothing more can be done now: the lanes that are due are carried to their ends. Those that
        wait for their turn with a vendor get it: the clock goes on."""
        await carry_all(self.world, self.couriers)

    async def later(self, by: timedelta) -> None:
        """Let time pass, and do what is due then."""
        self.world.clock.advance(by)
        await self.couriers._renew()
        await self.settle_down()

    def posted(self, url: str = "https://desk.example.com/uchat") -> list[Asked]:
        return [asked for asked in self.http.requests if asked.url == url]

    async def rows(self, kind: str = "endpoint") -> list[AnyRow]:
        """The log of deliveries to a kind of destination, in order."""
        async with self.world.database.read() as connection:
            found = await deliveries.listing(connection, self.world.company.workspace.id, limit=200)
        return [row for row in reversed(found) if row.destination_kind == kind]

    async def attempts(self, id_: int) -> list[Attempt]:
        async with self.world.database.read() as connection:
            return await deliveries.attempts_of(connection, DeliveryId(id_))


class NoMail:
    """No mail server answers."""

    async def send(self, box: Mailbox, to: str, message: bytes, timeout: timedelta) -> Posted:  # noqa: ASYNC109
        return Posted(Unreachable("connect"))


async def carry_all(world: World, couriers: Couriers) -> None:
    waking = asyncio.create_task(_wake_sleepers(world))
    await couriers.until_idle()
    while await couriers.claim_due() or couriers.lanes:
        await couriers.until_idle()
    waking.cancel()


async def _wake_sleepers(world: World) -> None:
    while True:
        await world.clock.until_sleeping()
        await world.clock.run(timedelta(milliseconds=100))


@asynccontextmanager
async def carrying(
    database: Database, script: Script | None = None, *, flow: str = SUPPORT, mail: Mail | None = None
) -> AsyncIterator[Carrying]:
    """The company *Acme* with couriers; its endpoint wants `message.received` only."""
    passed, http, keeper = Passed(), FakeHttp(script), Keeper()
    async with make_engine(database, flow=flow, carriers=passed) as world:
        await want_messages_only(world)
        whispered: list[Any] = []

        async def whisper(whispering: object) -> None:
            whispered.append(whispering)

        couriers = make_couriers(world, http, keeper, whisper=whisper, mail=mail)
        await couriers.start()
        passed.to = couriers
        yield Carrying(world=world, couriers=couriers, http=http, keeper=keeper, whispered=whispered)
        await couriers.stop(timedelta(seconds=1))


def make_couriers(
    world: World,
    http: HttpClient,
    keeper: FileKeeper,
    database: Database | None = None,
    whisper: Callable[[Any], Awaitable[None]] | None = None,
    mail: Mail | None = None,
) -> Couriers:
    """The couriers of one more process on the world's database, through connections of its own if given."""
    given: dict[str, Any] = {"catalog": world.catalog, "http": http, "clock": world.clock, "timeout": TIMEOUT}
    kinds: dict[str, Courier] = {
        "endpoint": WebhookCourier(**given),
        "channel": ChannelCourier(**given, public_url=PUBLIC_URL, database=world.database),
        "media": MediaCourier(
            catalog=world.catalog,
            http=http,
            database=world.database,
            keeper=keeper,
            clock=world.clock,
            limit=1000,
        ),
        "email": EmailCourier(
            catalog=world.catalog,
            mail=mail or NoMail(),
            database=world.database,
            clock=world.clock,
            public_url=lambda: PUBLIC_URL,
            key=b"unsubscribe",
        ),
        "call": CallCourier(catalog=world.catalog, http=http, database=world.database, clock=world.clock),
    }

    async def disable(id_: EndpointId, reason: str) -> None:
        async with world.database.write() as connection:
            await directory.disable_endpoint(connection, id_, reason)
        await world.catalog.refresh(at_once=True)

    async def whisper_to_nobody(_: object) -> None:
        return None

    couriers = Couriers(
        couriers=kinds,
        database=database or world.database,
        hub=world.hub,
        clock=world.clock,
        chance=world.chance,
        disable_endpoint=disable,
        whisper=whisper or whisper_to_nobody,
        alone=False,
        limits=Limiter(world.catalog),
    )
    couriers.recorder = world.engine
    return couriers


class Process(msgspec.Struct):
    """Couriers and an engine, as another process has them."""

    engine: Engine
    couriers: Couriers
    http: FakeHttp


@asynccontextmanager
async def another_process(
    world: World, script: Script | None = None
) -> AsyncIterator[tuple[Couriers, FakeHttp]]:
    """Couriers and an engine of their own, on the same database."""
    async with process_on(world.database, world, script) as process:
        yield process.couriers, process.http


@asynccontextmanager
async def process_on(
    database: Database, world: World, script: Script | None = None
) -> AsyncIterator[Process]:
    """The same, through connections of its own."""
    http = FakeHttp(script)
    couriers = make_couriers(world, http, Keeper(), database)
    engine = Engine(
        database=database,
        catalog=world.catalog,
        workshop=world.workshop,
        ids=world.ids,
        carriers=couriers,
        hub=world.hub,
        clock=world.clock,
        chance=world.chance,
    )
    couriers.recorder = engine
    running = asyncio.create_task(engine.run())
    await couriers.start()
    yield Process(engine, couriers, http)
    await couriers.stop(timedelta(seconds=1))
    engine.stop()
    await running


async def want_messages_only(world: World) -> None:
    async with world.database.write() as connection:
        await connection.execute(tables.endpoints.update().values(events="[]"))
        await directory.touch(connection)
    await world.catalog.refresh(at_once=True)


def endpoint_of(world: World) -> Destination:
    return Destination("endpoint", world.company.endpoint.id)
