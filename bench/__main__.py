"""`make bench`: floor and Relevo, one after the other, the same load, one table."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import uvloop

from bench.ledger import Report
from bench.load import Load, Sent
from bench.processes import Server, floor, get_json, receiver, relevo
from tests import postgres

USERS = 1000
CONNECTIONS = 256
DRAINED_WITHIN = 60.0  # seconds
FLOOR, EARLY = FLOORS = ("floor", "floor-early")
"""The one that ratios are of, and the one that answers before it posts (`bench.floor`)."""


class Measured(msgspec.Struct):
    """What one server did under one load. Milliseconds; `rate` a second."""

    name: str
    rate: float
    accept: tuple[float, ...]
    delivered: tuple[float, ...]
    lost: int
    reordered: int
    gaps: int
    duplicates: int
    badly_signed: int
    refused: int
    cpu_us: float
    memory_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of load in each part")
    parser.add_argument("--rounds", type=int, default=3, help="of capacity; the median counts")
    parser.add_argument("--only", choices=[*FLOORS, "sqlite", "postgresql"], nargs="*")
    parser.add_argument(
        "--workers", type=int, nargs="*", default=[1], help="processes on PostgreSQL: a row for each number"
    )
    given = parser.parse_args()
    wanted = [
        row
        for name in given.only or [*FLOORS, "sqlite", "postgresql"]
        for row in (_on_postgresql(given.workers) if name == "postgresql" else [name])
    ]
    with receiver() as url, contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(_server(name, url)) for name in wanted}
        uvloop.run(_measure(servers, url, seconds=given.seconds, rounds=given.rounds))


def _on_postgresql(workers: Sequence[int]) -> list[str]:
    return ["postgresql" if count == 1 else f"postgresql x{count}" for count in workers]


@contextlib.contextmanager
def _server(name: str, receiver_url: str) -> Iterator[Server]:
    with contextlib.ExitStack() as stack:
        if name in FLOORS:
            yield stack.enter_context(floor(name, receiver_url, is_early=name == EARLY))
            return
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database, _, workers = name.partition(" x")
        database_url = stack.enter_context(_postgresql()) if database == "postgresql" else ""
        yield stack.enter_context(relevo(name, receiver_url, folder, database_url, int(workers or 1)))


@contextlib.contextmanager
def _postgresql() -> Iterator[str]:
    folder = postgres.make_folder()
    try:
        yield postgres.ensure_running(folder).url("postgres")
    finally:
        postgres.stop(folder)


async def _measure(servers: dict[str, Server], url: str, *, seconds: float, rounds: int) -> None:
    loads = {name: Load(server.target, users=USERS, connections=CONNECTIONS, prefix=name)
             for name, server in servers.items()}  # fmt: skip
    for name, load in loads.items():
        await load.connect()
        if name not in FLOORS:
            await load.each_once()  # hands every conversation over
    capacity: dict[str, list[Measured]] = {name: [] for name in servers}
    for _ in range(rounds):  # in turn, so that what the machine does meanwhile hits all alike
        for name, load in loads.items():
            capacity[name].append(await _run(name, servers[name], load, url, seconds))
    best = {name: sorted(runs, key=lambda run: run.rate)[len(runs) // 2] for name, runs in capacity.items()}
    _print_table("As fast as it is accepted (median of the rounds)", list(best.values()))
    half = [
        await _run(name, servers[name], load, url, seconds, rate=best[name].rate / 2)
        for name, load in loads.items()
    ]
    _print_table("Open arrivals at half of that", half)


async def _run(
    name: str, server: Server, load: Load, url: str, seconds: float, rate: float | None = None
) -> Measured:
    get_json(f"{url}/reset", "POST")
    cpu, started = server.cpu_seconds(), time.monotonic()
    sent = await (load.open_loop(rate, seconds) if rate else load.closed_loop(seconds, in_flight=CONNECTIONS))
    report = await _drained(url, sent)
    return _measured(name, server, sent, report, started, server.cpu_seconds() - cpu)


async def _drained(url: str, sent: Sent) -> Report:
    """The receiver's report once everything that was accepted has come, or long after."""
    until = time.monotonic() + DRAINED_WITHIN
    while True:
        report = msgspec.json.decode(get_json(f"{url}/report"), type=Report)
        if len(report.arrivals) >= len(sent.accepted) or time.monotonic() > until:
            return report
        await asyncio.sleep(0.2)


def _measured(name: str, server: Server, sent: Sent, report: Report, started: float, cpu: float) -> Measured:
    came = {mid: report.arrivals[mid] for mid in sent.accepted if mid in report.arrivals}
    count = max(len(came), 1)
    return Measured(
        name=name,
        rate=len(came) / (max(came.values(), default=started + 1) - started),
        accept=_percentiles([at - sent.started[mid] for mid, at in sent.accepted.items()]),
        delivered=_percentiles([at - sent.started[mid] for mid, at in came.items()]),
        lost=len(sent.accepted) - len(came),
        reordered=0 if name in FLOORS else report.reordered,
        gaps=report.gaps,
        duplicates=report.duplicates,
        badly_signed=report.badly_signed,
        refused=sent.refused,
        cpu_us=cpu / count * 1e6,
        memory_mb=server.memory_mb(),
    )


def _percentiles(seconds: Sequence[float]) -> tuple[float, ...]:
    """p50, p90 and p99 in milliseconds."""
    ordered = sorted(seconds) or [0.0]
    return tuple(ordered[int((len(ordered) - 1) * share)] * 1000 for share in (0.5, 0.9, 0.99))


def _print_table(title: str, rows: Sequence[Measured]) -> None:
    base = next((row.rate for row in rows if row.name == FLOOR), None)
    print(f"\n{title}\n")
    print(f"{'':14}{'hand-offs/s':>12}{'ratio':>7}{'accept ms':>20}{'to delivered ms':>20}"
          f"{'lost':>6}{'reord.':>7}{'gaps':>6}{'dups':>6}{'refused':>8}{'CPU µs':>8}{'MB':>6}")  # fmt: skip
    for row in rows:
        ratio = f"{row.rate / base:.2f}" if base else "–"
        print(f"{row.name:14}{row.rate:12.0f}{ratio:>7}{_three(row.accept):>20}{_three(row.delivered):>20}"
              f"{row.lost:6}{row.reordered:7}{row.gaps:6}{row.duplicates:6}{row.refused:8}"
              f"{row.cpu_us:8.0f}{row.memory_mb:6.0f}")  # fmt: skip
    print("(ms: p50 / p90 / p99)")


def _three(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in values)


if __name__ == "__main__":
    main()
