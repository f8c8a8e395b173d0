"""Time as everything in Relevo sees it: through a `Clock` that is handed over, never by asking."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, how long something took, and waiting."""

    def now(self) -> datetime:
        """This instant, aware, in UTC. It may jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back. For durations only."""

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed; at once when there are none to wait."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
