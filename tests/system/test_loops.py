"""Loops that a fault has ended begin again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from relevo.system.loops import BEGUN_AGAIN_AFTER, Loops
from relevo.testing.clock import FakeClock

A_MOMENT = timedelta(seconds=BEGUN_AGAIN_AFTER)


class Failing:
    """Fails so many times, then runs until it is stopped."""

    def __init__(self, times: int) -> None:
        self._left, self.begun = times, 0
        self.stopped = asyncio.Event()

    async def run(self) -> None:
        self.begun += 1
        if self.begun <= self._left:
            raise KeyError("nobody thought of this")
        await self.stopped.wait()


async def test_a_loop_that_a_fault_has_ended_is_down_for_a_moment_and_begins_again() -> None:
    clock, one = FakeClock(), Failing(times=2)
    loops = Loops(clock)
    task = loops.begin("lease", one.run)

    await clock.until_sleeping()
    assert loops.down == {"lease"}
    await clock.run(A_MOMENT)
    assert (one.begun, loops.down) == (2, {"lease"})
    await clock.run(A_MOMENT)
    assert (one.begun, loops.down) == (3, set())

    one.stopped.set()
    await task


async def test_a_loop_that_was_cancelled_or_has_returned_stays_ended() -> None:
    clock, one, other = FakeClock(), Failing(times=0), Failing(times=0)
    loops = Loops(clock)
    tasks = [loops.begin("one", one.run), loops.begin("other", other.run)]
    await clock.run(A_MOMENT)

    tasks[0].cancel()
    other.stopped.set()
    await asyncio.wait(tasks)
    await clock.run(A_MOMENT)

    assert (one.begun, other.begun, loops.down) == (1, 1, set())
