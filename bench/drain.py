"""How fast what has piled up in an outage is brought, in order, and how much memory that takes.

    python -m bench.drain --deliveries 1000000

The receiver refuses everything until it is opened. Then: seconds to the first delivery, deliveries a
second until the pile is gone, and the same server's steady rate (hook in, webhook out) before the outage.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
import uvloop

from bench.flatness import first_steps
from bench.load import Load
from bench.processes import Server, _running, _until_answers, free_port, get_json, relevo
from bench.stock import pile_up

STEADY_FOR = 10.0  # seconds of load
SHUT_FOR = 10.0
"""Seconds in which the server finds out that nobody takes anything."""
STUCK_AFTER = 120.0  # seconds without anything new


class Tally(msgspec.Struct):
    """What came while the gate was open. Monotonic seconds of this machine."""

    received: int = 0
    refused: int = 0
    reordered: int = 0
    gaps: int = 0
    first_at: float = 0.0
    last_at: float = 0.0


class Gate:
    """An ASGI app: takes webhooks when open, answers 503 when shut. `/open` and `/shut` start a new tally."""

    def __init__(self) -> None:
        self._is_open, self._tally = True, Tally()
        self._seqs: defaultdict[bytes, int] = defaultdict(int)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        status, answer = self._answer(scope, body)
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": status, "headers": [length]})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, scope: Any, body: bytes) -> tuple[int, bytes]:
        if scope["path"].startswith("/hook/"):
            return self._take(scope, body)
        if scope["path"] in ("/open", "/shut"):
            self._is_open, self._tally = scope["path"] == "/open", Tally()
        return 200, msgspec.json.encode(self._tally)

    def _take(self, scope: Any, body: bytes) -> tuple[int, bytes]:
        if not self._is_open:
            self._tally.refused += 1
            return 503, b""
        tally = self._tally
        tally.last_at = time.monotonic()
        tally.first_at = tally.first_at or tally.last_at
        tally.received += 1
        # The conversation is the beginning of every body: {"meta":{"user_ns":"f1001u7",…
        self._check_order(scope["path"].encode() + body[:40].split(b",")[0], dict(scope["headers"]))
        return 200, b""

    def _check_order(self, conversation: bytes, headers: dict[bytes, bytes]) -> None:
        seq, last = int(headers[b"relevo-seq"]), self._seqs[conversation]
        self._tally.reordered += seq <= last
        self._tally.gaps += bool(last) and seq > last + 1
        self._seqs[conversation] = max(seq, last)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.drain", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=1_000_000)
    parser.add_argument("--receive", type=int, metavar="PORT", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.receive:
        uvicorn.run(Gate(), port=given.receive, log_level="error", access_log=False)
        return
    with _gate() as url, tempfile.TemporaryDirectory() as folder:
        file = first_steps("drain", url, Path(folder))
        with relevo("drain", url, Path(folder)) as server:
            steady = uvloop.run(_steady(server, url))
        print(f"steady: {steady:.0f} hand-offs/s", flush=True)
        pile_up(file, given.deliveries)
        get_json(f"{url}/shut", "POST")
        with relevo("drain", url, Path(folder)) as server:
            time.sleep(SHUT_FOR)
            refused = _tally(url).refused
            opened = time.monotonic()
            get_json(f"{url}/open", "POST")
            tally = _until_drained(url, given.deliveries)
            _report(tally, opened, refused, steady, server)


@contextmanager
def _gate() -> Iterator[str]:
    port = free_port()
    with _running("-m", "bench.drain", "--receive", str(port)):
        url = f"http://127.0.0.1:{port}"
        _until_answers(f"{url}/tally")
        yield url


async def _steady(server: Server, url: str) -> float:
    """Hand-offs a second as fast as they are accepted."""
    load = Load(server.target, users=1000, connections=256, prefix="steady")
    await load.connect()
    await load.each_once()
    await asyncio.sleep(1)
    get_json(f"{url}/open", "POST")
    sent = await load.closed_loop(STEADY_FOR, in_flight=256)
    tally = _until_drained(url, len(sent.accepted))
    return tally.received / (tally.last_at - tally.first_at)


def _tally(url: str) -> Tally:
    return msgspec.json.decode(get_json(f"{url}/tally"), type=Tally)


def _until_drained(url: str, count: int) -> Tally:
    """Wait until so many have come, or nothing comes any more."""
    tally, changed = _tally(url), time.monotonic()
    while tally.received < count and time.monotonic() - changed < STUCK_AFTER:
        time.sleep(0.5)
        before, tally = tally, _tally(url)
        if tally.received != before.received:
            changed = time.monotonic()
        if sys.stderr.isatty():
            print(f"\r{tally.received} of {count}", end="", file=sys.stderr)
    return tally


def _report(tally: Tally, opened: float, refused: int, steady: float, server: Server) -> None:
    rate = tally.received / (tally.last_at - tally.first_at)
    print(
        f"drained: {tally.received} at {rate:.0f}/s, {rate / steady:.2f} of steady; "
        f"first after {tally.first_at - opened:.2f} s; {refused} attempts while shut; "
        f"reordered {tally.reordered}, gaps {tally.gaps}; at most {server.memory_mb():.0f} MB"
    )


if __name__ == "__main__":
    main()
