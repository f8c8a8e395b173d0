"""Platforms that misbehave, all of them at one server at the same time: none may disturb another."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec
from sqlalchemy import func, select

from bench.load import Target
from bench.processes import Server
from faults.behaviours import (
    ask_to_wait,
    hang_after_headers,
    redirect,
    refuse,
    send_a_gigabyte,
    slow,
    sometimes,
    talk_garbage,
)
from faults.platform import HOST, Behaviour, Platform, accept
from faults.report import Line
from faults.scene import Run, Scene, scene
from faults.site import Site
from relevo.admin import deliveries, endpoints
from relevo.cli.installation import everything, opened
from relevo.settings import load
from relevo.store import tables
from tests.http_client.authority import Authority

GROWTH_ALLOWED = 100  # megabytes, of a server that is sent gigabytes
NAMED, WANDERING, NOWHERE = "desk.test", "wandering.test", "nowhere.test"
PRIVATE = "10.20.30.40"
AT_FIRST: dict[str, list[list[str]]] = {NAMED: [[HOST]], WANDERING: [[HOST], [PRIVATE]], NOWHERE: [[]]}
IN_THE_END = {name: [[HOST]] for name in AT_FIRST}

Misbehaving = Callable[[Scene, Platform, random.Random], AbstractAsyncContextManager[None]]


class Trouble(msgspec.Struct, frozen=True):
    """`misbehaving` lasts as long as the context. `seen`: how its attempts must have ended meanwhile."""

    misbehaving: Misbehaving
    seen: str
    host: str = HOST


def _by(make: Callable[[random.Random], Behaviour]) -> Misbehaving:
    """Misbehave in how requests are answered."""

    @asynccontextmanager
    async def misbehaving(_: Scene, platform: Platform, chance: random.Random) -> AsyncIterator[None]:
        platform.behaviour = make(chance)
        yield
        platform.behaviour = accept

    return misbehaving


def _often(bad: Behaviour) -> Misbehaving:
    return _by(lambda chance: sometimes(bad, share=0.4, chance=chance))


@asynccontextmanager
async def _down(_: Scene, platform: Platform, _chance: random.Random) -> AsyncIterator[None]:
    await platform.go_down()
    yield
    await platform.come_up()


@asynccontextmanager
async def _another_name(_it: Scene, platform: Platform, _: random.Random) -> AsyncIterator[None]:
    """It shows a certificate for another name, then its own."""
    yield
    await platform.go_down()
    platform.tls = platform.own_tls
    await platform.come_up()


@asynccontextmanager
async def _names(it: Scene, _: Platform, _chance: random.Random) -> AsyncIterator[None]:
    yield
    it.site.know(IN_THE_END)


@asynccontextmanager
async def _gone(it: Scene, platform: Platform, _: random.Random) -> AsyncIterator[None]:
    """410 switches the endpoint off, and all that comes is kept; a person switches it on and redelivers."""
    platform.behaviour = refuse(410)
    yield
    platform.behaviour = accept
    await _redeliver_all(it, platform)


async def _redeliver_all(it: Scene, platform: Platform) -> None:
    accepted = it.all_customers[platform.name].accepted
    async with asyncio.timeout(30):
        while len(kept := await it.kept(of=accepted)) < len(accepted):
            await asyncio.sleep(0.1)
    async with opened(load(it.site.environment)) as means:
        found = (await everything(means)).endpoints.values()
        endpoint = next(one for one in found if one.name == platform.name)
        await endpoints.enable(means, endpoint.workspace_id, endpoint.id)
        # A busy server has noticed within a quarter of a second; an idle one looks at the next attempt, and
        # those at the same moment would go on with what was known before: so the first goes alone.
        await asyncio.sleep(0.5)
        for delivery_id in kept:
            await deliveries.redeliver(means, endpoint.workspace_id, delivery_id, by="faults")
            if delivery_id == next(iter(kept)):
                await _until(lambda: bool(platform.ledger.report.arrivals))
    it.notes[platform.name] = f"{len(kept)} kept while it was disabled, then redelivered"


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.02)


TROUBLES: Mapping[str, Trouble] = {
    "receiver-down": Trouble(_down, "refused"),
    "receiver-slow": Trouble(_by(lambda chance: slow(chance, 1.5)), "timeout"),
    "receiver-hanging": Trouble(_often(hang_after_headers), "timeout"),
    "receiver-500": Trouble(_often(refuse(500)), "500"),
    "receiver-429-seconds": Trouble(_by(lambda _: ask_to_wait(as_date=False)), "429"),
    "receiver-429-date": Trouble(_by(lambda _: ask_to_wait(as_date=True)), "429"),
    "receiver-410": Trouble(_gone, "410"),
    "receiver-redirect": Trouble(
        _by(lambda chance: sometimes(redirect(chance), share=0.4, chance=chance)), "307"
    ),
    "receiver-garbage": Trouble(
        _by(lambda chance: sometimes(talk_garbage(chance), share=0.4, chance=chance)), "broken"
    ),
    "receiver-gigabyte": Trouble(_by(send_a_gigabyte), "200"),
    "receiver-tls": Trouble(_another_name, "tls", NAMED),
    "receiver-no-address": Trouble(_names, "dns", NOWHERE),
    "receiver-private-address": Trouble(_names, "forbidden", WANDERING),
}


async def misbehave(run: Run, names: Collection[str], database: str) -> list[Line]:
    """Each endpoint has its own trouble for some seconds, under load; then it is well again."""
    (folder := run.folder / f"receivers-{database}").mkdir()
    authority = Authority(folder)
    platforms = [_platform(name, authority) for name in names]

    def prepare(site: Site) -> None:
        site.know(IN_THE_END)
        site.change(certificates=(authority.pem,))

    it_is = scene(
        run, f"misbehaving-{database}", database, platforms=platforms, users=4, pause=0.2, prepared=prepare
    )
    async with it_is as it:
        server = Server(Target(""), it.site.processes[-1].pid or 0)
        it.site.know(AT_FIRST)
        before = server.memory_mb()
        lines = await asyncio.gather(*(_go_through(run, it, name) for name in names))
        grown = server.memory_mb() - before
    return [_with_memory(one, grown) if one.name == "receiver-gigabyte" else one for one in lines]


def _platform(name: str, authority: Authority) -> Platform:
    if TROUBLES[name].seen != "tls":
        return Platform(name, host=TROUBLES[name].host)
    platform = Platform(name, host=NAMED, tls=authority.server_context("elsewhere.test"))
    platform.own_tls = authority.server_context(NAMED)
    return platform


async def _go_through(run: Run, it: Scene, name: str) -> Line:
    (customers, platform), trouble = it.of(name), TROUBLES[name]
    async with trouble.misbehaving(it, platform, run.chance(name)), customers.writing():
        await asyncio.sleep(run.of(short=3, long=30))
    seconds = await it.recovered(name)
    await customers.write_each(2)  # and it goes on as before
    outcomes = await _outcomes(it, name)
    broken = [] if trouble.seen in outcomes else [f"no attempt ended with {trouble.seen}: {outcomes}"]
    note = ", ".join([f"{outcome} × {count}" for outcome, count in outcomes.most_common()])
    return await it.line(
        name, seconds, name, note="; ".join(filter(None, [note, it.notes.get(name)])), broken=broken
    )


def _with_memory(line: Line, grown: float) -> Line:
    note = f"{line.note}; the server grew by {grown:.0f} MB"
    broken = (f"more than {GROWTH_ALLOWED} MB",) if grown > GROWTH_ALLOWED else ()
    return msgspec.structs.replace(line, note=note, broken=(*line.broken, *broken))


async def _outcomes(it: Scene, name: str) -> Counter[str]:
    """How the attempts at an endpoint ended."""
    made, to, ends = tables.attempts.c, tables.deliveries.c, tables.endpoints.c
    query = (
        select(made.outcome, func.count())
        .join_from(tables.attempts, tables.deliveries, made.delivery_id == to.id)
        .join(tables.endpoints, to.destination_id == ends.id)
        .where(to.destination_kind == "endpoint", ends.name == name)
        .group_by(made.outcome)
    )
    rows = await it.rows(query)
    counts: Counter[str] = Counter()
    for outcome, count in rows:
        counts[_word(msgspec.json.decode(outcome))] += count
    return counts


def _word(outcome: dict[str, object]) -> str:
    kind = str(outcome["type"]).lower()
    return kind if kind == "forbidden" else str(outcome.get("status_code") or outcome.get("reason") or kind)
