"""What the processes of a run are: Relevo as it is, but for its clock, names, trust and patience.

They are forked from a process that has everything imported, so that 200 kills take minutes and not an
hour. `relevo serve` itself is what the scenarios of SIGTERM start.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, ClassVar

import click
import msgspec

from relevo import bootstrap
from relevo.cli import channels, files, installation, tokens
from relevo.engine import broadcasting, scheduling
from relevo.engine.broadcasting import Broadcasting
from relevo.engine.scheduling import Scheduling
from relevo.http_client.client import HttpClient
from relevo.http_client.egress_guard import Address
from relevo.settings import load
from relevo.system.clock import SystemClock

HOST = "127.0.0.1"
HOUR = timedelta(hours=1)
ADDRESSES_KEPT_FOR = timedelta(seconds=0.5)  # instead of half a minute
SHORT_LEASE = timedelta(seconds=1)  # of a schedule, instead of a minute, and of a broadcast
LOOK_EVERY = 0.2  # seconds until schedules are looked at again, instead of 5
DAWDLES_FOR = 0.1  # seconds between telling some people and noting that they were told


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is given besides the environment.

    `names`: a file of host names, each with the answers that its look-ups get in turn. `retry_after`:
    seconds between the attempts of a webhook.
    """

    log: Path
    names: Path
    certificates: tuple[bytes, ...] = ()
    retry_after: float = 0.5


class SteppingClock(SystemClock):
    """Goes an hour forward at SIGUSR1 and an hour back at SIGUSR2, as a machine's clock that somebody
    sets: what time it is jumps, durations do not."""

    ahead: ClassVar = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead

    @classmethod
    def step_on_signals(cls) -> None:
        signal.signal(signal.SIGUSR1, lambda *_: cls._step(HOUR))
        signal.signal(signal.SIGUSR2, lambda *_: cls._step(-HOUR))

    @classmethod
    def _step(cls, by: timedelta) -> None:
        cls.ahead += by


class Names:
    """A `Resolver` that knows only the names of a file, which is read at each look-up."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._asked: dict[str, int] = {}

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        answers = json.loads(self._file.read_text()).get(host, [])
        number = self._asked[host] = self._asked.get(host, -1) + 1
        if not answers or not answers[number % len(answers)]:
            raise OSError(f"{host} has no address")
        return [ip_address(address) for address in answers[number % len(answers)]]


def serve(environment: Mapping[str, str], setting: Setting, port: int) -> None:
    """`relevo serve`."""
    _begin(setting)
    bootstrap.serve(load(environment), host="127.0.0.1", port=port)


def work(environment: Mapping[str, str], setting: Setting) -> None:
    """`relevo work`."""
    _begin(setting)
    bootstrap.work(load(environment))


def set_up(environment: Mapping[str, str], setting: Setting, workspace: Path, result: Path) -> None:
    """`relevo apply`, `relevo token create` and `relevo channels`; into `result`, the token and the hooks."""
    os.environ.update(environment)
    _begin(setting)
    _command(files.apply, str(workspace))
    token = _command(tokens.token, "create", "--flow", "bench").strip()
    hooks = {one["name"]: one["hook_url"] for one in json.loads(_command(channels.channels, "--json"))}
    result.write_text(json.dumps({"token": token, "hooks": hooks}))


def _begin(setting: Setting) -> None:
    _log_to(setting.log)
    _end_with_the_run()
    SteppingClock.step_on_signals()
    _replace(bootstrap, "SystemClock", SteppingClock)
    _replace(bootstrap, "resolve", Names(setting.names))
    _replace(installation, "resolve", Names(setting.names))
    _replace(scheduling, "LEASE", SHORT_LEASE)
    _replace(scheduling, "_LOOK_EVERY", LOOK_EVERY)
    _replace(broadcasting, "LEASE", SHORT_LEASE)
    for job in (Scheduling, Broadcasting):
        _replace(job, "_tell", _dawdling(job._tell))
    _replace(bootstrap, "WEBHOOK_SCHEDULE", [timedelta(seconds=setting.retry_after)] * 500)
    given: dict[str, Any] = {
        "trusted_certificates": setting.certificates,
        "addresses_kept_for": ADDRESSES_KEPT_FOR,
    }
    _replace(bootstrap, "HttpClient", partial(HttpClient, **given))


def _dawdling(tell: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Many a kill falls into the moment after people were told, before that is noted."""

    async def dawdle(*given: object) -> None:
        await tell(*given)
        await asyncio.sleep(DAWDLES_FOR)

    return dawdle


def _replace(module: object, name: str, value: object) -> None:
    getattr(module, name)  # it fails when somebody has renamed it
    setattr(module, name, value)


def _log_to(file: Path) -> None:
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(opened, number)


def _end_with_the_run() -> None:
    """However the run ends, nothing of it stays."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _command(command: click.Command, *words: str) -> str:
    """What a command of Relevo's prints. Its failure ends the process, with the reason in the log."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        command.main(words, standalone_mode=False)
    return said.getvalue()
