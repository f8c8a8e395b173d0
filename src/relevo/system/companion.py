"""A process beside ours, that ends when ours does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

PATIENCE = timedelta(seconds=4)
"""How long it may take to end before it is ended."""


@asynccontextmanager
async def companion(arguments: Sequence[str], environ: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run Python with these arguments. It must end when its standard input does: then it ends however
    we do. A Ctrl-C in the terminal does not reach it, so that it can outlast what still needs it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=PIPE,
        stdout=DEVNULL,
        env={**os.environ, **environ},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE.total_seconds())
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
