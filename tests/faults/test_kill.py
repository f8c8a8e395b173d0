"""The processes of `relevo serve --workers`, killed."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from relevo.testing.ports import free_port
from tests.faults.installation import Installation, Platform, receiving
from tests.faults.processes import is_alive, shared_folder, two_children

USERS = 8
MESSAGES = 20

ON_POSTGRESQL = pytest.mark.parametrize(
    "database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)]
)


@ON_POSTGRESQL
async def test_one_of_two_workers_may_be_killed_and_is_started_again(
    database_url: str, tmp_path: Path
) -> None:
    """Whoever writes meanwhile notices nothing but connections that break."""
    platform = Platform()
    async with receiving(platform, free_port()) as url:
        here = Installation(tmp_path, database_url, url)
        vendor = here.set_up()
        parent = await here.start("--workers", "2")
        try:
            first = await two_children(parent.pid)
            await vendor.hand_over(USERS)
            customers = [asyncio.create_task(vendor.write(user, MESSAGES)) for user in range(USERS)]
            await asyncio.sleep(0.3)
            os.kill(first[0], signal.SIGKILL)
            await asyncio.gather(*customers)
            await platform.until_all(vendor.expected)
            second = await two_children(parent.pid)
            assert first[1] in second
            assert first[0] not in second
            parent.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(parent.wait, 10) == 0
        finally:
            parent.kill()
    platform.check_order()


@ON_POSTGRESQL
async def test_workers_end_when_their_parent_is_killed(database_url: str, tmp_path: Path) -> None:
    here = Installation(tmp_path, database_url, "http://127.0.0.1:9/hook")
    here.set_up()
    parent = await here.start("--workers", "2")
    children = await two_children(parent.pid)
    folder = shared_folder(children[0])
    parent.kill()
    parent.wait()
    async with asyncio.timeout(20):
        while any(is_alive(child) for child in children):
            await asyncio.sleep(0.1)
    assert not folder.exists()


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
