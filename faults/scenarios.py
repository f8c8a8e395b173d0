"""All scenarios, by name."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial

import msgspec

from faults import a_day, clocks, databases, fairness, kills, receivers, telling
from faults.report import Line, failed
from faults.scene import Run

Scenario = Callable[[Run, str], Awaitable[Line]]

ON_POSTGRESQL: Mapping[str, Scenario] = {
    "kill-postgresql": partial(kills.kill_the_server, database="postgresql"),
    "kill-one-of-three": kills.kill_one_of_three,
    "worker-takes-over": kills.leave_it_to_a_worker,
    "kill-while-scheduled-postgresql": partial(telling.kill_while_scheduled, database="postgresql"),
    "kill-while-broadcasting-postgresql": partial(telling.kill_while_broadcasting, database="postgresql"),
    "stop-postgresql": partial(kills.stop_the_server, database="postgresql"),
    "postgresql-restarted": databases.restart_postgresql,
    "connections-cut": databases.cut_connections,
    "cut-in-mid-commit": databases.cut_in_mid_commit,
    "commit-answer-lost": databases.lose_the_answer_to_a_commit,
    "disk-full-postgresql": databases.fill_the_disk_of_postgresql,
    "postgresql-locked": databases.lock_postgresql,
    "clock-forward-postgresql": partial(clocks.step_the_clock, database="postgresql", direction="forward"),
    "clock-back-postgresql": partial(clocks.step_the_clock, database="postgresql", direction="back"),
}
ON_SQLITE: Mapping[str, Scenario] = {
    "kill-sqlite": partial(kills.kill_the_server, database="sqlite"),
    "kill-while-scheduled-sqlite": partial(telling.kill_while_scheduled, database="sqlite"),
    "kill-while-broadcasting-sqlite": partial(telling.kill_while_broadcasting, database="sqlite"),
    "stop-sqlite": partial(kills.stop_the_server, database="sqlite"),
    "disk-full": databases.fill_the_disk,
    "files-limited": partial(databases.fill_the_disk, may_mount=False),
    "sqlite-locked": databases.lock_sqlite,
    "clock-forward-sqlite": partial(clocks.step_the_clock, database="sqlite", direction="forward"),
    "clock-back-sqlite": partial(clocks.step_the_clock, database="sqlite", direction="back"),
    "receiver-down-a-day": a_day.down_for_a_day,
}
BESIDE_EACH_OTHER = {**ON_SQLITE, **ON_POSTGRESQL}
ALONE: Mapping[str, Scenario] = {  # they measure how long things take
    "poisoned-conversation": partial(fairness.poison_a_conversation, database="sqlite"),
    "dead-endpoint": partial(fairness.lose_an_endpoint, database="sqlite"),
    "poisoned-conversation-postgresql": partial(fairness.poison_a_conversation, database="postgresql"),
    "dead-endpoint-postgresql": partial(fairness.lose_an_endpoint, database="postgresql"),
}
TROUBLES = {  # by database, the names of their lines and those of what the receivers do
    "sqlite": {name: name for name in receivers.TROUBLES},
    "postgresql": {f"{name}-postgresql": name for name in receivers.TROUBLES},
}
NAMES = [*BESIDE_EACH_OTHER, *TROUBLES["sqlite"], *TROUBLES["postgresql"], *ALONE]
ONLY_LONG = [*TROUBLES["postgresql"], *(name for name in ALONE if name.endswith("-postgresql"))]
"""What differs from another scenario by its database alone, and takes long."""
SHORT = [name for name in NAMES if name not in ONLY_LONG]


async def play(run: Run, names: Collection[str], tell: Callable[[Line], None]) -> Sequence[Line]:
    """Play scenarios and `tell` each line when it is there; a few at a time, as most of it is waiting."""
    lines: list[Line] = []
    few = asyncio.Semaphore(run.of(short=6, long=3))

    async def note(found: Awaitable[Sequence[Line]]) -> None:
        async with few:
            for one in await found:
                lines.append(one)
                tell(one)

    misbehaviours = [
        _misbehaviour(run, chosen, database)
        for database, troubles in TROUBLES.items()
        if (chosen := {name: trouble for name, trouble in troubles.items() if name in names})
    ]
    together = [_safely(run, name, one) for name, one in BESIDE_EACH_OTHER.items() if name in names]
    await asyncio.gather(*(note(one) for one in [*misbehaviours, *together]))
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


async def _misbehaviour(run: Run, troubles: Mapping[str, str], database: str) -> Sequence[Line]:
    """`troubles`: by the names of their lines, those of what the receivers do."""
    started = time.monotonic()
    try:
        lines = await receivers.misbehave(run, [*troubles.values()], database)
    except Exception as fault:
        traceback.print_exc()
        return [failed(name, fault, time.monotonic() - started) for name in troubles]
    return [msgspec.structs.replace(line, name=name) for name, line in zip(troubles, lines, strict=True)]
