"""`relevo serve --workers N`: processes that share a socket, and what keeps them up."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import structlog

from relevo import bootstrap, logs
from relevo.engine.timers import sleep_or
from relevo.settings import Settings
from relevo.system import workers as together
from relevo.system.clock import Clock, SystemClock

log = structlog.get_logger()

FIRST_PAUSE = timedelta(seconds=0.5)
LONGEST_PAUSE = timedelta(seconds=30)
LIVED_WELL = timedelta(seconds=60)
"""Who ends before that is started again after a pause that doubles each time."""
PATIENCE = timedelta(seconds=20)
"""How long a worker may take to end before it is ended: twice as long as it needs."""


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Serve with so many processes until SIGTERM or SIGINT. Raises `bootstrap.CannotRun`."""
    bootstrap.refuse_sqlite(settings)
    asyncio.run(_serve(settings, host, port, workers))


async def _serve(settings: Settings, host: str, port: int, workers: int) -> None:
    logs.set_up(settings.log_level, settings.log_format)
    await bootstrap.migrate(settings)  # what is wrong with the database is said once, and ends the command
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with _bound(host, port) as listening, together.shared_folder() as folder:
        address = listening.getsockname()
        log.info("supervising", workers=workers, host=address[0], port=address[1])
        processes = Processes(host, listening, folder)
        await Supervisor(processes.start, workers, SystemClock(), stopping, processes.forget).run()


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """The socket that all workers accept from: a connection that waits in it outlives any of them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise bootstrap.CannotRun(f"{host}, port {port} cannot be listened to: {error.strerror}.") from None
    with listening:
        yield listening


class Processes:
    """Real processes, with a socket and a folder that all of them have."""

    def __init__(self, host: str, listening: socket.socket, folder: Path) -> None:
        self._host, self._listening, self._folder = host, listening, folder

    async def start(self, number: int) -> Worker:
        """It ends with its standard input, however we end; and a Ctrl-C in the terminal reaches only us."""
        port, handed = self._listening.getsockname()[1], self._listening.fileno()
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "relevo", "serve"),
            *("--host", self._host, "--port", str(port), "--inherit", str(handed)),
            *("--worker", str(number), "--shared", str(self._folder)),
            stdin=PIPE,
            pass_fds=[handed],
            start_new_session=True,
        )

    def forget(self, number: int) -> None:
        """One has ended, and has nothing to do any more."""
        together.forget_levels(self._folder, number)


class Worker(Protocol):
    """A process as it is kept up."""

    @property
    def pid(self) -> int: ...
    async def wait(self) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Supervisor:
    """Keeps `count` workers running until `stopping` is set, and then has them end. They have numbers from 1
    on; who is started again keeps theirs."""

    def __init__(
        self,
        start: Callable[[int], Awaitable[Worker]],
        count: int,
        clock: Clock,
        stopping: asyncio.Event,
        ended: Callable[[int], None] = lambda number: None,
    ) -> None:
        self._start, self._count, self._clock, self._stopping = start, count, clock, stopping
        self._note_end = ended

    async def run(self) -> None:
        await asyncio.gather(*(self._keep(number) for number in range(1, self._count + 1)))

    async def _keep(self, number: int) -> None:
        """One worker after the other. A connection that comes meanwhile waits for one that lives."""
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = self._clock.monotonic()
            worker = await self._start(number)
            log.info("worker.started", worker=number, pid=worker.pid)
            code = await self._ended(worker)
            self._note_end(number)
            if self._stopping.is_set():
                return
            lived = timedelta(seconds=self._clock.monotonic() - began)
            pause = FIRST_PAUSE if lived >= LIVED_WELL else pause
            log.error(
                "worker.ended", worker=number, pid=worker.pid, code=code, again_in=pause.total_seconds()
            )
            await sleep_or(self._clock, pause.total_seconds(), self._stopping)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _ended(self, worker: Worker) -> int:
        """Its exit code, once it has ended by itself or because all of us do."""
        ending = asyncio.ensure_future(worker.wait())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((ending, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ending.done():
            await self._end(worker, ending)
        return await ending

    async def _end(self, worker: Worker, ending: asyncio.Future[int]) -> None:
        with contextlib.suppress(ProcessLookupError):
            worker.terminate()
        patience = asyncio.ensure_future(self._clock.sleep(PATIENCE.total_seconds()))
        await asyncio.wait((ending, patience), return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        if not ending.done():
            log.error("worker.killed", pid=worker.pid)
            worker.kill()
