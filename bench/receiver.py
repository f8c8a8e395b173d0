"""The platform's side: takes webhooks, checks them, and remembers when each came.

Signatures are checked on a share of the requests (every `CHECK_EVERY`th): checking all would
measure the receiver. Order, gaps and duplicates are looked at for every one.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from typing import Any

import msgspec
import uvicorn

from relevo.domain import signing
from relevo.domain.errors import RelevoError

CHECK_EVERY = 50


class Meta(msgspec.Struct):
    user_ns: str


class Message(msgspec.Struct):
    mid: str


class Body(msgspec.Struct):
    meta: Meta
    message: Message


class Report(msgspec.Struct):
    """What was received since the last reset. `arrivals`: mid → monotonic seconds."""

    received: int = 0
    duplicates: int = 0
    reordered: int = 0
    gaps: int = 0
    badly_signed: int = 0
    checked: int = 0
    arrivals: dict[str, float] = {}


class Receiver:
    """An ASGI app; `GET /report` answers with a `Report`, `POST /reset` starts anew."""

    def __init__(self, secret: str, *, delay: float = 0.0) -> None:
        self._secret = secret
        self._decode = msgspec.json.Decoder(Body).decode
        self._encode = msgspec.json.Encoder().encode
        self._seqs: defaultdict[str, int] = defaultdict(int)
        self._seen: set[bytes] = set()
        self._report = Report(arrivals={})

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
            self._take(scope["path"], dict(scope["headers"]), body)
            return b"{}"
        if scope["path"] == "/reset":
            self._report, self._seen = Report(arrivals={}), set()
            return b"{}"
        return self._encode(self._report)

    def _take(self, server: str, headers: dict[bytes, bytes], body: bytes) -> None:
        now, report = time.monotonic(), self._report
        parsed = self._decode(body)
        report.received += 1
        report.arrivals.setdefault(parsed.message.mid, now)
        webhook_id = headers[b"webhook-id"]
        if webhook_id in self._seen:
            report.duplicates += 1
            return
        self._seen.add(webhook_id)
        self._check_order(f"{server} {parsed.meta.user_ns}", int(headers.get(b"relevo-seq", b"0")))
        if report.received % CHECK_EVERY == 0:
            self._check_signature(headers, body)

    def _check_order(self, conversation: str, seq: int) -> None:
        last = self._seqs[conversation]
        if seq <= last:
            self._report.reordered += 1
        elif last and seq > last + 1:
            self._report.gaps += 1
        self._seqs[conversation] = max(seq, last)

    def _check_signature(self, headers: dict[bytes, bytes], body: bytes) -> None:
        from datetime import UTC, datetime

        self._report.checked += 1
        given = {name.decode(): value.decode() for name, value in headers.items()}
        try:
            signing.verify([self._secret], given, body, now=datetime.now(UTC))
        except (RelevoError, ValueError, signing.BadSignature):
            self._report.badly_signed += 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret", required=True)
    given = parser.parse_args()
    app = Receiver(given.secret)
    uvicorn.run(app, port=given.port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
