"""One seed, from its plan to what was found."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import shutil
import sqlite3
import sys
import warnings
from collections.abc import Iterator, MutableMapping
from contextvars import copy_context
from pathlib import Path
from typing import Any

import msgspec
import structlog

from relevo.couriers import couriers
from relevo.domain.errors import Unavailable
from relevo.engine import timers
from simulation import checks
from simulation.database import Server
from simulation.loop import Life, Stuck
from simulation.network import Network
from simulation.people import People
from simulation.plan import FAULTS_FOR, Plan, make_plan
from simulation.process import Process
from simulation.template import Template
from simulation.world import World

REST_WITHIN = 240.0
"""Seconds after the last fault within which everything must have been carried."""
_FATAL = frozenset({"commit.failed", "attempt.failed", "event.failed"})
"""Log lines that tell of a mistake, whatever was done to the installation."""
_POOL = "sqlalchemy.pool.impl.AsyncAdaptedQueuePool"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a seed. `problems` is empty when every promise was kept."""

    plan: Plan
    problems: list[str]
    story: list[str]
    digest: int
    steps: int
    seconds: float
    """How long it took, in the time of the simulation."""


def simulate(seed: int, template: Template) -> Outcome:
    """Run a seed. The same seed gives the same outcome, to the last line of its story."""
    with _no_complaints(), _no_garbage_collection():
        return copy_context().run(_simulate, make_plan(seed), template)


def _simulate(plan: Plan, template: Template) -> Outcome:
    world = World(plan)
    with _quiet(world), _patient(), _copied(template) as path:
        _Run(world, Server(world, path), template).run()
    return Outcome(
        plan=world.plan,
        problems=world.problems,
        story=world.story,
        digest=world.digest,
        steps=world.loop.steps,
        seconds=world.loop.time(),
    )


class _Run:
    def __init__(self, world: World, server: Server, template: Template) -> None:
        self.world, self.server = world, server
        self.processes: list[Process | None] = [None] * world.plan.processes
        self.network = Network(world)
        self.people = People(world, self.processes, template.channels)
        self.network.on_arrival = self.people.hears
        self.file = sqlite3.connect(server.path, isolation_level=None)
        world.loop.before_step = self._before_step
        world.loop.set_exception_handler(self._unhandled)
        server.after_commit = self._check_lanes

    def run(self) -> None:
        try:
            self.world.loop.run_until_complete(self._whole())
        except Stuck as stuck:
            self.world.accuse(str(stuck))
        finally:
            self.world.is_over = True
            self.server.close()
            self.world.loop.bury()
            self.world.loop.close()
            self.file.close()

    async def _whole(self) -> None:
        for place in range(self.world.plan.processes):
            self.world.loop.create_task(self._supervise(place)).add_done_callback(self._ended)
        self.people.begin()
        await asyncio.sleep(FAULTS_FOR)
        self.world.is_calm = True
        self.world.tell("calm")
        if await self._rests():
            self._judge()

    async def _supervise(self, place: int) -> None:
        """Start a process again when it has ended, sooner or later."""
        while True:
            process = self.processes[place] = Process(self.world, self.server, self.network)
            process.start()
            await process.ended
            await asyncio.sleep(self.world.chance.choice((0.1, 1, 12)))

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()):
            self.world.accuse(f"a process could not be made: {fault!r}")

    # Faults of whole processes

    def _before_step(self, life: Life) -> None:
        world, rates = self.world, self.world.plan.rates
        if world.is_calm:
            return
        process = next(one for one in self.processes if one is not None and one.life is life)
        if world.strikes(rates.crash):
            process.end()
        elif world.strikes(rates.crash / 4) and process.is_open:
            process.leave()
        elif world.strikes(rates.freeze):
            process.freeze(world.chance.choice((1, 5, 11, 20)))
        elif world.strikes(rates.step_clock):
            process.clock.set(world.chance.uniform(-30, 30))

    # The end

    async def _rests(self) -> bool:
        """Wait until nothing is left to be done; False (and a problem) when that does not come."""
        try:
            async with asyncio.timeout(REST_WITHIN):
                await self._until_rest()
        except TimeoutError:
            before = len(self.world.problems)
            self._blame(checks.of_rest(self.file))
            if len(self.world.problems) == before:
                self.world.accuse("somebody still waits for an answer, or for a timer")
            return False
        return True

    async def _until_rest(self) -> None:
        await self._until_carried()
        await self._redeliver()
        await self._until_none("SELECT 1 FROM conversations WHERE wake_at IS NOT NULL")
        await self._until_carried()

    async def _until_carried(self) -> None:
        await self.people.until_done()
        await self._until_none("SELECT 1 FROM deliveries WHERE state = 'waiting'")

    async def _until_none(self, query: str) -> None:
        while self.file.execute(f"{query} LIMIT 1").fetchone():  # noqa: ASYNC110 – a database tells nobody
            await asyncio.sleep(1)

    async def _redeliver(self) -> None:
        parked = self.file.execute("SELECT id FROM deliveries WHERE state = 'parked' ORDER BY id").fetchall()
        for (id_,) in parked[:10]:
            await self.people.redeliver(id_)
        await self._until_carried()

    def _check_lanes(self) -> None:
        if not self.world.problems:
            self._blame(checks.of_lanes(self.file))

    def _judge(self) -> None:
        self._blame(checks.of_lanes(self.file))
        self._blame(checks.of_run(self.file, self.people, self.network))

    def _blame(self, problems: Iterator[str]) -> None:
        for problem in problems:
            self.world.accuse(problem)

    def _unhandled(self, _loop: Any, context: dict[str, Any]) -> None:
        self.world.accuse(f"{context['message']}: {context.get('exception')!r}")


# What a run is kept from


@contextlib.contextmanager
def _copied(template: Template) -> Iterator[Path]:
    path = template.path.with_name("run.db")
    shutil.copyfile(template.path, path)
    try:
        yield path
    finally:
        for name in ("run.db", "run.db-wal", "run.db-shm"):
            path.with_name(name).unlink(missing_ok=True)


@contextlib.contextmanager
def _patient() -> Iterator[None]:
    """Processes that have nothing to do look less often whether they have: it is most of what they cost."""
    before = couriers.LOOK_AT_LEAST_EVERY
    couriers.LOOK_AT_LEAST_EVERY = timers.LOOK_AT_LEAST_EVERY = 5.0
    try:
        yield
    finally:
        couriers.LOOK_AT_LEAST_EVERY = timers.LOOK_AT_LEAST_EVERY = before


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """What is collected is closed, and that is a step which no seed knows of: it comes afterwards."""
    gc.disable()
    try:
        yield
        gc.collect()
    finally:
        gc.enable()


@contextlib.contextmanager
def _quiet(world: World) -> Iterator[None]:
    """What Relevo logs goes into the story."""

    def tell(_logger: Any, level: str, line: MutableMapping[str, Any]) -> Any:
        event = str(line.pop("event"))
        fault = line.pop("exc_info", None)
        if fault is True:
            fault = sys.exc_info()[1]
        world.tell(event, **line, **({"fault": repr(fault)} if fault else {}))
        if event in _FATAL and not isinstance(fault, Unavailable):
            world.accuse(f"{event}: {line} {fault!r}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[tell],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),  # whoever set it up before
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


@contextlib.contextmanager
def _no_complaints() -> Iterator[None]:
    """Python and SQLAlchemy mind what a dead process leaves behind: coroutines, and connections that nobody
    gives back."""
    hook, pool = sys.unraisablehook, logging.getLogger(_POOL)
    sys.unraisablehook, pool.disabled = lambda _: None, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.unraisablehook, pool.disabled = hook, False
