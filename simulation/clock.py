"""A process's own clock: it shows the virtual time, and may be set."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from relevo.testing.clock import NOON


class ProcessClock:
    """A `relevo.system.clock.Clock` on the loop's time. `off` is by how much it is wrong."""

    def __init__(self) -> None:
        self.off = timedelta()

    def set(self, seconds: float) -> None:
        """Make it wrong by so much."""
        self.off = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return NOON + timedelta(microseconds=round(self.monotonic() * 1e6)) + self.off

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
