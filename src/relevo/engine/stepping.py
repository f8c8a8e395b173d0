"""Work in the background that goes in steps, so that it is in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from relevo.domain.errors import Unavailable
from relevo.engine.timers import sleep_or
from relevo.system.clock import Clock

LOOK_EVERY = 1.0
"""Seconds between two looks for something to do."""
REST = 0.02
"""Seconds between two steps, and no less than the step took."""


async def _until_next_look() -> float:
    return LOOK_EVERY


async def in_steps(
    step: Callable[[], Awaitable[bool]],
    clock: Clock,
    stopped: asyncio.Event,
    until_due: Callable[[], Awaitable[float]] = _until_next_look,
) -> None:
    """Make one step after another until `stopped`. After one that says it found nothing to do, rest for
    as long as `until_due` says; while the database is away, until it is time to look again."""
    while not stopped.is_set():
        started = clock.monotonic()
        try:
            worked = await step()
            rest = max(REST, clock.monotonic() - started) if worked else await until_due()
        except Unavailable:
            rest = LOOK_EVERY
        await sleep_or(clock, rest, stopped)
