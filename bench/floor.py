"""The floor: a bare relay with the same server and client libraries. It stores nothing.

It reads the hook, posts a signed webhook of the same size and headers, and answers when that is
acknowledged. What Relevo adds to this is what durability, order and flows cost.

With `--early` it answers before it posts, and what is not posted yet waits in its memory. That
looks faster than it is: it takes in more than it can post, and posts the rest when the load has
ended and left it the machine. It could not go on like that.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
import uvicorn
from pyreqwest.client import ClientBuilder

from relevo.domain import signing
from relevo.system.chance import SystemChance
from relevo.system.clock import SystemClock

EARLY_IN_FLIGHT = 64


class Sender(msgspec.Struct):
    id: str
    name: str = ""


class Hook(msgspec.Struct):
    content: str
    sender: Sender
    id: str


class Relay:
    """An ASGI app."""

    def __init__(self, target: str, secret: str) -> None:
        self._target, self._secret = target, secret
        self._client = ClientBuilder().build()
        self._decode = msgspec.json.Decoder(Hook).decode
        self._encode = msgspec.json.Encoder().encode
        self._chance = SystemChance(SystemClock())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        if scope["method"] == "POST":
            await self._relay(self._decode(body))
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": b'{"status":"ok"}'})

    async def _relay(self, hook: Hook) -> None:
        body = self._encode(_webhook(hook))
        signed = signing.headers([self._secret], self._chance.webhook_id(), datetime.now(UTC), body)
        headers = {"content-type": "application/json", "relevo-event": "message.received", **signed}
        await self._client.post(self._target).headers(headers).body_bytes(body).build().send()


class EarlyRelay(Relay):
    """Answers first."""

    def __init__(self, target: str, secret: str) -> None:
        super().__init__(target, secret)
        self._gate = asyncio.Semaphore(EARLY_IN_FLIGHT)
        self._tasks: set[asyncio.Task[None]] = set()

    async def _relay(self, hook: Hook) -> None:
        task = asyncio.create_task(self._relay_later(hook))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _relay_later(self, hook: Hook) -> None:
        async with self._gate:
            await super()._relay(hook)


def _webhook(hook: Hook) -> dict[str, Any]:
    now = datetime.now(UTC)
    user_ns = f"f1001u{hook.sender.id}"
    return {
        "meta": {"user_ns": user_ns, "agent_id": 0, "flow_ns": "f1001", "team_id": 1},
        "message": {
            "_id": "0" * 24,
            "id": 1,
            "mid": hook.id,
            "user_ns": user_ns,
            "type": "in",
            "msg_type": "text",
            "sender_id": user_ns,
            "agent_id": 0,
            "assigned_agent_id": 0,
            "payload": {"text": hook.content},
            "content": hook.content,
            "username": hook.sender.name,
            "date": now.strftime("%Y-%m-%d %H:%M:%S"),
            "timestamp": int(now.timestamp() * 1000),
            "ts": int(now.timestamp()),
            "is_delivered": 1,
            "seen": "",
            "paused_diff_seconds": -1,
        },
    }


_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"15")]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--early", action="store_true", help="answer before the webhook is posted")
    given = parser.parse_args()

    async def serve() -> None:
        app = (EarlyRelay if given.early else Relay)(given.target, given.secret)
        config = uvicorn.Config(app, port=given.port, log_level="error", access_log=False)
        await uvicorn.Server(config).serve()

    import uvloop

    uvloop.run(serve())


if __name__ == "__main__":
    main()
