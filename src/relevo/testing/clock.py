"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

NOON = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)

PASSES = 50
"""How often the event loop goes round to let woken tasks finish what they can without waiting."""


class FakeClock:
    """A `relevo.system.clock.Clock` whose time passes only when `advance` or `run` says so.

    Sleepers wake in order of the time they asked for; those of one instant in the order in
    which they lay down.
    """

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._started = now
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._lay_down = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._started).total_seconds()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return await let_others_run(passes=1)
        woken = asyncio.get_running_loop().create_future()
        until = self._now + max(timedelta(seconds=seconds), timedelta.resolution)  # else it never goes on
        heapq.heappush(self._sleepers, (until, next(self._numbers), woken))
        self._lay_down.set()
        await woken

    def advance(self, by: timedelta) -> None:
        """Let that much time pass at once and wake whoever is due; all of them see the later time."""
        until = self._now + by
        while (due := self._next_due(until)) is not None:
            self._wake(due)
        self._now = until

    async def run(self, by: timedelta) -> None:
        """Let time pass from sleeper to sleeper: each sees the very moment that it asked for, and does
        its work up to its next wait before time goes on."""
        until = self._now + by
        await let_others_run()
        while (due := self._next_due(until)) is not None:
            self._now = due
            self._wake(due)
            await let_others_run()
        self._now = until

    def step(self, by: timedelta) -> None:
        """Set the clock, as somebody may set a machine's: what time it is jumps, durations do not."""
        self._now += by
        self._started += by
        self._sleepers = [(due + by, number, woken) for due, number, woken in self._sleepers]

    @property
    def sleeping(self) -> int:
        """How many tasks sleep on this clock now."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def until_sleeping(self, tasks: int = 1) -> None:
        """Wait (in real time, without polling) until at least so many tasks sleep on this clock."""
        while self.sleeping < tasks:
            self._lay_down.clear()
            await self._lay_down.wait()

    def _next_due(self, until: datetime) -> datetime | None:
        """The earliest moment up to `until` at which somebody wants to wake."""
        return self._sleepers[0][0] if self._sleepers and self._sleepers[0][0] <= until else None

    def _wake(self, due: datetime) -> None:
        while self._sleepers and self._sleepers[0][0] <= due:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():  # it may have been cancelled in its sleep
                woken.set_result(None)


async def let_others_run(passes: int = PASSES) -> None:
    """Let every other task go on until it waits for something. No time passes.

    Enough for what happens inside the event loop; work in threads or on sockets (a database)
    has no such end: wait for its outcome instead.
    """
    for _ in range(passes):
        await asyncio.sleep(0)  # noqa: TID251
