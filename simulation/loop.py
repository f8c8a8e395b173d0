"""An event loop without time, threads and sockets, whose next step is drawn by lot.

Of all that could go on now, a seed says what does. Time jumps to the next timer when nothing can. What
belongs to a process (its tasks, timers and callbacks, known by their context) stops for good when the
process dies, at whatever await it was, and stands still while it is frozen.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from itertools import count
from typing import Any

MOST_STEPS = 3_000_000


class Life:
    """Whether the work of one process goes on."""

    def __init__(self) -> None:
        self.is_alive = True
        self.is_frozen = False
        self.kept: list[asyncio.Handle] = []


LIFE: ContextVar[Life | None] = ContextVar("life", default=None)
"""The process that runs; None: the world around it."""


class Stuck(Exception):
    """Everybody waits for somebody else, or nobody ever ends."""


class _Task(asyncio.Task[Any]):
    """A task that has the same place in a set in every run: the usual hash is an address."""

    def __init__(self, number: int, work: Coroutine[Any, Any, Any], **given: Any) -> None:
        self.number = number
        super().__init__(work, **given)

    def __hash__(self) -> int:
        return self.number


class SeededLoop(asyncio.BaseEventLoop):
    """`shuffle` is how often the next step is drawn, instead of being the one that waits longest.

    `before_step` is told whose step comes next, and may end or freeze that process.
    """

    def __init__(self, chance: random.Random, *, shuffle: float) -> None:
        super().__init__()
        self._chance, self._shuffle = chance, shuffle
        self._ready: list[asyncio.Handle] = []
        self._scheduled: list[asyncio.TimerHandle] = []
        self._time = 0.0
        self._tasks: list[_Task] = []
        self._numbers = count(1)
        self.steps = 0
        self.before_step: Callable[[Life], None] = lambda _: None
        self.latency: Callable[[], float] = lambda: 0.0
        """How long work takes that the product hands to a thread."""
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]

    def _make_task(self, loop: Any, work: Coroutine[Any, Any, Any], **given: Any) -> _Task:
        task = _Task(next(self._numbers), work, loop=self, **given)
        self._tasks.append(task)
        return task

    def time(self) -> float:
        return self._time

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        """Do in this thread, in a while, what was to be done in another; the answer takes a while, too."""
        done = self.create_future()

        def answer(outcome: BaseException | None, result: Any) -> None:
            if done.cancelled():
                return
            if outcome is not None:
                done.set_exception(outcome)
            else:
                done.set_result(result)

        def run() -> None:
            try:
                result = func(*args)
            except Exception as fault:
                self.call_later(self.latency(), answer, fault, None)
            else:
                self.call_later(self.latency(), answer, None, result)

        self.call_later(self.latency(), run)
        return done

    def _run_once(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Stuck(f"no end after {MOST_STEPS} steps")
        self._let_time_pass()
        handle = self._draw()
        if handle.cancelled():
            return
        life: Life | None = handle._context.get(LIFE)  # type: ignore[attr-defined]
        if life is None:
            handle._run()
            return
        if life.is_alive and not life.is_frozen:
            self.before_step(life)
        if life.is_frozen:
            life.kept.append(handle)
        elif life.is_alive:
            handle._run()

    def _let_time_pass(self) -> None:
        """Timers that are due become steps; if there is no step at all, time jumps to the next timer."""
        while self._scheduled and (self._scheduled[0].when() <= self._time or not self._ready):
            timer = heapq.heappop(self._scheduled)
            if not timer.cancelled():
                self._time = max(self._time, timer.when())
                self._ready.append(timer)
        if not self._ready:
            raise Stuck("everybody waits for somebody else")

    def _draw(self) -> asyncio.Handle:
        many = len(self._ready) > 1 and self._chance.random() < self._shuffle
        return self._ready.pop(self._chance.randrange(len(self._ready)) if many else 0)

    def thaw(self, life: Life) -> None:
        """Let a frozen process go on."""
        life.is_frozen = False
        self._ready.extend(life.kept)
        life.kept.clear()

    def bury(self) -> None:
        """Close what still stands at some await, without a word: its process is dead, or the run is over."""
        for task in self._tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            _close(task.get_coro())
        self._tasks.clear()

    def _write_to_self(self) -> None:
        """Nothing wakes this loop from outside: it never sleeps."""

    def _process_events(self, _events: Any) -> None:
        """There are none."""


def _close(work: Any) -> None:
    """A coroutine may want to wait once more on its way out, several times over."""
    for _ in range(10):
        try:
            work.close()
            return
        except Exception:
            continue
