"""An installation of real processes, its customers, and a platform that checks what it gets."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec
import uvicorn

from relevo.domain import signing
from relevo.system.clock import SystemClock
from relevo.testing.builders import SIGNING_SECRET
from relevo.testing.ports import free_port, until_open

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
        """By conversation and id, in the order in which they first came: seq, and the vendor's id."""

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
        await self._think(scope["client"][0], headers["webhook-id"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _think(self, host: str, webhook_id: str) -> None:
        """What passes until the host with this address gets its answer."""

    def _take(self, headers: dict[str, str], body: bytes) -> None:
        signing.verify([SIGNING_SECRET], headers, body, now=SystemClock().now())
        parsed = msgspec.json.decode(body)
        seen = (int(headers["relevo-seq"]), parsed["message"]["mid"])
        self.seen[parsed["meta"]["user_ns"]].setdefault(headers["webhook-id"], seen)

    def mids(self) -> set[str]:
        return {mid for by_id in self.seen.values() for _, mid in by_id.values()}

    async def until_all(self, mids: Collection[str], seconds: float = 60) -> None:
        """Wait until all of these have come: claims of the dead run out, and retries come due."""
        async with asyncio.timeout(seconds):
            while not set(mids) <= self.mids():
                await asyncio.sleep(0.1)

    def check_order(self) -> None:
        """In each conversation no gap, and in the order in which the customer wrote (`m-<user>-<number>`)."""
        for by_id in self.seen.values():
            received = list(by_id.values())
            assert [seq for seq, _ in received] == list(range(1, len(received) + 1))
            assert [int(mid.split("-")[2]) for _, mid in received] == list(range(len(received)))


class Vendor:
    """Sends until it hears 200, as vendors do."""

    def __init__(self, url: str, token: str) -> None:
        from pyreqwest.client import ClientBuilder  # the test's own client, not the server's

        self._client = ClientBuilder().timeout(timedelta(seconds=3)).build()
        self._url, self._token = url, token
        self.accepted: list[str] = []

    async def hand_over(self, users: int) -> None:
        """So many customers say their first word, which the bot answers with a pause."""
        await asyncio.gather(*(self.send(user, f"first-{user}") for user in range(users)))

    async def write(self, user: int, messages: int) -> None:
        """One customer, one message after the other."""
        for number in range(messages):
            await self.send(user, f"m-{user}-{number}")

    @property
    def expected(self) -> set[str]:
        """What was accepted while an agent had control."""
        return {mid for mid in self.accepted if not mid.startswith("first-")}

    def to(self, base_url: str) -> Vendor:
        """The same vendor at another host of the installation."""
        other = Vendor(base_url + urlsplit(self._url).path, self._token)
        other.accepted = self.accepted
        return other

    async def send(self, user: int, mid: str) -> None:
        while not await self.tried(user, mid):
            await asyncio.sleep(0.05)  # the server is being started again

    async def tried(self, user: int, mid: str) -> bool:
        """Send once; whether it was accepted."""
        body = msgspec.json.encode(
            {
                "event": "message_created",
                "message_type": "incoming",
                "content": f"message {mid}",
                "id": mid,
                "sender": {"id": f"user-{user}"},
            }
        )
        is_accepted = await self._accepted(body)
        if is_accepted:
            self.accepted.append(mid)
        return is_accepted

    async def _accepted(self, body: bytes) -> bool:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        try:
            answer = await self._client.post(self._url).headers(headers).body_bytes(body).build().send()
        except Exception:
            return False
        return answer.status == 200


class Installation:
    """Processes that share a database, a data folder and a platform."""

    def __init__(
        self, folder: Path, database_url: str, platform_url: str, address: str = "127.0.0.1", **settings: str
    ) -> None:
        self.port, self._folder, self._address = free_port(), folder, address
        self._environment = {
            **os.environ,
            "RELEVO_DATA_DIR": str(folder / "data"),
            "RELEVO_DATABASE_URL": database_url,
            "RELEVO_ALLOWED_NETWORKS": "127.0.0.0/8,10.0.0.0/8",
            "RELEVO_PUBLIC_URL": f"http://{address}:{self.port}",
            "RELEVO_LOG_LEVEL": "error",
            **settings,
        }
        (folder / "f.flow.yaml").write_text(FLOW)
        (folder / "w.yaml").write_text(
            f"""\
version: 1
workspace: Acme
endpoints: [{{name: desk, url: "{platform_url}", secret: "{SIGNING_SECRET}"}}]
flows: [f.flow.yaml]
channels:
  - {{name: c, type: apichat, flow: support, webhook_url: "{platform_url}",
      live_chat: {{mode: webhook, endpoint: desk}}}}
"""
        )

    def set_up(self) -> Vendor:
        """Apply the workspace; somebody whose messages it takes."""
        self.command("apply", str(self._folder / "w.yaml"))
        token = self.command("token", "create", "--flow", "support").strip()
        (channel,) = json.loads(self.command("channels", "--json"))
        return Vendor(channel["hook_url"], token)

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

    def run(
        self, *words: str, inside: Sequence[str] = (), log: IO[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        """A process of it; `inside`: the words of a command that runs it somewhere else. What it logs goes,
        with everything that is worth a line, to `log`."""
        level = {"RELEVO_LOG_LEVEL": "debug"} if log else {}
        command = [*inside, sys.executable, "-m", "relevo", *words]
        return subprocess.Popen(command, env=self._environment | level, stdout=log, stderr=log)

    def worker(self) -> subprocess.Popen[bytes]:
        return self.run("work")

    async def start(self, *options: str) -> subprocess.Popen[bytes]:
        """`relevo serve`, and somebody listens."""
        process = self.run("serve", "--port", str(self.port), *options)
        await until_open(self.port)
        return process


@asynccontextmanager
async def receiving(platform: Platform, port: int, address: str = "127.0.0.1") -> AsyncIterator[str]:
    """The platform at work; its URL."""
    config = uvicorn.Config(platform, host=address, port=port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        yield f"http://{address}:{port}/hook"
    finally:
        server.should_exit = True
        await serving
