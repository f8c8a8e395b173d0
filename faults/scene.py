"""A scenario's stage: platforms, Relevo and customers, all up; and what is left to look at afterwards."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Container, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import Select, select

from bench.ledger import Body
from faults.customers import Customers
from faults.platform import Platform
from faults.report import Line, line
from faults.site import Site
from relevo.domain.ids import DeliveryId
from relevo.store.database import AnyRow, Database
from relevo.store.tables import deliveries
from tests import postgres

SETTLED_WITHIN = 90.0


class Run:
    """What the scenarios of one run share. PostgreSQL is started for the first that asks."""

    def __init__(self, folder: Path, *, is_short: bool, seed: int) -> None:
        self.folder, self.is_short, self.seed = folder, is_short, seed
        self.cluster = postgres.make_folder()
        self._numbers = iter(range(1_000_000))

    def with_own_cluster(self) -> Run:
        """The same with another PostgreSQL, to be closed by whoever asks."""
        return Run(self.folder, is_short=self.is_short, seed=self.seed)

    def chance(self, name: str) -> random.Random:
        """A chance of its own for each scenario: the same in each run of this seed."""
        return random.Random(f"{self.seed} {name}")

    def of(self, *, short: int, long: int) -> int:
        return short if self.is_short else long

    @asynccontextmanager
    async def database(self, kind: str) -> AsyncIterator[str]:
        """The URL of an empty database; "" for a SQLite file where Relevo puts it by itself."""
        if kind == "sqlite":
            yield ""
            return
        server = await asyncio.to_thread(postgres.ensure_running, self.cluster)
        name = f"faults_{next(self._numbers)}"
        await execute(server.url("postgres"), f"CREATE DATABASE {name}")
        yield server.url(name)
        await execute(server.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        postgres.stop(self.cluster)


@contextmanager
def begun(*, is_short: bool, seed: int) -> Iterator[Run]:
    with tempfile.TemporaryDirectory(prefix="relevo-faults-") as folder:
        run = Run(Path(folder), is_short=is_short, seed=seed)
        try:
            yield run
        finally:
            run.close()


class Scene:
    """One scenario's own. `platform` and `customers` are those of its first (or only) endpoint."""

    def __init__(self, site: Site, platforms: dict[str, Platform], database_url: str) -> None:
        self.site, self.platforms = site, platforms
        self.database_url = database_url or f"sqlite:///{site.folder}/data/relevo.db"
        self.all_customers: dict[str, Customers] = {}
        self.notes: dict[str, str] = {}

    @property
    def platform(self) -> Platform:
        return next(iter(self.platforms.values()))

    @property
    def customers(self) -> Customers:
        return next(iter(self.all_customers.values()))

    async def recovered(self, name: str = "") -> float:
        """Wait until all that was sent so far has arrived; how many seconds that took."""
        customers, platform = self.of(name)
        return await _until_arrived(list(customers.sent), platform)

    async def line(
        self, title: str, seconds: float, name: str = "", *, note: str = "", broken: Sequence[str] = ()
    ) -> Line:
        """Wait until all that was accepted has arrived, or for long, and compare."""
        customers, platform = self.of(name)
        await _until_arrived(list(customers.accepted), platform)
        return line(title, customers, platform, seconds, note=note, broken=broken)

    def of(self, name: str) -> tuple[Customers, Platform]:
        return (self.all_customers[name], self.platforms[name]) if name else (self.customers, self.platform)

    async def kept(self, of: Container[str]) -> dict[DeliveryId, str]:
        """Which of these messages were given up or parked: by the ids of their deliveries, oldest first."""
        states = deliveries.c.state.in_(["given_up", "parked"])
        rows = await self.rows(
            select(deliveries.c.id, deliveries.c.body).where(states).order_by(deliveries.c.seq)
        )
        found = {row.id: msgspec.json.decode(row.body, type=Body).message.mid for row in rows}
        return {id_: mid for id_, mid in found.items() if mid in of}

    async def rows(self, query: Select[Any]) -> list[AnyRow]:
        """What is in the database of this scenario."""
        database = Database(self.database_url)
        try:
            async with database.read() as connection:
                return list((await connection.execute(query)).all())
        finally:
            await database.close()


@asynccontextmanager
async def scene(
    run: Run,
    name: str,
    database: str,
    *,
    platforms: Sequence[Platform] = (),
    users: int = 16,
    pause: float = 0.12,
    servers: int = 1,
    database_url: Callable[[str], str] = str,
    prepared: Callable[[Site], None] = lambda _: None,
) -> AsyncIterator[Scene]:
    """Everything up, and every conversation handed over. `pause`: seconds between a customer's messages."""
    async with AsyncExitStack() as stack:
        named = {one.name: one for one in platforms or [Platform("desk")]}
        for platform in named.values():
            await stack.enter_async_context(platform)
        given_url = await stack.enter_async_context(run.database(database))
        (folder := run.folder / name).mkdir()
        site = Site(folder, named, database_url(given_url))
        stack.push_async_callback(site.close)
        prepared(site)
        await site.set_up()
        for _ in range(servers - 1):
            site.add_server()
        it = Scene(site, named, given_url)
        await asyncio.gather(*(site.serve(port) for port in site.ports))
        for one in named:
            it.all_customers[one] = Customers(one, site.targets(one), users=users, pause=pause)
            stack.callback(it.all_customers[one].close)
        await asyncio.gather(*(customers.say_hello() for customers in it.all_customers.values()))
        yield it


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _until_arrived(mids: list[str], platform: Platform) -> float:
    started, waiting = time.monotonic(), set(mids)
    while waiting and time.monotonic() < started + SETTLED_WITHIN:
        waiting -= platform.ledger.report.arrivals.keys()
        if waiting:
            await asyncio.sleep(0.01)
    return time.monotonic() - started
