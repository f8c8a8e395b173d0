"""What several processes on one machine know of callers, they know together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import msgspec
import pytest

from relevo.system.notes import SharedNotes
from relevo.testing.builders import PUBLIC_URL, World
from relevo.web.app import create_app
from relevo.web.services import Edge
from tests.web.exchanges import Client, client_of


@pytest.fixture
def database_kind() -> str:
    """Nothing of this is stored in a database."""
    return "sqlite"


@pytest.fixture
async def both(world: World, tmp_path: Path) -> AsyncIterator[list[Client]]:
    """A client of each of two workers."""
    SharedNotes.make(tmp_path / "notes")
    given = world.services(edge=Edge(public_url=PUBLIC_URL, rate_limit=5))
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(2):
            notes = stack.enter_context(closing(SharedNotes(tmp_path / "notes", b"key")))
            app = create_app(msgspec.structs.replace(given, notes=notes))
            clients.append(await stack.enter_async_context(client_of(app)))
        yield clients


async def test_a_token_has_one_allowance(world: World, both: list[Client]) -> None:
    headers = {"authorization": f"Bearer {await world.add_token()}"}
    answers = [await both[number % 2].get("/api/me", headers=headers) for number in range(7)]

    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    assert [one.headers["x-ratelimit-remaining"] for one in answers] == ["4", "3", "2", "1", "0", "0", "0"]
    assert {one.headers["retry-after"] for one in answers[5:]} == {"720"}

    other = {"authorization": f"Bearer {await world.add_token()}"}
    assert (await both[0].get("/api/me", headers=other)).headers["x-ratelimit-remaining"] == "4"
