"""One process of Relevo: the real engine, couriers and timers, put together as `relevo serve` does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

from relevo.couriers.attempts import Courier
from relevo.couriers.call import CallCourier
from relevo.couriers.channel import ChannelCourier
from relevo.couriers.couriers import Couriers
from relevo.couriers.limiting import Limiter
from relevo.couriers.media import MediaCourier
from relevo.couriers.outages import Outages
from relevo.couriers.webhook import WebhookCourier
from relevo.couriers.whispers import Whisperer
from relevo.domain.errors import Unavailable
from relevo.domain.ids import EndpointId
from relevo.engine.catalog import Catalog
from relevo.engine.engine import Engine
from relevo.engine.hub import Hub
from relevo.engine.materials import Workshop
from relevo.engine.timers import Timers
from relevo.store import directory
from relevo.store.encryption import Cipher
from relevo.store.ids import IdBlocks
from relevo.testing.builders import PUBLIC_URL, SECRET_KEY
from relevo.testing.chance import FakeChance
from relevo.testing.fake_http import FakeHttp
from simulation.clock import ProcessClock
from simulation.database import Server, SimulatedDatabase
from simulation.loop import LIFE, Life
from simulation.network import Network
from simulation.world import World

T = TypeVar("T")

TIMEOUT = timedelta(seconds=15)
SCHEDULE = tuple(timedelta(seconds=seconds) for seconds in (0.5, 1, 2, 5, 5, 5))
"""Shorter than the real ones: a run is to be over before long."""


class Gone(Exception):
    """The process ended before it answered."""


class Keeper:
    """Keeps no files."""

    async def keep(self, media_id: str, body: bytes) -> str:
        return "image/jpeg"


class Process:
    """A process from its start to its end. Another start is another one."""

    def __init__(self, world: World, server: Server, network: Network) -> None:
        self.world, self._server = world, server
        self.life, self.context = Life(), copy_context()
        self.context.run(LIFE.set, self.life)
        self.clock = ProcessClock()
        self._calls: set[asyncio.Future[Any]] = set()
        self.ended: asyncio.Future[None] = world.loop.create_future()
        self.is_open = False
        self.is_leaving = False
        self.context.run(self._assemble, FakeHttp(network.request))

    def _assemble(self, http: FakeHttp) -> None:
        is_sqlite = self.world.plan.kind == "sqlite"
        self.database = SimulatedDatabase(is_sqlite=is_sqlite)
        self.catalog = Catalog(self.database, _cipher(), self.clock)
        chance = FakeChance(self.world.chance.getrandbits(64), clock=self.clock)
        hub, ids = Hub(), IdBlocks(self.database)
        self.outages = Outages(database=self.database, clock=self.clock)
        self.couriers = Couriers(
            couriers=self._couriers(http),
            database=self.database,
            hub=hub,
            clock=self.clock,
            chance=chance,
            disable_endpoint=self._disable,
            whisper=Whisperer(catalog=self.catalog, http=http, clock=self.clock, chance=chance),
            alone=is_sqlite,
            limits=Limiter(self.catalog),
            tell_health=self.outages.news.set,
        )
        self.engine = Engine(
            database=self.database,
            catalog=self.catalog,
            workshop=Workshop(ids=ids, chance=chance, public_url=lambda: PUBLIC_URL, media_key=b"media"),
            ids=ids,
            carriers=self.couriers,
            hub=hub,
            clock=self.clock,
            chance=chance,
        )
        self.couriers.recorder = self.engine
        self.outages.gates, self.outages.submit = lambda: self.couriers.gates, self.engine.submit
        self.timers = Timers(engine=self.engine, database=self.database, clock=self.clock)

    def _couriers(self, http: FakeHttp) -> dict[str, Courier]:
        given: dict[str, Any] = {
            "catalog": self.catalog,
            "http": http,
            "clock": self.clock,
            "timeout": TIMEOUT,
        }
        channel = ChannelCourier(**given, public_url=PUBLIC_URL, database=self.database)
        channel.schedule = SCHEDULE
        media = MediaCourier(
            catalog=self.catalog,
            http=http,
            database=self.database,
            keeper=Keeper(),
            clock=self.clock,
            limit=1000,
        )
        media.schedule = SCHEDULE
        call = CallCourier(catalog=self.catalog, http=http, database=self.database, clock=self.clock)
        webhook = WebhookCourier(**given, schedule=SCHEDULE)
        return {"endpoint": webhook, "channel": channel, "media": media, "call": call}

    async def _disable(self, id_: EndpointId, reason: str) -> None:
        async with self.database.write() as connection:
            await directory.disable_endpoint(connection, id_, reason)
        await self.catalog.refresh(at_once=True)

    # Its life

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return self.world.loop.create_task(work, context=self.context)

    def start(self) -> None:
        self.world.tell("process.starts", node=self.couriers.node)
        self._loop(self._start())

    async def _start(self) -> None:
        try:
            await self.catalog.refresh(at_once=True)
            await self.couriers.start()
        except Unavailable:
            self.world.tell("process.did_not_start", node=self.couriers.node)
            return self.end()
        self._committing = self._loop(self.engine.run())
        self._others = [
            self._loop(work)
            for work in (
                self.couriers.run(),
                self.couriers.keep_alive(),
                self.timers.run(),
                self.outages.run(),
            )
        ]
        self.is_open = True

    def _loop(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.spawn(work)
        task.add_done_callback(self._loop_ended)
        return task

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()):
            self.world.accuse(f"a loop died: {fault!r}")

    def end(self) -> None:
        """Stop at whatever await it is, as `kill -9` does."""
        if not self.life.is_alive:
            return
        self.world.tell("process.ends", node=self.couriers.node)
        self.is_open = False
        self.life.is_alive = False
        self.life.kept.clear()
        self._server.disconnect(self.life)
        for answer in self._calls:
            if not answer.done():
                answer.set_exception(Gone())
        self.ended.set_result(None)

    def leave(self) -> None:
        """Stop as SIGTERM asks for: what is under way ends, claims are freed."""
        self.world.tell("process.leaves", node=self.couriers.node)
        self.is_open, self.is_leaving = False, True
        self.spawn(self._leave())

    async def _leave(self) -> None:
        """In the order of `relevo.bootstrap`: couriers before the engine that records what they did."""
        self.timers.stop()
        self.outages.stop()
        await self.couriers.stop(timedelta(seconds=8))
        for task in self._others:
            task.cancel()
        with contextlib.suppress(Unavailable):
            await self.couriers.leave()
        self.engine.stop()
        await asyncio.wait({self._committing}, timeout=8)
        self.end()

    def freeze(self, seconds: float) -> None:
        """Stand still, as a machine does that is short of memory, or a virtual one that is moved."""
        self.world.tell("process.freezes", node=self.couriers.node, seconds=round(seconds, 1))
        self.life.is_frozen = True
        self.world.later(seconds, self._thaw)

    def _thaw(self) -> None:
        if self.life.is_alive and self.life.is_frozen:
            self.world.tell("process.goes_on", node=self.couriers.node)
            self.world.loop.thaw(self.life)

    # Asking it

    async def ask(self, work: Callable[[], Awaitable[T]], patience: float) -> T:
        """Have it do something, as a request does. `Gone` when it ends before it answers; TimeoutError
        when that takes too long: the request is broken off then, as by a client that goes away."""
        answer: asyncio.Future[T] = self.world.loop.create_future()
        self._calls.add(answer)
        task = self.spawn(_as_coroutine(work))
        task.add_done_callback(lambda done: _pass_on(done, answer))
        try:
            async with asyncio.timeout(patience):
                return await answer
        except TimeoutError:
            if self.life.is_alive:
                task.cancel()
            raise
        finally:
            self._calls.discard(answer)


async def _as_coroutine(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


def _pass_on(task: asyncio.Task[T], answer: asyncio.Future[T]) -> None:
    if task.cancelled() or answer.done():
        return
    fault = task.exception()
    if fault is not None:
        answer.set_exception(fault)
    else:
        answer.set_result(task.result())


@cache
def _cipher() -> Cipher:
    return Cipher(SECRET_KEY)
