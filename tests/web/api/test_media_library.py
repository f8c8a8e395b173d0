"""The files of a workspace, over the API; and what becomes of uploads that nobody sends."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from relevo.domain.messages import Media
from relevo.domain.workspaces import Scope
from relevo.engine.housekeeping import UPLOADS_ARE_KEPT_FOR, Housekeeping
from relevo.store import media
from relevo.store.media import MediaFile
from relevo.system.media_files import MediaFiles
from relevo.testing.builders import World
from relevo.web.app import create_app
from relevo.web.services import Services
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api, Json, Told
from tests.web.exchanges import Client, client_of

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 50
LIST, UPLOAD, DELETE = "/media-library", "/media-library/upload", "/media-library/delete"


@pytest.fixture
async def whole(services: Services) -> AsyncIterator[Client]:
    """The whole application: links lead somewhere."""
    async with client_of(create_app(services)) as client:
        yield client


@pytest.fixture
async def library(whole: Client, told: Told, world: World) -> Api:
    return Api(whole, told, await world.add_token(scopes=[Scope.MANAGE_TEAM]))


async def upload(api: Api, name: str, content: bytes) -> Json:
    answer = await api.post(UPLOAD, {"name": name, "content": base64.b64encode(content).decode()})
    file: Json = answer.json()["data"]
    return file


async def names(api: Api, **query: object) -> list[str]:
    return [row["name"] for row in (await api.get(LIST, **query)).json()["data"]]


async def test_a_file_is_kept_listed_and_seen_until_it_is_deleted(
    library: Api, whole: Client, world: World
) -> None:
    file = await upload(library, "../mug.png", PNG)

    told = [file[name] for name in ("name", "type", "mime_type", "size")]
    assert told == ["mug.png", "image", "image/png", 58]
    assert file["user_id"] == world.company.owner.id
    link = file["url"].removeprefix("https://relevo.example.com")
    assert (await whole.get(link)).content == PNG
    assert (await library.get(LIST)).json()["data"] == [file]

    assert (await library.write("DELETE", DELETE, {"media_id": file["id"]})).json() == {"status": "ok"}
    assert await names(library) == []
    assert (await whole.get(link)).status_code == 404
    assert (await library.write("DELETE", DELETE, {"media_id": file["id"]})).status_code == 404


async def test_the_list_is_filtered_by_type_and_by_who_put_it_there(library: Api, world: World) -> None:
    await upload(library, "mug.png", PNG)
    world.clock.advance(timedelta(seconds=1))
    await upload(library, "mug.txt", b"A mug.")
    world.clock.advance(timedelta(seconds=1))
    await fetched(world, "photo")

    assert await names(library) == ["photo", "mug.txt", "mug.png"]
    assert await names(library, type="image") == ["photo", "mug.png"]
    assert await names(library, type="file") == ["mug.txt"]
    assert await names(library, type="video") == []
    assert await names(library, user_id=0) == ["photo"]
    assert await names(library, user_id=world.company.owner.id) == ["mug.txt", "mug.png"]
    assert await names(library, limit=1, page=2) == ["mug.txt"]


async def fetched(world: World, name: str, **more: object) -> MediaFile:
    file = MediaFile(
        id=f"id-of-{name}",
        workspace_id=world.company.workspace.id,
        conversation_id=None,
        source_url="",
        state="stored",
        name=name,
        mime_type="image/png",
        size=1,
        created_at=world.clock.now(),
    )
    file = msgspec.structs.replace(file, **more)
    async with world.database.write() as connection:
        await media.insert_new(connection, [file])
    return file


@pytest.mark.parametrize("content", ["", "A mug.", "QQ", "====="])
async def test_what_is_not_a_file_is_refused(library: Api, content: str) -> None:
    answer = await library.post(UPLOAD, {"name": "mug.png", "content": content})

    assert (answer.status_code, [*answer.json()["errors"]]) == (422, ["content"])


async def test_nobody_else_sees_or_deletes_it(library: Api, world: World) -> None:
    file = await upload(library, "mug.png", PNG)
    bolt = await world.add_company("Bolt")
    stranger = library.with_token(await world.add_token(bolt, scopes=[Scope.MANAGE_TEAM]))

    assert await names(stranger) == []
    refused = await stranger.write("DELETE", DELETE, {"media_id": file["id"]})
    nobody = await stranger.write("DELETE", DELETE, {"media_id": "nobody"})
    assert (refused.status_code, refused.json()) == (404, nobody.json())
    assert await names(library) == ["mug.png"]


async def test_what_a_customer_sent_is_not_deleted_by_the_api(library: Api, world: World) -> None:
    file = await fetched(world, "photo")

    assert (await library.write("DELETE", DELETE, {"media_id": file.id})).status_code == 404


# Uploads that nobody sends


async def test_an_upload_that_no_message_names_is_cleared_away_and_no_other(
    world: World, ana: Ana, tmp_path: Path
) -> None:
    files = MediaFiles(tmp_path / "uploads")
    source = f"upload:{world.company.web.id}/visitor-1"
    for name in ("sent", "unsent"):
        await fetched(world, name, source_url=source, origin="upload")
        await files.keep(f"id-of-{name}", PNG)
    await fetched(world, "fetched")
    await fetched(world, "library", origin="library")
    await world.says(Media("image", "https://x", media_id="id-of-sent"))
    keeping = Housekeeping(
        database=world.database, clock=world.clock, retention=timedelta(days=30), files=files
    )

    world.clock.advance(UPLOADS_ARE_KEPT_FOR)
    await keeping.tidy()
    assert await there(world) == {"sent", "unsent", "fetched", "library"}
    world.clock.advance(timedelta(minutes=1))
    await keeping.tidy()
    await keeping.tidy()

    assert await there(world) == {"sent", "fetched", "library"}
    assert await files.size("id-of-unsent") is None
    assert await files.size("id-of-sent") == len(PNG)


async def there(world: World) -> set[str]:
    async with world.database.read() as connection:
        wanted = ("sent", "unsent", "fetched", "library")
        return {name for name in wanted if await media.find(connection, f"id-of-{name}") is not None}
