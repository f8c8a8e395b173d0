"""Databases that go away, are full, or are somebody else's for a while."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from bench.processes import family
from faults.report import Line
from faults.scene import Run, execute, scene
from faults.site import Site
from relevo.testing.ports import free_port
from tests import postgres

ROOM = 40_000_000  # bytes of a small disk
ROOM_OF_POSTGRESQL = 200_000_000


async def restart_postgresql(run: Run, name: str) -> Line:
    """The database server restarted under load: as an administrator does, and as after a crash."""
    with contextlib.closing(run.with_own_cluster()) as own:
        seconds = 0.0
        async with scene(own, name, "postgresql", servers=2) as it:
            async with it.customers.writing():
                for mode in ["fast", "immediate"] * run.of(short=1, long=10):
                    await asyncio.sleep(0.5)
                    await asyncio.to_thread(postgres.restart, own.cluster, mode)
                    seconds = max(seconds, await it.recovered())
            return await it.line(name, seconds, note=f"{run.of(short=2, long=20)} restarts")


async def cut_connections(run: Run, name: str) -> Line:
    """pg_terminate_backend of all connections, at random moments."""
    cuts, chance = run.of(short=10, long=200), run.chance(name)
    async with scene(run, name, "postgresql", servers=2) as it:
        async with it.customers.writing():
            for _ in range(cuts):
                await asyncio.sleep(chance.uniform(0.02, 0.3))
                await execute(it.database_url, _CUT_ALL)
            seconds = await it.recovered()
        return await it.line(name, seconds, note=f"{cuts} cuts")


_CUT_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def cut_in_mid_commit(run: Run, name: str) -> Line:
    """Backends terminated while they commit: a deferred trigger makes every commit take a while."""
    cuts = run.of(short=10, long=200)
    async with scene(run, name, "postgresql", users=8, servers=2) as it:
        await execute(it.database_url, _SLOW_COMMITS)
        connection = await asyncpg.connect(it.database_url)
        async with it.customers.writing():
            done = 0
            while done < cuts:
                done += len(await connection.fetch(_CUT_COMMITTING))
                await asyncio.sleep(0.03)
            seconds = await it.recovered()
        await connection.close()
        return await it.line(name, seconds, note=f"{done} commits cut")


_SLOW_COMMITS = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dawdling AFTER INSERT ON commits DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dawdle();
"""
_CUT_COMMITTING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'active' AND query = 'COMMIT' LIMIT 1
"""


async def lose_the_answer_to_a_commit(run: Run, name: str) -> Line:
    """Between Relevo and PostgreSQL, connections break after a COMMIT went through, before its answer."""
    relay, losses = Relay(run.chance(name)), run.of(short=10, long=200)
    async with relay.listening(), scene(run, name, "postgresql", database_url=relay.url) as it:
        async with it.customers.writing():
            relay.share = 0.2
            while relay.cuts < losses:
                await asyncio.sleep(0.02)
            relay.share = 0.0
            seconds = await it.recovered()
        return await it.line(name, seconds, note=f"{relay.cuts} answers lost")


class Relay:
    """Passes bytes on between Relevo and PostgreSQL; loses the answers to a share of the commits."""

    def __init__(self, chance: random.Random) -> None:
        self.share, self.cuts = 0.0, 0
        self._chance, self._port, self._socket = chance, free_port(), ""

    def url(self, real: str) -> str:
        """What Relevo is told instead of where the database really is."""
        parts = urlsplit(real)
        self._socket = f"{parts.query.removeprefix('host=')}/.s.PGSQL.5432"
        return f"postgresql://postgres@127.0.0.1:{self._port}{parts.path}"

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        yield
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_there, to_there = await asyncio.open_unix_connection(self._socket)
        answers = asyncio.create_task(_pass_on(from_there, writer))
        try:
            await self._pass_requests_on(reader, to_there, answers)
        except OSError:
            pass
        finally:
            answers.cancel()
            to_there.close()
            writer.transport.abort()

    async def _pass_requests_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: asyncio.Task[None]
    ) -> None:
        while data := await reader.read(65536):
            is_lost = b"COMMIT\0" in data and self._chance.random() < self.share
            if is_lost:
                answers.cancel()
                self.cuts += 1
            writer.write(data)
            await writer.drain()
            if is_lost:
                await asyncio.sleep(0.05)  # PostgreSQL commits meanwhile
                return


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def fill_the_disk(run: Run, name: str, *, may_mount: bool = True) -> Line:
    """SQLite on a disk that is full for a while: a small tmpfs, or a limit where none may be mounted."""
    with contextlib.ExitStack() as stack:
        is_mounted = False

        def prepare(site: Site) -> None:
            nonlocal is_mounted
            is_mounted = may_mount and stack.enter_context(_small_disk(site.folder / "data", ROOM))

        async with scene(run, name, "sqlite", prepared=prepare) as it:
            pid = it.site.processes[-1].pid or 0
            disk = Tmpfs(it.site.folder / "data") if is_mounted else Limit(lambda: [pid])
            stuck, seconds = 0, 0.0
            async with it.customers.writing():
                for _ in range(run.of(short=1, long=10)):
                    await asyncio.sleep(0.5)
                    disk.fill()
                    await asyncio.sleep(1.5)
                    stuck = max(stuck, it.customers.waiting)
                    disk.make_room()
                    seconds = max(seconds, await it.recovered())
            return await it.line(name, seconds, note=_told(disk, stuck), broken=_never_full(stuck))


async def fill_the_disk_of_postgresql(run: Run, name: str) -> Line:
    """PostgreSQL on a disk that is full for a while: its tables cannot grow. Every second time its log cannot
    either; then it ends (PANIC), and is started again when there is room."""
    own = run.with_own_cluster()
    data = own.cluster / "data"
    try:
        with _small_disk(data, ROOM_OF_POSTGRESQL) as is_mounted, contextlib.closing(own):
            async with scene(own, name, "postgresql", servers=2) as it:
                disk = Tmpfs(data) if is_mounted else Limit(lambda: _processes_of(own.cluster))
                stuck, ends, seconds = 0, 0, 0.0
                async with it.customers.writing():
                    for number in range(run.of(short=2, long=10)):
                        await asyncio.sleep(0.5)
                        disk.fill()
                        if number % 2:
                            await _fill_the_log(it.database_url)
                        await asyncio.sleep(1.5)
                        stuck = max(stuck, it.customers.waiting)
                        disk.make_room()
                        ends += await _up_again(own.cluster, it.database_url)
                        seconds = max(seconds, await it.recovered())
                note = f"{_told(disk, stuck)}, PostgreSQL ended {ends} times"
                return await it.line(name, seconds, note=note, broken=_never_full(stuck))
    finally:
        shutil.rmtree(own.cluster, ignore_errors=True)


def _told(disk: Tmpfs | Limit, stuck: int) -> str:
    return f"{disk.kind}, {stuck} customers had to wait"


def _never_full(stuck: int) -> list[str]:
    return [] if stuck else ["the disk was not full"]


_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What one hears of a PostgreSQL that has ended, or is about to."""


async def _fill_the_log(url: str) -> None:
    """Begin new files of the log (16 MB) until there is no room for one."""
    with contextlib.suppress(*_AWAY):
        for _ in range(ROOM_OF_POSTGRESQL // 16_000_000):
            await execute(url, "SELECT pg_logical_emit_message(true, '', repeat('.', 1000000))")
            await execute(url, "SELECT pg_switch_wal()")


async def _up_again(cluster: Path, url: str) -> bool:
    """Wait until PostgreSQL answers; start it if it has ended, as whoever watches over it does. Whether it
    had."""
    has_ended = False
    async with asyncio.timeout(60):
        while True:
            try:
                await execute(url, "SELECT 1")
                return has_ended
            except _AWAY:
                await asyncio.sleep(0.2)
            if not (cluster / "data/postmaster.pid").exists():
                has_ended = True
                await asyncio.to_thread(postgres.restart, cluster, "fast")


def _processes_of(cluster: Path) -> list[int]:
    """Those of a server of PostgreSQL; none when it has ended."""
    try:
        return family(int((cluster / "data/postmaster.pid").read_text().split()[0]))
    except OSError:
        return []


class Tmpfs:
    """A small disk, and a file on it that grows until there is no room for anything else."""

    kind = "a tmpfs"

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        self._ballast.unlink()


class Limit:
    """No file of some processes may grow: to them, that is a full disk (RLIMIT_FSIZE)."""

    kind = "a limit of the size of files"

    def __init__(self, processes: Callable[[], list[int]]) -> None:
        self._processes = processes

    def fill(self) -> None:
        self._limit("4096")

    def make_room(self) -> None:
        self._limit("unlimited")

    def _limit(self, size: str) -> None:
        """As whoever they belong to: to limit those of others, root needs what it is not given everywhere."""
        for pid in self._processes():
            with contextlib.suppress(FileNotFoundError):  # it has ended
                its = Path(f"/proc/{pid}").stat()
                command = ["prlimit", f"--pid={pid}", f"--fsize={size}:unlimited"]
                subprocess.run(
                    command, capture_output=True, user=its.st_uid, group=its.st_gid, extra_groups=[]
                )


@contextlib.contextmanager
def _small_disk(data: Path, size: int) -> Iterator[bool]:
    """A new folder with a disk of its own, of whoever the folder above is; False when there may be none."""
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(data)]
    is_mounted = subprocess.run(mount, capture_output=True).returncode == 0
    above = data.parent.stat()
    os.chown(data, above.st_uid, above.st_gid)
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(data)], check=True)


async def lock_sqlite(run: Run, name: str) -> Line:
    """Another process writes to the SQLite file, first within and then beyond what Relevo waits for it."""
    holds = [1.0, 6.0] if run.is_short else [0.1, 1.0, 4.0, 6.0, 20.0]
    seconds = 0.0
    async with scene(run, name, "sqlite") as it:
        async with it.customers.writing():
            for seconds_held in holds:
                await asyncio.to_thread(_hold, it.site.folder / "data/relevo.db", seconds_held)
                seconds = max(seconds, await it.recovered())
        return await it.line(name, seconds, note=f"for {', '.join(map(str, holds))} s")


def _hold(file: Path, seconds: float) -> None:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)


async def lock_postgresql(run: Run, name: str) -> Line:
    """Another session holds the table of deliveries."""
    holds = [2.0] if run.is_short else [0.1, 2.0, 15.0, 30.0]
    seconds = 0.0
    async with scene(run, name, "postgresql", servers=2) as it:
        other = await asyncpg.connect(it.database_url)
        async with it.customers.writing():
            for seconds_held in holds:
                async with other.transaction():
                    await other.execute("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
                    await asyncio.sleep(seconds_held)
                seconds = max(seconds, await it.recovered())
        await other.close()
        return await it.line(name, seconds, note=f"for {', '.join(map(str, holds))} s")
