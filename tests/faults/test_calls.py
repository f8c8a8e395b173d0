"""A server that is killed while flows call another one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn

from relevo.testing.ports import free_port
from tests.faults.installation import Installation

USERS = 6
FLOW = """\
version: 1
flow: support
start: begin
subflows:
  begin:
    - http:
        method: POST
        url: {url}/orders
        timeout: 5s
        retry: {{times: 4, after: 1s}}
        save: {{order: id}}
    - send: "Order {{{{ order }}}}."
"""


class Shop:
    """Fails once for each call, and then answers with its id; and hears what customers are told."""

    def __init__(self) -> None:
        self.calls: defaultdict[str, int] = defaultdict(int)
        self.told: dict[str, str] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        status, answer = 200, b"{}"
        if scope["path"] == "/orders":
            status, answer = await self._called(dict(scope["headers"])[b"idempotency-key"].decode())
        else:
            said = msgspec.json.decode(body + message["body"])
            self.told[said["mid"]] = said["content"]
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    async def _called(self, id_: str) -> tuple[int, bytes]:
        self.calls[id_] += 1
        await asyncio.sleep(0.4)
        return (503, b"") if self.calls[id_] == 1 else (200, msgspec.json.encode({"id": id_}))


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


async def test_calls_that_a_kill_interrupts_are_made_again_and_their_flows_go_on_once(
    database_url: str, tmp_path: Path
) -> None:
    """Killed while the first attempts are under way, and again while the second ones are."""
    shop, port = Shop(), free_port()
    url = f"http://127.0.0.1:{port}"
    serving = uvicorn.Server(uvicorn.Config(shop, host="127.0.0.1", port=port, log_config=None))
    task = asyncio.create_task(serving.serve())
    here = Installation(tmp_path, database_url, url)
    (tmp_path / "f.flow.yaml").write_text(FLOW.format(url=url))
    vendor = here.set_up()
    process = await here.start()
    try:
        await asyncio.gather(*(vendor.send(user, f"m-{user}-0") for user in range(USERS)))
        for attempt in (1, 2):
            await _until(shop, attempt)
            process.kill()
            process.wait()
            process = await here.start()
        async with asyncio.timeout(60):
            while len(shop.told) < USERS:
                await asyncio.sleep(0.1)
        await asyncio.sleep(2)  # what would be said twice is said by then
    finally:
        process.kill()
        process.wait()
        serving.should_exit = True
        await task
    assert len(shop.calls) == USERS
    assert sorted(shop.told.values()) == sorted(f"Order {id_}." for id_ in shop.calls)


async def _until(shop: Shop, attempt: int) -> None:
    """Somebody's call is under way for so often."""
    async with asyncio.timeout(30):
        while max(shop.calls.values(), default=0) < attempt:
            await asyncio.sleep(0.02)


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
