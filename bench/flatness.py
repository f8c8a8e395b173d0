"""What a message costs when the database has a long life behind it, against an empty one.

python -m bench.flatness --subscribers 1000000 --messages 10000000
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import uvloop

from bench.__main__ import CONNECTIONS, USERS, Measured, _print_table, _run
from bench.load import Load
from bench.processes import Server, receiver, relevo
from bench.stock import age


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.flatness", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with receiver() as url, contextlib.ExitStack() as stack:
        aged_folder, empty_folder = (
            Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)
        )
        started = time.monotonic()
        file = first_steps("aged", url, aged_folder)
        age(file, subscribers=given.subscribers, messages=given.messages)
        size, took = file.stat().st_size / 1e9, time.monotonic() - started
        print(f"{given.subscribers} subscribers, {given.messages} messages: {size:.1f} GB in {took:.0f} s")
        servers = {
            "empty": stack.enter_context(relevo("empty", url, empty_folder)),
            "aged": stack.enter_context(relevo("aged", url, aged_folder)),
        }
        uvloop.run(_measure(servers, url, seconds=given.seconds, rounds=given.rounds))


def first_steps(name: str, receiver_url: str, folder: Path) -> Path:
    """Set a server up, have it hand one conversation over and bring one message, and end it; its database."""

    async def write(server: Server) -> None:
        load = Load(server.target, users=1, connections=1, prefix=f"{name}-first")
        await load.connect()
        for _ in range(2):
            await load.each_once(in_flight=1)

    with relevo(name, receiver_url, folder) as server:
        uvloop.run(write(server))
        time.sleep(1)  # until the last delivery is done
    (file,) = (folder / "data").glob("*.db")
    return file


async def _measure(servers: dict[str, Server], url: str, *, seconds: float, rounds: int) -> None:
    loads = {
        name: Load(server.target, users=USERS, connections=CONNECTIONS, prefix=name)
        for name, server in servers.items()
    }
    for load in loads.values():
        await load.connect()
        await load.each_once()
    runs: dict[str, list[Measured]] = {name: [] for name in servers}
    for _ in range(rounds):
        for name, load in loads.items():
            runs[name].append(await _run(name, servers[name], load, url, seconds))
    _print_table("As fast as it is accepted (the last round)", [of[-1] for of in runs.values()])
    print()
    for what, value in _costs(runs):
        print(f"{what}: aged / empty, medians of {rounds}: {value['aged'] / value['empty']:.2f}")


def _costs(runs: dict[str, list[Measured]]) -> Iterator[tuple[str, dict[str, float]]]:
    yield "seconds per message", {name: 1 / median(run.rate for run in of) for name, of in runs.items()}
    yield "CPU per message", {name: median(run.cpu_us for run in of) for name, of in runs.items()}


if __name__ == "__main__":
    main()
