"""Processes that share a socket, and what keeps them up."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import count

import pytest

from relevo.cli import supervising
from relevo.cli.supervising import Supervisor
from relevo.testing.clock import FakeClock, let_others_run
from tests.cli.conftest import Relevo


class Worker:
    """A process that ends when the test says so."""

    def __init__(self, pid: int, *, stubborn: bool = False) -> None:
        self.pid, self._stubborn = pid, stubborn
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(self, code: int) -> None:
        self._ended.set_result(code)

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def terminate(self) -> None:
        if not self._stubborn:
            self.end(0)

    def kill(self) -> None:
        self.end(-9)


class Kept:
    """A supervisor whose workers are made up."""

    def __init__(self, workers: int, *, stubborn: bool = False) -> None:
        self.clock, self.stopping, self.started = FakeClock(), asyncio.Event(), list[Worker]()
        self._pids, self._stubborn = count(1), stubborn
        self.numbers, self.ended = list[int](), list[int]()
        supervisor = Supervisor(self._start, workers, self.clock, self.stopping, self.ended.append)
        self.running = asyncio.create_task(supervisor.run())

    async def _start(self, number: int) -> Worker:
        self.numbers.append(number)
        self.started.append(Worker(next(self._pids), stubborn=self._stubborn))
        return self.started[-1]


async def test_all_are_started_and_end_together() -> None:
    kept = Kept(3)
    await let_others_run()
    assert len(kept.started) == 3

    kept.stopping.set()
    await kept.running
    assert [await worker.wait() for worker in kept.started] == [0, 0, 0]


async def test_one_that_ends_is_started_again_after_a_pause_that_doubles() -> None:
    kept = Kept(1)
    for pause in (0.5, 1, 2, 4, 8, 16, 30, 30):
        await let_others_run()
        before = len(kept.started)
        kept.started[-1].end(1)
        await kept.clock.run(timedelta(seconds=pause - 0.01))
        assert len(kept.started) == before
        await kept.clock.run(timedelta(seconds=0.02))
        assert len(kept.started) == before + 1

    await kept.clock.run(supervising.LIVED_WELL)
    kept.started[-1].end(-9)
    await kept.clock.run(supervising.FIRST_PAUSE)
    assert len(kept.started) == 10
    kept.stopping.set()
    await kept.running


async def test_one_that_is_started_again_has_the_number_of_the_one_that_ended() -> None:
    kept = Kept(3)
    await let_others_run()
    kept.started[1].end(-9)
    await kept.clock.run(timedelta(seconds=0.49))
    assert (kept.numbers, kept.ended) == ([1, 2, 3], [2])

    await kept.clock.run(timedelta(seconds=0.02))
    assert kept.numbers == [1, 2, 3, 2]
    kept.stopping.set()
    await kept.running


async def test_one_that_does_not_end_is_ended() -> None:
    kept = Kept(2, stubborn=True)
    await let_others_run()
    kept.stopping.set()
    await kept.clock.run(supervising.PATIENCE)
    await kept.running

    assert [await worker.wait() for worker in kept.started] == [-9, -9]


def test_more_than_one_process_is_refused_on_sqlite(relevo: Relevo) -> None:
    answer = relevo("serve", "--workers", "2")

    assert answer.exit_code == 1
    assert "RELEVO_DATABASE_URL" in answer.stderr
    assert "without --workers" in answer.stderr


@pytest.mark.parametrize("given", ["0", "65", "two"])
def test_as_many_as_make_sense(relevo: Relevo, given: str) -> None:
    answer = relevo("serve", "--workers", given)

    assert answer.exit_code == 2
    assert given in answer.stderr
