"""A real server, killed in the middle of its work: nothing accepted is lost or reordered."""

from __future__ import annotations

import asyncio
import json
import os
import random  # seeded
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn

from relevo.domain import signing
from relevo.system.clock import SystemClock
from relevo.testing.builders import SIGNING_SECRET
from relevo.testing.ports import free_port, until_open

KILLS = 2
USERS = 8

FLOW = """\
version: 1
flow: support
start: begin
subflows:
  begin:
    - pause_bot
"""


class Platform:
    """A receiver that checks everything it gets."""

    def __init__(self) -> None:
        self.seen: defaultdict[str, dict[str, tuple[int, str]]] = defaultdict(dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self._take(headers, body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def _take(self, headers: dict[str, str], body: bytes) -> None:
        signing.verify([SIGNING_SECRET], headers, body, now=SystemClock().now())
        parsed = msgspec.json.decode(body)
        seen = (int(headers["relevo-seq"]), parsed["message"]["mid"])
        self.seen[parsed["meta"]["user_ns"]].setdefault(headers["webhook-id"], seen)

    def mids(self) -> set[str]:
        return {mid for by_id in self.seen.values() for _, mid in by_id.values()}


class Vendor:
    """Sends until it hears 200, as vendors do."""

    def __init__(self, url: str, token: str) -> None:
        from pyreqwest.client import ClientBuilder  # the test's own client, not the server's

        self._client = ClientBuilder().build()
        self._url, self._token = url, token
        self.accepted: list[str] = []

    async def send(self, user: int, mid: str) -> None:
        body = msgspec.json.encode(
            {
                "event": "message_created",
                "message_type": "incoming",
                "content": f"message {mid}",
                "id": mid,
                "sender": {"id": f"user-{user}"},
            }
        )
        while not await self._accepted(body):
            await asyncio.sleep(0.05)  # the server is being started again
        self.accepted.append(mid)

    async def _accepted(self, body: bytes) -> bool:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        try:
            answer = await self._client.post(self._url).headers(headers).body_bytes(body).build().send()
        except Exception:
            return False
        return answer.status == 200


class Installation:
    """A server that can be killed and started again."""

    def __init__(self, folder: Path, database_url: str, platform_port: int) -> None:
        self.port = free_port()
        self._folder = folder
        self._environment = {
            **os.environ,
            "RELEVO_DATA_DIR": str(folder / "data"),
            "RELEVO_DATABASE_URL": database_url,
            "RELEVO_ALLOWED_NETWORKS": "127.0.0.0/8",
            "RELEVO_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "RELEVO_LOG_LEVEL": "error",
        }
        (folder / "f.flow.yaml").write_text(FLOW)
        url = f"http://127.0.0.1:{platform_port}/hook"
        (folder / "w.yaml").write_text(
            f"""\
version: 1
workspace: Acme
endpoints: [{{name: desk, url: "{url}", secret: "{SIGNING_SECRET}"}}]
flows: [f.flow.yaml]
channels:
  - {{name: c, type: apichat, flow: support, webhook_url: "{url}",
      live_chat: {{mode: webhook, endpoint: desk}}}}
"""
        )

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "relevo", *words],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def worker(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "relevo", "work"], env=self._environment)

    async def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "relevo", "serve", "--port", str(self.port)]
        process = subprocess.Popen(command, env=self._environment)
        await until_open(self.port)
        return process


async def test_nothing_is_lost_or_reordered_when_the_server_is_killed(
    database_url: str, tmp_path: Path
) -> None:
    platform, platform_port = Platform(), free_port()
    receiving = uvicorn.Server(
        uvicorn.Config(platform, port=platform_port, log_config=None, access_log=False)
    )
    served = asyncio.create_task(receiving.serve())
    here = Installation(tmp_path, database_url, platform_port)
    here.command("apply", str(tmp_path / "w.yaml"))
    token = here.command("token", "create", "--flow", "support").strip()
    (channel,) = json.loads(here.command("channels", "--json"))
    vendor = Vendor(channel["hook_url"], token)
    process = await here.start()
    try:
        await asyncio.gather(*(vendor.send(user, f"first-{user}") for user in range(USERS)))
        customers = [asyncio.create_task(_write(vendor, user)) for user in range(USERS)]
        chance = random.Random(7)
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.2, 0.6))  # at a random moment
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = await here.start()
        await asyncio.gather(*customers)
        expected = {mid for mid in vendor.accepted if not mid.startswith("first-")}
        async with asyncio.timeout(60):
            while not expected <= platform.mids():
                await asyncio.sleep(0.1)  # claims of the dead run out
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == 0
    finally:
        process.kill()
        receiving.should_exit = True
        await served
    for by_id in platform.seen.values():
        received = list(by_id.values())
        assert [seq for seq, _ in received] == list(range(1, len(received) + 1))
        assert [int(mid.split("-")[2]) for _, mid in received] == list(range(len(received)))


@pytest.mark.parametrize("database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def test_a_worker_delivers_what_a_dead_server_leaves(database_url: str, tmp_path: Path) -> None:
    platform, platform_port = Platform(), free_port()
    here = Installation(tmp_path, database_url, platform_port)
    here.command("apply", str(tmp_path / "w.yaml"))
    token = here.command("token", "create", "--flow", "support").strip()
    (channel,) = json.loads(here.command("channels", "--json"))
    vendor = Vendor(channel["hook_url"], token)
    server = await here.start()
    for number in range(6):  # nobody listens at the endpoint
        await vendor.send(1, f"m-1-{number}" if number else "first")
    server.kill()
    server.wait()
    receiving = uvicorn.Server(
        uvicorn.Config(platform, port=platform_port, log_config=None, access_log=False)
    )
    served = asyncio.create_task(receiving.serve())
    worker = here.worker()
    try:
        async with asyncio.timeout(60):
            while len(platform.mids()) < 5:
                await asyncio.sleep(0.1)  # the dead server's lease, and the retry of the first, run out
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 10) == 0
    finally:
        worker.kill()
        receiving.should_exit = True
        await served
    (received,) = platform.seen.values()
    assert [seq for seq, _ in received.values()] == [1, 2, 3, 4, 5]


async def _write(vendor: Vendor, user: int) -> None:
    for number in range(20):
        await vendor.send(user, f"m-{user}-{number}")


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
