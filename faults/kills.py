"""Processes that end: at once, in their turn, or as asked."""

from __future__ import annotations

import asyncio
import os
import sys

from faults.behaviours import refuse, slow
from faults.platform import accept
from faults.report import Line
from faults.scene import Run, Scene, scene
from faults.site import READY_WITHIN, ended, ended_by_term
from relevo.testing.ports import until_open


async def kill_the_server(run: Run, name: str, *, database: str) -> Line:
    """kill -9 of the only server, at random moments under load, and started again each time."""
    kills, chance = run.of(short=10, long=200), run.chance(name)
    async with scene(run, name, database) as it:
        (process,) = it.site.processes[1:]
        async with it.customers.writing():
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(0.02, 0.4))
                process.kill()
                await ended(process, 10)
                process = await it.site.serve()
            seconds = await it.recovered()
        return await it.line(name, seconds, note=f"{kills} kills")


async def kill_one_of_three(run: Run, name: str) -> Line:
    """kill -9 of one of two servers and a worker on one PostgreSQL; the others go on meanwhile."""
    kills, chance = run.of(short=10, long=200), run.chance(name)
    async with scene(run, name, "postgresql", servers=2) as it:
        first, second = it.site.processes[1:]
        running = {it.site.ports[0]: first, it.site.ports[1]: second, None: it.site.work()}
        async with it.customers.writing():
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(0.02, 0.4))
                port = chance.choice([*running])
                running[port].kill()
                await ended(running[port], 10)
                running[port] = await it.site.serve(port) if port else it.site.work()
            seconds = await it.recovered()
        return await it.line(name, seconds, note=f"{kills} kills")


async def leave_it_to_a_worker(run: Run, name: str) -> Line:
    """The only server dies with deliveries waiting for their retry; a worker alone brings them."""
    async with scene(run, name, "postgresql") as it:
        it.platform.behaviour = refuse(503)
        await it.customers.write_each(5)
        it.site.processes[-1].kill()
        it.platform.behaviour = accept
        worker = it.site.work()
        seconds = await it.recovered()
        await ended_by_term(worker)
        return await it.line(name, seconds)


async def stop_the_server(run: Run, name: str, *, database: str) -> Line:
    """SIGTERM to `relevo serve` itself, under load, at a platform that takes its time; and started again."""
    stops = run.of(short=1, long=20)
    async with scene(run, name, database) as it:
        it.platform.behaviour = slow(run.chance(name), 0.5)
        await ended_by_term(it.site.processes[-1])
        longest, seconds = 0.0, 0.0
        async with it.customers.writing():
            for _ in range(stops):
                longest = max(longest, await _serve_and_stop(it))
            await it.site.serve()
            seconds = await it.recovered()
        note = f"{stops} stops, the longest took {longest:.1f} s"
        return await it.line(name, seconds, note=note)


async def _serve_and_stop(it: Scene) -> float:
    environment = {**os.environ, **it.site.environment}
    command = [sys.executable, "-m", "relevo", "serve", "--port", str(it.site.ports[0])]
    with it.site.setting.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
    try:
        await until_open(it.site.ports[0], READY_WITHIN)
        await asyncio.sleep(0.5)
        return await ended_by_term(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
