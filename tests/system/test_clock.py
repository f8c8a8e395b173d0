"""The real clock and the fake one keep the same promises; the fake one is moved by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta

import pytest

from relevo.system.clock import Clock, SystemClock
from relevo.testing.clock import NOON, FakeClock, let_others_run

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=[SystemClock, FakeClock])
def any_clock(request: pytest.FixtureRequest) -> Clock:
    clock: Clock = request.param()
    return clock


def test_every_clock_says_utc(any_clock: Clock) -> None:
    assert any_clock.now().tzinfo is UTC


def test_no_clock_runs_backwards(any_clock: Clock) -> None:
    first, second = any_clock.monotonic(), any_clock.monotonic()

    assert first <= second


@pytest.mark.parametrize("seconds", [0, -1, -0.001])
async def test_no_clock_waits_when_there_is_nothing_to_wait_for(any_clock: Clock, seconds: float) -> None:
    before = any_clock.monotonic()

    await any_clock.sleep(seconds)

    assert any_clock.monotonic() - before < 1.0


async def test_even_a_sleep_of_nothing_lets_the_others_run(any_clock: Clock) -> None:
    ran: list[str] = []
    other = asyncio.create_task(note(ran, "other"))

    await any_clock.sleep(0)

    assert ran == ["other"]
    await other


async def test_a_sleeper_wakes_at_its_time_and_not_before() -> None:
    clock, woken = FakeClock(), list[str]()
    task = asyncio.create_task(sleep_and_note(clock, 60, woken, "a"))
    await clock.until_sleeping()

    clock.advance(MINUTE - timedelta(microseconds=1))
    await let_others_run()
    assert woken == []

    clock.advance(timedelta(microseconds=1))
    await task
    assert woken == ["a"]
    assert clock.now() == NOON + MINUTE
    assert clock.monotonic() == 60.0


async def test_sleepers_wake_in_the_order_of_their_times_whoever_lay_down_first() -> None:
    clock, woken = FakeClock(), list[str]()
    naps = [("late", 30), ("early", 10), ("middle", 20), ("also early", 10)]
    tasks = [asyncio.create_task(sleep_and_note(clock, seconds, woken, name)) for name, seconds in naps]
    await clock.until_sleeping(len(naps))

    clock.advance(MINUTE)
    await asyncio.gather(*tasks)

    assert woken == ["early", "also early", "middle", "late"]


async def test_advancing_jumps_and_running_goes_from_sleeper_to_sleeper() -> None:
    jumped, ran = await beats_within_a_minute(advance=True), await beats_within_a_minute(advance=False)

    assert jumped == [60.0]
    assert ran == [20.0, 40.0, 60.0]


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(10))
    await clock.until_sleeping()
    assert clock.sleeping == 1

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert clock.sleeping == 0
    clock.advance(MINUTE)


async def beats_within_a_minute(*, advance: bool) -> list[float]:
    clock, beats = FakeClock(), list[float]()
    task = asyncio.create_task(beat(clock, beats))
    await clock.until_sleeping()
    if advance:
        clock.advance(MINUTE)
        await let_others_run()
    else:
        await clock.run(MINUTE)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return beats


async def beat(clock: FakeClock, beats: list[float]) -> None:
    while True:
        await clock.sleep(20)
        beats.append(clock.monotonic())


async def sleep_and_note(clock: FakeClock, seconds: float, woken: list[str], name: str) -> None:
    await clock.sleep(seconds)
    woken.append(name)


async def note(ran: list[str], name: str) -> None:
    ran.append(name)
