"""All scenarios, by name."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial

from faults import a_day, clocks, databases, fairness, kills, receivers
from faults.report import Line, failed
from faults.scene import Run

Scenario = Callable[[Run, str], Awaitable[Line]]

ON_POSTGRESQL: Mapping[str, Scenario] = {
    "kill-postgresql": partial(kills.kill_the_server, database="postgresql"),
    "kill-one-of-three": kills.kill_one_of_three,
    "worker-takes-over": kills.leave_it_to_a_worker,
    "stop-postgresql": partial(kills.stop_the_server, database="postgresql"),
    "postgresql-restarted": databases.restart_postgresql,
    "connections-cut": databases.cut_connections,
    "cut-in-mid-commit": databases.cut_in_mid_commit,
    "commit-answer-lost": databases.lose_the_answer_to_a_commit,
    "postgresql-locked": databases.lock_postgresql,
    "clock-forward-postgresql": partial(clocks.step_the_clock, database="postgresql", direction="forward"),
    "clock-back-postgresql": partial(clocks.step_the_clock, database="postgresql", direction="back"),
}
ON_SQLITE: Mapping[str, Scenario] = {
    "kill-sqlite": partial(kills.kill_the_server, database="sqlite"),
    "stop-sqlite": partial(kills.stop_the_server, database="sqlite"),
    "disk-full": databases.fill_the_disk,
    "sqlite-locked": databases.lock_sqlite,
    "clock-forward-sqlite": partial(clocks.step_the_clock, database="sqlite", direction="forward"),
    "clock-back-sqlite": partial(clocks.step_the_clock, database="sqlite", direction="back"),
    "receiver-down-a-day": a_day.down_for_a_day,
}
BESIDE_EACH_OTHER = {**ON_SQLITE, **ON_POSTGRESQL}
ALONE: Mapping[str, Scenario] = {  # they measure how long things take
    "poisoned-conversation": fairness.poison_a_conversation,
    "dead-endpoint": fairness.lose_an_endpoint,
}
NAMES = [*BESIDE_EACH_OTHER, *receivers.TROUBLES, *ALONE]


async def play(run: Run, names: Collection[str], tell: Callable[[Line], None]) -> Sequence[Line]:
    """Play scenarios and `tell` each line when it is there; a few at a time, as most of it is waiting."""
    lines: list[Line] = []
    few = asyncio.Semaphore(run.of(short=6, long=3))

    async def note(found: Awaitable[Sequence[Line]]) -> None:
        async with few:
            for one in await found:
                lines.append(one)
                tell(one)

    troubles = [name for name in receivers.TROUBLES if name in names]
    together = [_safely(run, name, one) for name, one in BESIDE_EACH_OTHER.items() if name in names]
    if troubles:
        together.insert(0, _misbehaviour(run, troubles))
    await asyncio.gather(*(note(one) for one in together))
    for name, one in ALONE.items():
        if name in names:
            await note(_safely(run, name, one))
    return lines


async def _safely(run: Run, name: str, scenario: Scenario) -> Sequence[Line]:
    """A scenario that breaks off is one that failed."""
    started = time.monotonic()
    try:
        return [await scenario(run, name)]
    except Exception as fault:
        traceback.print_exc()
        return [failed(name, fault, time.monotonic() - started)]


async def _misbehaviour(run: Run, names: Sequence[str]) -> Sequence[Line]:
    started = time.monotonic()
    try:
        return await receivers.misbehave(run, names)
    except Exception as fault:
        traceback.print_exc()
        return [failed(name, fault, time.monotonic() - started) for name in names]
