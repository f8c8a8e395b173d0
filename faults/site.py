"""Where Relevo is installed in a scenario, and its processes."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from asyncio.subprocess import Process as Subprocess
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench.load import Connection, Target
from bench.processes import free_port, prepare
from faults import server
from faults.platform import Platform

STOPS_WITHIN = 10.0
READY_WITHIN = 60.0  # seconds, on a machine that has much else to do

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["faults.scenarios"])  # all that a process may import


class Site:
    """Relevo set up for some platforms: an endpoint and a channel for each, of its name."""

    def __init__(self, folder: Path, platforms: Mapping[str, Platform], database_url: str = "") -> None:
        urls = {name: platform.url for name, platform in platforms.items()}
        self.folder = folder
        self._here = prepare(folder, urls, database_url, RELEVO_WEBHOOK_TIMEOUT="1s")
        self.setting = server.Setting(log=folder / "log", names=folder / "names")
        self.know({})
        self.ports = [self._here.port]
        self.processes: list[BaseProcess] = []
        self._hooks: dict[str, str] = {}
        self._token = ""

    @property
    def environment(self) -> dict[str, str]:
        return self._here.environment

    def change(self, **settings: object) -> None:
        """Change what the processes to come are given; see `server.Setting`."""
        self.setting = msgspec.structs.replace(self.setting, **settings)

    def know(self, names: Mapping[str, list[list[str]]]) -> None:
        """Change the names that there are: for each, the answers that look-ups get in turn."""
        draft = self.setting.names.with_suffix(".draft")
        draft.write_text(json.dumps(names))
        draft.replace(self.setting.names)

    async def set_up(self) -> None:
        result = self.folder / "set-up"
        process = self._fork(
            server.set_up, self.environment, self.setting, self.folder / "bench.yaml", result
        )
        await ended(process, READY_WITHIN)
        if process.exitcode:
            raise RuntimeError(f"Relevo could not be set up:\n{self.log()}")
        done = json.loads(result.read_text())
        self._hooks = {name: urlsplit(url).path for name, url in done["hooks"].items()}
        self._token = done["token"]

    def targets(self, name: str) -> list[Target]:
        """Where the customers of a channel write: to any of the servers."""
        return [Target(f"http://{server.HOST}:{port}{self._hooks[name]}", self._token) for port in self.ports]

    def add_server(self) -> int:
        """A port for one more server."""
        self.ports.append(free_port())
        return self.ports[-1]

    async def serve(self, port: int | None = None) -> BaseProcess:
        """Start a server; it takes requests when this returns."""
        port = port or self.ports[0]
        process = self._fork(server.serve, self.environment, self.setting, port)
        await until_ready(port, process, self)
        return process

    def work(self) -> BaseProcess:
        return self._fork(server.work, self.environment, self.setting)

    def log(self) -> str:
        """The end of what the processes have said."""
        return self.setting.log.read_text(errors="replace")[-3000:] if self.setting.log.exists() else ""

    async def close(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            await ended(process, 10)

    def _fork(self, target: object, *arguments: object) -> BaseProcess:
        process = _forks.Process(target=target, args=arguments)  # type: ignore[arg-type]
        process.start()
        self.processes.append(process)
        return process


async def ended(process: BaseProcess, within: float) -> None:
    """Wait until a process has ended; TimeoutError when it goes on."""
    await asyncio.to_thread(process.join, within)
    if process.exitcode is None:
        raise TimeoutError(f"a process goes on after {within} s")


async def until_ready(port: int, process: BaseProcess, site: Site) -> None:
    until = time.monotonic() + READY_WITHIN
    while not await _is_ready(port):
        if not process.is_alive() or time.monotonic() > until:
            raise RuntimeError(f"The server did not start:\n{site.log()}")
        await asyncio.sleep(0.02)


async def _is_ready(port: int) -> bool:
    try:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, server.HOST, port)
        async with asyncio.timeout(5):
            status = await connection.request(
                b"GET /readyz HTTP/1.1\r\nhost: relevo\r\nconnection: close\r\n\r\n"
            )
    except (OSError, TimeoutError):
        return False
    if connection.transport:
        connection.transport.abort()
    return status == 200


async def ended_by_term(process: BaseProcess | Subprocess) -> float:
    """Send SIGTERM and wait; how many seconds it took. AssertionError when it does not end with 0."""
    started = time.monotonic()
    process.terminate()
    if isinstance(process, Subprocess):
        status = await asyncio.wait_for(process.wait(), STOPS_WITHIN)
    else:
        await ended(process, STOPS_WITHIN)
        status = process.exitcode or 0
    assert status == 0, f"SIGTERM ended it with {status}"
    return time.monotonic() - started
