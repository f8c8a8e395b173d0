"""What takes a day takes seconds with a clock that jumps: in this process, on a real SQLite file."""

from __future__ import annotations

from datetime import timedelta

from bench.ledger import Ledger
from faults.report import Line, overtakings
from faults.scene import Run
from relevo.domain.deliveries import Unreachable
from relevo.domain.ids import DeliveryId
from relevo.store import interventions, schema
from relevo.store.database import Database
from relevo.testing.builders import SIGNING_SECRET
from relevo.testing.fake_http import Asked, Reply, reply
from tests.couriers.carrying import Carrying, carrying

HOUR, TEN_MINUTES = timedelta(hours=1), timedelta(minutes=10)
USERS = 5
FLOW = """\
version: 1
flow: support
start: welcome
subflows:
  welcome:
    - pause_bot
"""


class Platform:
    """Down, and later up."""

    def __init__(self) -> None:
        self.is_down, self.ledger = True, Ledger(SIGNING_SECRET)

    def __call__(self, asked: Asked) -> Reply:
        if self.is_down:
            return Unreachable("connect")
        headers = {name.lower(): value for name, value in asked.headers.items()}
        self.ledger.take("", headers, asked.body)
        return reply()


async def down_for_a_day(run: Run, name: str) -> Line:
    """Customers go on writing while the platform is down for 24 hours; whatever was parked by then is
    redelivered by a person when it is back."""
    platform = Platform()
    database = Database(f"sqlite:///{run.folder / 'a-day.db'}")
    await schema.migrate(database)
    async with carrying(database, platform, flow=FLOW) as here:
        mids = await _a_day(here)
        kept = await _redeliver_all(here)
        platform.is_down, back_at = False, here.world.clock.now()
        while (
            len(platform.ledger.report.arrivals) < len(mids) and here.world.clock.now() < back_at + 24 * HOUR
        ):
            await here.later(TEN_MINUTES)
        took = here.world.clock.now() - back_at
    await database.close()
    return _line(name, mids, kept, platform.ledger, took)


async def _a_day(here: Carrying) -> list[str]:
    """Every customer writes every hour."""
    mids = []
    for user in range(USERS):
        await here.world.says("agent", user_id=f"user-{user}")
    for number in range(24):
        for user in range(USERS):
            mids.append(f"user-{user}-{number}")
            await here.world.says("Is it in stock?", user_id=f"user-{user}", mid=mids[-1])
        for _ in range(6):
            await here.later(TEN_MINUTES)
    return mids


async def _redeliver_all(here: Carrying) -> int:
    """What a person does with everything that was parked, oldest first; how much it was."""
    parked = [row for row in await here.rows() if row.state == "parked"]
    async with here.world.database.write() as connection:
        for row in parked:
            await interventions.redeliver(connection, DeliveryId(row.id), here.world.clock.now())
    return len(parked)


def _line(name: str, mids: list[str], kept: int, ledger: Ledger, took: timedelta) -> Line:
    arrivals = ledger.report.arrivals
    return Line(
        name=name,
        sent=len(mids),
        accepted=len(mids),
        delivered=len(arrivals),
        kept=0,
        lost=len(mids) - len(arrivals),
        reordered=max(ledger.report.reordered, overtakings(arrivals)),
        duplicated=ledger.report.duplicates,
        seconds=took.total_seconds(),
        note=f"of a clock that jumps; {kept} were parked and redelivered",
    )
