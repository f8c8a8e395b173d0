"""One that is ill among many that are well: do the others wait for it?"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from faults.behaviours import refuse
from faults.platform import Behaviour, Platform, Request, accept
from faults.report import Line
from faults.scene import Run, Scene, scene


class Delays(NamedTuple):
    """From sending to delivery, in milliseconds."""

    p50: float
    p90: float
    p99: float

    def __str__(self) -> str:
        return " / ".join(f"{one:.0f}" for one in self)


async def poison_a_conversation(run: Run, name: str, *, database: str) -> Line:
    """The messages of one of 1,000 conversations are refused or never answered."""
    async with scene(run, name, database, users=1000, pause=4) as it:
        ill = "desk-0-"
        poison = _only_for(f'"mid":"{ill}'.encode(), _refuse_or_hang())
        return await _compare(run, it, name, it.platform, poison, ill)


async def lose_an_endpoint(run: Run, name: str, *, database: str) -> Line:
    """One of ten endpoints takes connections and never answers."""
    platforms = [Platform(f"desk{number}") for number in range(10)]
    async with scene(run, name, database, platforms=platforms, users=10, pause=0.5) as it:
        return await _compare(run, it, name, it.platform, hang, "desk0-")


async def _compare(run: Run, it: Scene, name: str, platform: Platform, bad: Behaviour, ill: str) -> Line:
    """Times of health and of illness in turn, so that what else the machine does hits both alike."""
    well, beside = set[str](), set[str]()
    for kind, behaviour in [(well, accept), (beside, bad)] * run.of(short=2, long=5):
        platform.behaviour = behaviour
        kind |= await _sent_within(it, run.of(short=2, long=10))
    platform.behaviour = accept
    took = max([await it.recovered(one) for one in it.platforms])
    lines = [await it.line(name, took, one) for one in it.platforms]
    return _judged(lines, _delays(it, well, ill), _delays(it, beside, ill))


async def _sent_within(it: Scene, seconds: float) -> set[str]:
    """Have all customers write for so long; the messages."""
    before = {mid for customers in it.all_customers.values() for mid in customers.sent}
    async with asyncio.TaskGroup() as group:
        for customers in it.all_customers.values():
            group.create_task(customers.write_for(seconds))
    return {mid for customers in it.all_customers.values() for mid in customers.sent} - before


def _delays(it: Scene, mids: Collection[str], ill: str) -> Delays:
    found = [
        it.platforms[name].ledger.report.arrivals[mid] - customers.sent[mid]
        for name, customers in it.all_customers.items()
        for mid in customers.sent.keys() & mids
        if not mid.startswith(ill)
    ]
    ordered = sorted(found)
    return Delays(*(ordered[int((len(ordered) - 1) * share)] * 1000 for share in (0.5, 0.9, 0.99)))


def _judged(lines: Sequence[Line], well: Delays, beside: Delays) -> Line:
    """A delay that the ill one causes is a time-out (1 s) or more; the machine's noise is far less."""
    total = {field: sum(getattr(one, field) for one in lines) for field in _COUNTS}
    waited = beside.p90 > 2 * well.p90 + 250
    return msgspec.structs.replace(
        lines[0],
        **total,
        note=f"the others, ms p50 / p90 / p99: {well} without it, {beside} beside it",
        broken=(*itertools.chain(*(one.broken for one in lines)), *(["the others waited"] if waited else [])),
    )


_COUNTS = ("sent", "accepted", "delivered", "kept", "lost", "reordered", "duplicated")


async def hang(_: Platform, request: Request) -> None:
    """Never answer."""
    await asyncio.sleep(60)


def _refuse_or_hang() -> Behaviour:
    in_turn = itertools.cycle([refuse(500), hang])

    async def behave(platform: Platform, request: Request) -> None:
        await next(in_turn)(platform, request)

    return behave


def _only_for(sign: bytes, bad: Behaviour) -> Behaviour:
    async def behave(platform: Platform, request: Request) -> None:
        await (bad if sign in request.body else accept)(platform, request)

    return behave
