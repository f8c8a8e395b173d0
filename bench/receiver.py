"""The platform's side: takes webhooks and keeps a ledger of them.

Signatures are checked on a share of the requests: checking all would measure the receiver.
"""

from __future__ import annotations

import argparse
from typing import Any

import msgspec
import uvicorn

from bench.ledger import Ledger

CHECK_EVERY = 50


class Receiver:
    """An ASGI app; `GET /report` answers with a `Report`, `POST /reset` starts anew."""

    def __init__(self, secret: str) -> None:
        self._ledger = Ledger(secret, check_every=CHECK_EVERY)
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        answer = self._answer(scope, body)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, scope: Any, body: bytes) -> bytes:
        if scope["method"] == "POST" and scope["path"].startswith("/hook/"):
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self._ledger.take(scope["path"], headers, body)
            return b"{}"
        if scope["path"] == "/reset":
            self._ledger.reset()
            return b"{}"
        return self._encode(self._ledger.report)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret", required=True)
    given = parser.parse_args()
    app = Receiver(given.secret)
    uvicorn.run(app, port=given.port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
