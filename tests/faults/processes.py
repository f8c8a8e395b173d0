"""The processes below one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.processes import children


async def two_children(pid: int, without: int = 0) -> list[int]:
    """Both of them, once there are two, and none is that one."""
    async with asyncio.timeout(20):
        while len(found := children(pid)) != 2 or without in found:
            await asyncio.sleep(0.1)
    return found


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def shared_folder(pid: int) -> Path:
    """What the workers share, as one of them was told."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return Path(words[words.index("--shared") + 1])
