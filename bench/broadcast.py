"""`python -m bench.broadcast`: how long a live message takes while a broadcast is sent beside it.

One process, SQLite in a file, no HTTP: the time is that of the engine, from the event to its commit. What is
to be carried is finished at once; the broadcast is not held up by its rate.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import msgspec

from relevo.admin.broadcasts import BroadcastWish, begin, with_tags
from relevo.domain.broadcasts import HIGHEST_RATE, BroadcastId, Says
from relevo.domain.conversations import Conversation
from relevo.domain.ids import ConversationId
from relevo.domain.subscribers import Subscriber
from relevo.engine.broadcasting import Broadcasting
from relevo.store import broadcasts, conversations, schema, tables, traits
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine

FLOW = """\
version: 1
flow: bench
start: welcome
subflows:
  welcome: [{send: "Hello {{ first_name }}"}]
  news: [{send: "News for {{ first_name }}"}]
"""
FIRST = 1_000_000
BETWEEN = 0.02  # seconds between two live messages
AT_ONCE = 1_000


class Latencies(msgspec.Struct, frozen=True):
    """Of live messages, in milliseconds, the shortest first."""

    times: list[float]

    def at(self, part: float) -> float:
        return self.times[min(int(len(self.times) * part), len(self.times) - 1)]

    def line(self, name: str) -> str:
        parts = f"p50 {self.at(0.5):6.1f} ms   p99 {self.at(0.99):6.1f} ms   worst {self.times[-1]:6.1f} ms"
        return f"{name:24} {len(self.times):6} messages   {parts}"


async def measure(folder: Path, *, people: int, messages: int) -> None:
    database = Database(f"sqlite:///{folder / 'relevo.db'}")
    await schema.migrate(database)
    async with make_engine(database, flow=FLOW) as world:
        await add_people(world, people)
        print(Latencies(sorted(await live(world, messages, "before"))).line("nothing else"), flush=True)
        sending = asyncio.create_task(send(world))
        during: list[float] = []
        while not sending.done():
            during += await live(world, 10, f"during{len(during)}-")
        took, told = await sending
        print(Latencies(sorted(during)).line(f"a broadcast to {told:,}"))
        print(f"the broadcast took {took:.1f} s: {told / took:.0f} people a second")
    await database.close()


async def add_people(world: World, number: int) -> None:
    there, now = world.company, world.clock.now()
    for start in range(FIRST, FIRST + number, AT_ONCE):
        new = [
            Conversation(
                id=ConversationId(id_),
                workspace_id=there.workspace.id,
                flow_id=there.flow.id,
                channel_id=there.web.id,
                subscriber=Subscriber(user_id=f"p{id_}", tags=("vip",), created_at=now),
            )
            for id_ in range(start, min(start + AT_ONCE, FIRST + number))
        ]
        async with world.database.write() as connection:
            await conversations.insert_new(connection, new)
            await traits.save(connection, new, {})


async def live(world: World, number: int, who: str) -> list[float]:
    """Somebody else writes each time, one after the other."""
    times = []
    for index in range(number):
        times.append(await timed(lambda user=f"{who}{index}": world.says("Hi", user_id=user)))
        await asyncio.sleep(BETWEEN)
    return times


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return (time.perf_counter() - started) * 1000


async def send(world: World) -> tuple[float, int]:
    """To its end, as `Broadcasting.run` does: each step rests for as long as it took. The world's clock goes
    on by as much as the rate asks for. How many seconds, and how many were told."""
    started, id_ = time.perf_counter(), await begun(world)
    sending = Broadcasting(
        database=world.database, engine=world.engine, catalog=world.catalog, hub=world.hub, clock=world.clock
    )
    while (at := await due_at(world, id_)) is not None:
        step = time.perf_counter()
        if at > world.clock.now():
            world.clock.advance(at - world.clock.now())
        await sending.step()
        await carry(world)
        await asyncio.sleep(max(BETWEEN, time.perf_counter() - step))
    async with world.database.read() as connection:
        done = await broadcasts.find(connection, id_)
    assert done is not None
    return time.perf_counter() - started, done.sent


async def carry(world: World) -> None:
    """Finish what waits, as couriers would: a broadcast goes on when little of it is still to be carried."""
    rows = tables.deliveries
    async with world.database.write() as connection:
        finished = {"state": "done", "due_at": None, "finished_at": world.clock.now()}
        await connection.execute(rows.update().where(rows.c.state == "waiting").values(finished))


async def begun(world: World) -> BroadcastId:
    there, now = world.company, world.clock.now()
    wish = BroadcastWish(
        workspace_id=there.workspace.id,
        flow_id=there.flow.id,
        to=with_tags(["vip"]),
        says=Says(subflow="news"),
        per_minute=HIGHEST_RATE,
    )
    async with world.database.write() as connection:
        return await begin(connection, now, wish, by="bench")


async def due_at(world: World, id_: BroadcastId) -> datetime | None:
    async with world.database.read() as connection:
        found = await broadcasts.find(connection, id_)
    assert found is not None
    return found.due_at


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.broadcast", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000, help="whom the broadcast is for")
    parser.add_argument("--messages", type=int, default=100, help="live messages before it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), people=asked.people, messages=asked.messages))


if __name__ == "__main__":
    main()
