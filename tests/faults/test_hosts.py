"""Three hosts on one PostgreSQL, each in a network of its own: one is cut off and comes back."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import asyncpg
import msgspec
import pytest

from relevo.testing.ports import free_port
from tests import postgres
from tests.faults.installation import Installation, Platform, Vendor, receiving

USERS = 8
PATIENCE = 60.0


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        refused = PermissionError if "not permitted" in done.stderr else RuntimeError
        raise refused(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Host(msgspec.Struct, frozen=True):
    """A network namespace with one address, connected to the others by a cable that can be pulled out."""

    name: str
    address: str

    @property
    def cable(self) -> str:
        return f"{self.name}c"

    @property
    def inside(self) -> Sequence[str]:
        return ("ip", "netns", "exec", self.name)

    def plug_in(self, bridge: str) -> None:
        ip("netns", "add", self.name)
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", self.cable, "master", bridge, "up")
        ip("-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        ip("-n", self.name, "link", "set", "eth0", "up")
        ip("-n", self.name, "link", "set", "lo", "up")

    def cut_off(self) -> None:
        ip("link", "set", self.cable, "down")

    def bring_back(self) -> None:
        ip("link", "set", self.cable, "up")


class Network(msgspec.Struct, frozen=True):
    """A switch with this machine at it (`address`: the database and the platform) and three hosts."""

    address: str
    hosts: tuple[Host, Host, Host]


@pytest.fixture
def network() -> Iterator[Network]:
    """Skipped where a user may not make networks: that takes root on Linux."""
    number = os.getpid() % 200
    bridge, net = f"rlv{number}", f"10.213.{number}"
    hosts = tuple(Host(f"rlv{number}h{host}", f"{net}.{host}") for host in (2, 3, 4))
    with ExitStack() as stack:
        try:
            ip("link", "add", bridge, "type", "bridge")
            stack.callback(ip, "link", "del", bridge)
            ip("addr", "add", f"{net}.1/24", "dev", bridge)
            ip("link", "set", bridge, "up")
            for host in hosts:
                host.plug_in(bridge)
                stack.callback(ip, "netns", "del", host.name)
        except (PermissionError, FileNotFoundError) as refused:
            pytest.skip(f"no network namespaces here: {refused}")
        yield Network(f"{net}.1", (hosts[0], hosts[1], hosts[2]))


@contextmanager
def database_on(address: str) -> Iterator[str]:
    """A PostgreSQL that the network can reach."""
    folder = postgres.make_folder()
    try:
        postgres.ensure_running(folder, listen=address)
        yield f"postgresql://postgres@{address}/postgres"
    finally:
        postgres.stop(folder)


@asynccontextmanager
async def processes(
    here: Installation, hosts: tuple[Host, Host, Host], log: IO[bytes]
) -> AsyncIterator[list[Vendor]]:
    """Two that serve, the first with a log, and one that works; somebody who writes to each of the two."""
    vendor = here.set_up()
    serving, working = hosts[:2], hosts[2]
    listen = ("serve", "--host", "0.0.0.0", "--port", str(here.port))
    started = [
        here.run(*listen, inside=serving[0].inside, log=log),
        here.run(*listen, inside=serving[1].inside),
        here.run("work", inside=working.inside),
    ]
    try:
        for host in serving:
            await until_answers(host.address, here.port)
        yield [vendor.to(f"http://{host.address}:{here.port}") for host in serving]
        for process in started:
            process.send_signal(signal.SIGTERM)
        codes = [await asyncio.to_thread(process.wait, 20) for process in started]
        assert codes == [0, 0, 0]
    finally:
        for process in started:
            process.kill()


class SlowPlatform(Platform):
    """Takes its time, and can leave a host without an answer until another one brings the same."""

    def __init__(self) -> None:
        super().__init__()
        self._unanswered = ""
        self._kept = ""
        self._keeps, self._has_again = asyncio.Event(), asyncio.Event()

    async def until_keeps_waiting(self, address: str) -> None:
        """Until this host has sent something that it gets no answer to for now."""
        self._unanswered = address
        async with asyncio.timeout(PATIENCE):
            await self._keeps.wait()

    async def until_has_it_again(self) -> None:
        """Until another host has brought the same."""
        async with asyncio.timeout(PATIENCE):
            await self._has_again.wait()

    async def _think(self, host: str, webhook_id: str) -> None:
        await asyncio.sleep(0.1)
        if self._keeps.is_set() and webhook_id == self._kept:
            self._has_again.set()
        elif host == self._unanswered and not self._keeps.is_set():
            self._kept = webhook_id
            self._keeps.set()
            await self._has_again.wait()


async def until_answers(address: str, port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection(address, port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


async def test_a_host_that_is_cut_off_and_comes_back_loses_and_reorders_nothing(
    network: Network, tmp_path: Path
) -> None:
    """Its locks and its claims run out, others carry on, and what it hears too late is refused."""
    platform, log = SlowPlatform(), tmp_path / "log"
    with database_on(network.address) as url, log.open("wb") as logging:
        async with receiving(platform, free_port(), network.address) as platform_url:
            here = Installation(tmp_path, url, platform_url, network.address)
            async with processes(here, network.hosts, logging) as vendors:
                await vendors[0].hand_over(USERS)
                enough = asyncio.Event()
                customers = [asyncio.create_task(write(vendors, user, enough)) for user in range(USERS)]
                await platform.until_keeps_waiting(network.hosts[0].address)
                with in_a_transaction(network.hosts[0], url):
                    network.hosts[0].cut_off()
                    await until_alive(2, url)
                    await until_all_go_on(vendors[0])
                    await platform.until_has_it_again()
                network.hosts[0].bring_back()
                await until_says(log, b"claim_lost")
                await until_alive(3, url)
                await until_all_go_on(vendors[0])
                enough.set()
                await asyncio.gather(*customers)
                await platform.until_all(vendors[0].expected, PATIENCE)
                await until_nothing_waits(url)
    platform.check_order()
    assert platform.mids() == vendors[0].expected


LOCKING = """
import asyncio, sys
from sqlalchemy import text
from relevo.store.database import Database

async def main():
    async with Database(sys.argv[1]).write() as connection:
        await connection.execute(text("SELECT id FROM conversations ORDER BY id FOR UPDATE"))
        print("locked", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def in_a_transaction(host: Host, url: str) -> Iterator[None]:
    """A process of the host has locked every conversation, and says nothing more."""
    command = [*host.inside, sys.executable, "-c", LOCKING, url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"locked\n"
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def until_all_go_on(vendor: Vendor) -> None:
    """Until every customer was heard again."""
    before = len(vendor.accepted)
    async with asyncio.timeout(PATIENCE):
        while len({mid.split("-")[1] for mid in vendor.accepted[before:]}) < USERS:
            await asyncio.sleep(0.1)


async def write(vendors: list[Vendor], user: int, enough: asyncio.Event) -> None:
    """One customer, whose vendor goes to the next host when one does not answer."""
    for number in itertools.count():
        mid, turn = f"m-{user}-{number}", user
        while not await vendors[turn % len(vendors)].tried(user, mid):
            turn += 1
        if enough.is_set():
            return
        await asyncio.sleep(0.15)  # so that there is something to say before, meanwhile and after


async def until_says(log: Path, words: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        while not _says(log, words):
            await asyncio.sleep(0.1)


def _says(log: Path, words: bytes) -> bool:
    return words in log.read_bytes()


async def until_alive(number: int, url: str) -> None:
    """Until so many hosts have a lease."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(PATIENCE):
            while await connection.fetchval(ALIVE) != number:
                await asyncio.sleep(0.2)
    finally:
        await connection.close()


ALIVE = "SELECT count(*) FROM nodes WHERE lease_until >= extract(epoch FROM now()) * 1000000"


async def until_nothing_waits(url: str) -> None:
    """What the platform has got may still have to be recorded."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(PATIENCE):
            while await connection.fetchval("SELECT count(*) FROM deliveries WHERE state = 'waiting'"):
                await asyncio.sleep(0.2)
    finally:
        await connection.close()


pytestmark = [pytest.mark.postgresql, pytest.mark.filterwarnings("ignore::ResourceWarning")]
