"""Loopback ports for tests that need real sockets."""

from __future__ import annotations

import asyncio
import socket


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


async def until_open(port: int, seconds: float = 30) -> None:
    """Wait until somebody listens. TimeoutError when nobody does."""
    async with asyncio.timeout(seconds):
        while not await _is_open(port):  # noqa: ASYNC110 – nobody tells when a port opens
            await asyncio.sleep(0.02)  # noqa: TID251 – another process is starting


async def _is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
