from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

import pytest

from relevo.system import companion as companions
from relevo.system.companion import companion

READS = "import sys; sys.stdin.read()"
STAYS = "import signal; signal.pause()"
STARTS_ONE = f"""
import asyncio, signal
from relevo.system.companion import companion
async def main():
    async with companion(["-c", {READS!r}], {{}}) as process:
        print(process.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_it_ends_with_us() -> None:
    async with companion(["-c", READS], {}) as process:
        assert process.returncode is None

    assert process.returncode == 0


async def test_one_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companions, "PATIENCE", companions.PATIENCE / 100)

    async with companion(["-c", STAYS], {}) as process:
        pass

    assert process.returncode == -signal.SIGKILL


async def test_it_knows_what_it_is_told() -> None:
    program = "import os, sys; sys.stdin.read(); sys.exit(int(os.environ['CODE']))"

    async with companion(["-c", program], {"CODE": "7"}) as process:
        pass

    assert process.returncode == 7


def test_it_ends_even_when_we_are_killed() -> None:
    ours = subprocess.Popen([sys.executable, "-c", STARTS_ONE], stdout=subprocess.PIPE, text=True)
    assert ours.stdout is not None
    watched = os.pidfd_open(int(ours.stdout.readline()))
    ours.kill()
    ours.communicate()

    try:
        ended, _, _ = select.select([watched], [], [], 10)
        assert ended == [watched]
    finally:
        os.close(watched)
