"""While the database is gone nothing is acknowledged and everybody is told to come back; when it is there
again, everything goes on without a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from relevo.domain.errors import Unavailable
from relevo.domain.media_links import signature
from relevo.store import media
from relevo.store.media import MediaFile
from relevo.system.media_files import MediaFiles
from relevo.testing.builders import World
from relevo.web.services import Services
from tests.web.exchanges import Client

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)

Request = Callable[[], Awaitable[httpx.Response]]


@asynccontextmanager
async def gone() -> AsyncIterator[Any]:
    raise Unavailable(cause="connection refused to 10.0.0.5")
    yield


@pytest.fixture
async def requests(world: World, services: Services, client: Client) -> dict[str, Request]:
    """One good request for each thing that needs the database."""
    token = await world.add_token()
    web = f"/web/{world.company.web.key}"
    visitor = (await client.post(f"{web}/session", json={})).json()["token"]
    bearer = {"authorization": f"Bearer {visitor}"}
    await client.post(f"{web}/open", json={}, headers=bearer)
    hook = f"/hooks/apichat/{world.company.apichat.key}"
    vendor = {"authorization": f"Bearer {token}"}
    link = await stored(world, services)
    return {
        "hook": lambda: client.post(
            hook, json={"content": "hi", "id": "m-1", "sender": {"id": "u-1"}}, headers=vendor
        ),
        "hook of somebody typing": lambda: client.post(
            hook, json={"event": "typing_on", "sender": {"id": "u-1"}}, headers=vendor
        ),
        "session": lambda: client.post(f"{web}/session", json={"token": visitor}),
        "message": lambda: client.post(
            f"{web}/messages", json={"id": "w_0000001", "text": "hi"}, headers=bearer
        ),
        "upload": lambda: client.post(f"{web}/uploads", content=PNG, headers=bearer),
        "messages": lambda: client.get(f"{web}/messages", headers=bearer),
        "receipts": lambda: client.post(
            f"{web}/receipts", json={"status": "read", "up_to_seq": 1}, headers=bearer
        ),
        "file": lambda: client.get(link),
        "chat page": lambda: client.get(f"/chat/{world.company.web.key}"),
        "readiness": lambda: client.get("/readyz"),
    }


async def stored(world: World, services: Services) -> str:
    row = MediaFile(
        id="abcdefgh",
        workspace_id=world.company.workspace.id,
        conversation_id=None,
        source_url="",
        state="stored",
        name="cat.png",
        mime_type="image/png",
        size=len(PNG),
        created_at=world.clock.now(),
    )
    await MediaFiles(services.media_folder).keep(row.id, PNG)
    async with world.database.write() as connection:
        await media.insert_new(connection, [row])
    return f"/media/{row.id}?s={signature(row.id, services.media_key)}"


async def test_everything_waits_for_the_database_and_then_goes_on(
    world: World, requests: dict[str, Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(world.database, "read", gone)
        patch.setattr(world.database, "write", gone)
        world.clock.advance(timedelta(seconds=1))  # what is believed for a moment is asked for again
        refused = {name: await request() for name, request in requests.items()}

    assert {name: answer.status_code for name, answer in refused.items()} == dict.fromkeys(requests, 503)
    for name, answer in refused.items():
        assert "10.0.0.5" not in answer.text, name
        assert name == "readiness" or answer.headers["retry-after"] == "2", name

    world.clock.advance(timedelta(seconds=1))
    assert {name: (await request()).status_code for name, request in requests.items()} == dict.fromkeys(
        requests, 200
    )


async def test_a_process_without_its_database_is_alive_and_counts(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.database, "read", gone)

    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/metrics")).status_code == 200
    assert (await client.get("/readyz")).json()["checks"] == {"database": "unreachable", "engine": "ok"}
