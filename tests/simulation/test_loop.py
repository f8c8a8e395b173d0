"""The event loop without time, threads and sockets."""

from __future__ import annotations

import asyncio
import random
from contextvars import copy_context

import pytest

from simulation.loop import LIFE, Life, SeededLoop, Stuck


def make_loop(seed: int = 1, *, shuffle: float = 1.0) -> SeededLoop:
    return SeededLoop(random.Random(seed), shuffle=shuffle)


def order_of_ten(seed: int, *, shuffle: float = 1.0) -> list[int]:
    loop, seen = make_loop(seed, shuffle=shuffle), list[int]()

    async def step(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)

    async def all_steps() -> None:
        await asyncio.gather(*(step(number) for number in range(10)))

    loop.run_until_complete(all_steps())
    loop.close()
    return seen


def test_time_jumps_to_the_next_timer() -> None:
    loop = make_loop()

    loop.run_until_complete(asyncio.sleep(3600))

    assert loop.time() == 3600
    loop.close()


def test_a_seed_says_what_goes_on_next() -> None:
    assert order_of_ten(1) == order_of_ten(1) != order_of_ten(2)


def test_without_shuffling_whoever_waits_longest_goes_on() -> None:
    assert order_of_ten(1, shuffle=0.0) == list(range(10))


def test_everybody_waiting_for_somebody_else_is_noticed() -> None:
    loop = make_loop()

    with pytest.raises(Stuck):
        loop.run_until_complete(loop.create_future())

    loop.close()


def test_what_was_for_a_thread_is_done_in_this_one() -> None:
    loop = make_loop()
    loop.latency = lambda: 2.0

    async def work() -> int:
        return await asyncio.get_running_loop().run_in_executor(None, lambda: 7)

    assert loop.run_until_complete(work()) == 7
    assert loop.time() == 4.0
    loop.close()


class Heart:
    """Beats once a second, as the work of one process."""

    def __init__(self, loop: SeededLoop) -> None:
        self.life, self.beats = Life(), list[float]()
        context = copy_context()
        context.run(LIFE.set, self.life)
        self._loop = loop
        loop.create_task(self._beat(), context=context)

    async def _beat(self) -> None:
        while True:
            self.beats.append(self._loop.time())
            await asyncio.sleep(1)


def test_a_dead_process_stops_at_its_await_and_the_others_go_on() -> None:
    loop = make_loop()
    first, second = Heart(loop), Heart(loop)

    async def until_later() -> None:
        await asyncio.sleep(2.5)
        first.life.is_alive = False
        await asyncio.sleep(2)

    loop.run_until_complete(until_later())

    assert first.beats == [0, 1, 2]
    assert second.beats == [0, 1, 2, 3, 4]
    loop.bury()
    loop.close()


def test_a_frozen_process_goes_on_where_it_stood() -> None:
    loop = make_loop()
    heart = Heart(loop)

    async def until_later() -> None:
        await asyncio.sleep(0.5)
        heart.life.is_frozen = True
        await asyncio.sleep(5)
        loop.thaw(heart.life)
        await asyncio.sleep(1)

    loop.run_until_complete(until_later())

    assert heart.beats == [0, 5.5, 6.5]
    loop.bury()
    loop.close()
