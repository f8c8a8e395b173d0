"""What was said to many waits for its turn behind what somebody waits for."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from relevo.couriers.gates import Gate, Limits
from relevo.testing.chance import FakeChance
from relevo.testing.clock import FakeClock, let_others_run


def _gate(clock: FakeClock, limits: Limits) -> Gate:
    return Gate(limits, clock, FakeChance(clock=clock), look=lambda: None)


async def test_whoever_is_not_patient_goes_first() -> None:
    gate = _gate(FakeClock(), Limits(in_flight=1))
    entered: list[str] = []

    async def enter(name: str, *, is_patient: bool) -> None:
        begun_in = await gate.enter(is_patient=is_patient)
        assert begun_in is not None
        entered.append(name)
        gate.leave(begun_in)

    first = await gate.enter()
    assert first is not None
    waiting = [asyncio.create_task(enter(f"news {number}", is_patient=True)) for number in range(2)]
    await let_others_run()
    waiting.append(asyncio.create_task(enter("reply", is_patient=False)))
    await let_others_run()
    gate.leave(first)
    await asyncio.gather(*waiting)

    assert entered == ["reply", "news 0", "news 1"]


async def test_where_a_rate_holds_everybody_up_too() -> None:
    clock = FakeClock()
    gate = _gate(clock, Limits(a_second=1.0))
    entered: list[str] = []

    async def enter(name: str, *, is_patient: bool) -> None:
        assert await gate.enter(is_patient=is_patient) is not None
        entered.append(name)

    waiting = [asyncio.create_task(enter(f"news {number}", is_patient=True)) for number in range(3)]
    await let_others_run()
    waiting.append(asyncio.create_task(enter("reply", is_patient=False)))
    await clock.run(timedelta(seconds=5))
    await asyncio.gather(*waiting)

    assert entered == ["news 0", "reply", "news 1", "news 2"]


async def test_both_are_turned_away_when_it_closes() -> None:
    gate = _gate(FakeClock(), Limits(in_flight=0))

    waiting = [asyncio.create_task(gate.enter(is_patient=one)) for one in (True, False)]
    await let_others_run()
    gate.close()

    assert await asyncio.gather(*waiting) == [None, None]
