"""Something is said to many, by a schedule or as a broadcast, while whoever says it is killed."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Select, or_, select, update

from faults.platform import Platform
from faults.report import Line, overtakings
from faults.scene import SETTLED_WITHIN, Run, Scene, scene
from faults.site import Site, ended
from relevo.admin import broadcasts
from relevo.admin.broadcasts import BroadcastWish
from relevo.cli.installation import opened
from relevo.domain.broadcasts import BroadcastState, Says
from relevo.domain.flows.triggers.happenings import OnSchedule
from relevo.domain.ids import FlowId, WorkspaceId, user_ns
from relevo.domain.messages import MessageType
from relevo.settings import load
from relevo.store import tables

PER_MINUTE = 6000
LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)
CRON = "0 0 {day} 1 *"  # once a year: it does not come round by itself meanwhile
DAYS = range(1, 21)

FLOW = """\
version: 1
flow: bench
start: begin
triggers:
{triggers}
subflows:
  begin:
    - tag: reader
{subflows}
"""
TRIGGER = '  - {{on: schedule, cron: "{cron}", when: {{tag: reader}}, do: news-{day}}}'
SUBFLOW = '  news-{day}:\n    - send: "{{{{ user_ns }}}}-{day}"'

Left = Select[Any]
"""Has rows as long as something is still being said."""
Begin = Callable[[Scene, int], Awaitable[Left]]


async def kill_while_scheduled(run: Run, name: str, *, database: str) -> Line:
    """kill -9 of a server while a schedule comes round, and again; for everybody, each once."""
    return await _kill_while(_let_come_round, run, name, database)


async def kill_while_broadcasting(run: Run, name: str, *, database: str) -> Line:
    """kill -9 of a server while a broadcast goes out, and again; to everybody, each once."""
    return await _kill_while(_broadcast, run, name, database)


async def _kill_while(begin: Begin, run: Run, name: str, database: str) -> Line:
    servers, users = 2 if database == "postgresql" else 1, run.of(short=200, long=600)
    days, chance, kills = DAYS[: run.of(short=2, long=20)], run.chance(name), 0
    async with scene(run, name, database, users=users, servers=servers, prepared=_write_flow) as it:
        running = dict(zip(it.site.ports, it.site.processes[1:], strict=True))
        for day in days:
            left = await begin(it, day)
            for _ in range(run.of(short=3, long=5)):
                await asyncio.sleep(chance.uniform(0, 0.3))
                if not await it.rows(left):
                    break
                port = chance.choice([*running])
                running[port].kill()
                await ended(running[port], 10)
                running[port] = await it.site.serve(port)
                kills += 1
            await _until_over(it, left)
        people = [user_ns(row.flow_id, row.id) for row in await it.rows(_PEOPLE)]
        seconds = await _until_told(it.platform, len(people) * len(days))
        wanted = [f"{person}-{day}" for person in people for day in days]
        return compared(name, wanted, await _stored(it), it.platform.told, seconds, kills)


def _write_flow(site: Site) -> None:
    triggers = "\n".join(TRIGGER.format(day=day, cron=CRON.format(day=day)) for day in DAYS)
    subflows = "\n".join(SUBFLOW.format(day=day) for day in DAYS)
    (site.folder / "bench.flow.yaml").write_text(FLOW.format(triggers=triggers, subflows=subflows))


async def _let_come_round(it: Scene, day: int) -> Left:
    """Its time was missed, as after an outage: it is made up for at once."""
    one = tables.flow_schedules.c
    key = OnSchedule(f"news-{day}", cron=CRON.format(day=day)).key
    async with asyncio.timeout(SETTLED_WITHIN):
        while not await it.rows(select(one.key).where(one.key == key)):
            await asyncio.sleep(0.1)
    async with opened(load(it.site.environment)) as means, means.database.write() as connection:
        back = update(tables.flow_schedules).where(one.key == key)
        await connection.execute(back.values(slot_at=LONG_AGO))
    return select(one.key).where(one.key == key, or_(one.slot_at == LONG_AGO, one.looked_at.is_not(None)))


async def _broadcast(it: Scene, day: int) -> Left:
    (flow,) = await it.rows(select(tables.flows.c.id, tables.flows.c.workspace_id))
    wish = BroadcastWish(
        workspace_id=WorkspaceId(flow.workspace_id),
        flow_id=FlowId(flow.id),
        to=broadcasts.with_tags(["reader"]),
        says=Says(subflow=f"news-{day}"),
        per_minute=PER_MINUTE,
    )
    async with opened(load(it.site.environment)) as means, means.database.write() as connection:
        id_ = await broadcasts.begin(connection, datetime.now(UTC), wish, by="faults")
    one = tables.broadcasts.c
    return select(one.id).where(one.id == id_, one.state != BroadcastState.DONE.value)


async def _until_over(it: Scene, left: Left) -> None:
    async with asyncio.timeout(SETTLED_WITHIN):
        while await it.rows(left):
            await asyncio.sleep(0.1)


async def _until_told(platform: Platform, number: int) -> float:
    """Wait until so many different things have arrived, or for long; how many seconds that took."""
    started = time.monotonic()
    while len(platform.told) < number and time.monotonic() < started + SETTLED_WITHIN:
        await asyncio.sleep(0.05)
    return time.monotonic() - started


_PEOPLE = select(tables.conversations.c.id, tables.conversations.c.flow_id)
_SAID = select(tables.messages.c.content).where(tables.messages.c.type == MessageType.OUT.value)


async def _stored(it: Scene) -> Counter[str]:
    """What the bot has said, and how often: that is how often it was decided."""
    return Counter(msgspec.json.decode(row.content)["text"] for row in await it.rows(_SAID))


def compared(
    name: str,
    wanted: Collection[str],
    stored: Mapping[str, int],
    told: Mapping[str, list[str]],
    seconds: float,
    kills: int,
) -> Line:
    """`wanted` are texts that differ for each person and each thing that is said; `stored`, how often they
    were decided; `told`, under which ids they came."""
    twice = sum(number > 1 for number in stored.values())
    renamed = sum(len(set(ids)) > 1 for ids in told.values())
    broken = {
        f"{twice} decided twice": twice,
        f"{renamed} came under two ids": renamed,
        "others were told": stored.keys() - set(wanted),
        "nobody was to be told": not wanted,
        "nothing was killed": not kills,
    }
    arrived = [text for text in told if text in wanted]
    return Line(
        name=name,
        sent=len(wanted),
        accepted=len(stored.keys() & set(wanted)),
        delivered=len(arrived),
        kept=0,
        lost=len(wanted) - len(arrived),
        reordered=overtakings(told),
        duplicated=sum(len(ids) - 1 for ids in told.values()),
        seconds=seconds,
        note=f"{kills} kills",
        broken=tuple(why for why, is_so in broken.items() if is_so),
    )
