"""The world of one run: its lot, its faults, what happened in it, and what was found to be wrong."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Any

from relevo.testing.clock import NOON
from simulation.loop import SeededLoop
from simulation.plan import Plan


class World:
    """What everything in a run shares. All chance of a run comes from here."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.chance = random.Random(f"run {plan.seed}")
        self.loop = SeededLoop(self.chance, shuffle=plan.shuffle)
        self._context = copy_context()
        self.loop.latency = lambda: self.chance.uniform(0, 0.01)
        self.is_calm = False
        """Whether nothing goes wrong any more."""
        self.is_over = False
        """Whether what happens now is only the clearing away."""
        self.problems: list[str] = []
        self.story: list[str] = []
        self.digest = 0

    def now(self) -> datetime:
        """The right time."""
        return NOON + timedelta(microseconds=round(self.loop.time() * 1e6))

    def strikes(self, rate: float) -> bool:
        """Whether a fault of this rate happens here and now."""
        return rate > 0 and not self.is_calm and self.chance.random() < rate

    def is_down(self, who: str) -> bool:
        now = self.loop.time()
        return not self.is_calm and any(
            one == who and start <= now < end for one, start, end in self.plan.outages
        )

    def later(self, seconds: float, work: Callable[..., None], *given: Any) -> None:
        """Have something happen in the world, whatever becomes of the process that began it."""
        self.loop.call_later(seconds, work, *given, context=self._context)

    def tell(self, what: str, /, **about: Any) -> None:
        """Note that something happened: for the story of a failed run, and to compare two of one seed."""
        if self.is_over:
            return
        told = " ".join([f"{self.loop.time():10.3f} {what}", *(f"{k}={v}" for k, v in about.items())])
        self.digest = zlib.crc32(told.encode(), self.digest)
        self.story.append(told)

    def accuse(self, problem: str) -> None:
        """Note that a promise was broken."""
        if self.is_over:
            return
        self.tell("WRONG", problem=problem)
        self.problems.append(problem)
