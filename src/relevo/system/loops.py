"""What runs beside everything else until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from relevo.system.clock import Clock

BEGUN_AGAIN_AFTER = 1.0
"""Seconds."""

log = structlog.get_logger()


class Loops:
    """Keeps loops running. One that an unforeseen fault has ended is begun again: nobody else would do what
    it does. `down` has the names of those that wait for that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.down: set[str] = set()

    def begin(self, name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run it until it returns or the task is cancelled."""
        return asyncio.create_task(self._keep(name, run), name=name)

    async def _keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        while not await self._has_returned(name, run):
            self.down.add(name)
            await self._clock.sleep(BEGUN_AGAIN_AFTER)
            self.down.discard(name)

    async def _has_returned(self, name: str, run: Callable[[], Awaitable[None]]) -> bool:
        try:
            await run()
        except Exception:
            log.exception("loop.died", loop=name)
            return False
        return True
