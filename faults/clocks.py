"""A clock that somebody sets while everything runs."""

from __future__ import annotations

import asyncio
import os
import signal

from faults.behaviours import refuse, sometimes
from faults.platform import accept
from faults.report import Line
from faults.scene import Run, scene

STEPS = {"forward": signal.SIGUSR1, "back": signal.SIGUSR2}


async def step_the_clock(run: Run, name: str, *, database: str, direction: str) -> Line:
    """The clock of the (first) server is an hour off from one moment to the next, while some deliveries
    are in flight and others wait for their retry."""
    servers = 2 if database == "postgresql" else 1
    async with scene(run, name, database, servers=servers) as it:
        it.platform.behaviour = sometimes(refuse(503), share=0.1, chance=run.chance(name))
        async with it.customers.writing():
            await asyncio.sleep(1)
            os.kill(it.site.processes[1].pid or 0, STEPS[direction])
            await asyncio.sleep(1)
            it.platform.behaviour = accept
            seconds = await it.recovered()
        return await it.line(name, seconds, note=f"the first of {servers} servers" if servers > 1 else "")
