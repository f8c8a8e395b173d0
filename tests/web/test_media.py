"""Customers' files: only for whoever has the link, in parts, and never run."""

from __future__ import annotations

from typing import Any

import pytest

from relevo.domain.media_links import signature
from relevo.store import media
from relevo.store.media import MediaFile
from relevo.system.media_files import MediaFiles
from relevo.testing.builders import World
from relevo.web.media import Part, disposition, part_of
from relevo.web.services import Services
from tests.web.exchanges import Client


@pytest.fixture
def database_kind() -> str:
    """All of this is the same on any database."""
    return "sqlite"


BODY = b"0123456789"


@pytest.fixture
async def stored(world: World, services: Services) -> str:
    """The link to a stored picture of ten bytes."""
    return await keep(world, services, mime_type="image/png", name="cat.png")


async def keep(world: World, services: Services, **about: Any) -> str:
    row = MediaFile(
        **{
            "id": "abcdefgh",
            "workspace_id": world.company.workspace.id,
            "conversation_id": None,
            "source_url": "https://files.example.com/1",
            "state": "stored",
            "name": "",
            "mime_type": "application/pdf",
            "size": len(BODY),
            "created_at": world.clock.now(),
            **about,
        }
    )
    if row.state == "stored":
        await MediaFiles(services.media_folder).keep(row.id, BODY)
    async with world.database.write() as connection:
        await media.insert_new(connection, [row])
    return f"/media/{row.id}?s={signature(row.id, services.media_key)}"


async def test_a_file_is_given_to_whoever_has_its_link(client: Client, stored: str) -> None:
    answer = await client.get(stored)

    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == "10"
    assert answer.headers["content-disposition"].startswith('inline; filename="cat.png"')
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"


async def test_nothing_in_a_file_can_run_or_be_taken_for_something_else(client: Client, stored: str) -> None:
    headers = (await client.get(stored)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize("given", ["", "?s=", "?s=0123456789abcdef0123456789abcdef", "?s=ü"])
async def test_without_the_signature_there_is_no_file(client: Client, stored: str, given: str) -> None:
    answer = await client.get(stored.partition("?")[0] + given)

    assert answer.status_code == 404
    assert BODY not in answer.content


async def test_the_signature_of_one_file_opens_no_other(
    world: World, services: Services, client: Client, stored: str
) -> None:
    other = await keep(world, services, id="ijklmnop")

    answer = await client.get(other.partition("?")[0] + "?" + stored.partition("?")[2])
    assert answer.status_code == 404


async def test_a_part_of_a_file_is_served(client: Client, stored: str) -> None:
    answer = await client.get(stored, headers={"range": "bytes=2-4"})

    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-range"] == "bytes 2-4/10"
    assert answer.headers["content-length"] == "3"


async def test_a_part_that_is_not_in_the_file_is_refused(client: Client, stored: str) -> None:
    answer = await client.get(stored, headers={"range": "bytes=10-"})

    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10")


async def test_only_the_head_is_given_when_only_that_is_asked(client: Client, stored: str) -> None:
    answer = await client.head(stored)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "10"


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("", Part(0, 10)),
        ("bytes=0-", Part(0, 10, is_whole=False)),
        ("bytes=9-", Part(9, 1, is_whole=False)),
        ("bytes=2-100", Part(2, 8, is_whole=False)),
        ("bytes=-3", Part(7, 3, is_whole=False)),
        ("bytes=-30", Part(0, 10, is_whole=False)),
        ("bytes=-0", None),
        ("bytes=10-", None),
        ("bytes=4-2", None),
        ("bytes=-", Part(0, 10)),
        ("bytes=0-1,3-4", Part(0, 10)),
        ("lines=0-1", Part(0, 10)),
    ],
)
def test_what_part_is_meant(asked: str, part: Part | None) -> None:
    assert part_of(asked, 10) == part


async def test_a_file_that_is_being_fetched_is_to_be_asked_for_again(
    world: World, services: Services, client: Client
) -> None:
    answer = await client.get(await keep(world, services, state="pending"))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_file_that_could_not_be_fetched_says_why(
    world: World, services: Services, client: Client
) -> None:
    answer = await client.get(await keep(world, services, state="failed", reason="the vendor said 404"))

    assert answer.status_code == 404
    assert "the vendor said 404" in answer.text


async def test_a_file_that_is_gone_from_the_disk_is_not_found(
    services: Services, client: Client, stored: str
) -> None:
    MediaFiles(services.media_folder).path("abcdefgh").unlink()

    answer = await client.get(stored)
    assert answer.status_code == 404
    assert "no longer there" in answer.text


@pytest.mark.parametrize(
    ("mime_type", "kind"),
    [
        ("image/png", "inline"),
        ("audio/ogg", "inline"),
        ("video/mp4", "inline"),
        ("image/svg+xml", "attachment"),
        ("text/html", "attachment"),
        ("application/pdf", "attachment"),
        ("image/png; x", "attachment"),
    ],
)
async def test_only_pictures_sound_and_films_are_shown_in_place(
    world: World, services: Services, client: Client, mime_type: str, kind: str
) -> None:
    answer = await client.get(await keep(world, services, mime_type=mime_type))

    assert answer.headers["content-disposition"].startswith(f"{kind};")


def test_a_name_cannot_break_out_of_its_header(world: World) -> None:
    file = MediaFile(
        id="abcdefgh",
        workspace_id=world.company.workspace.id,
        conversation_id=None,
        source_url="",
        state="stored",
        name='a"b\r\nset-cookie: c\\ñ.png',
        mime_type="image/png",
        size=1,
        created_at=world.clock.now(),
    )

    assert disposition(file) == (
        'inline; filename="a_b__set-cookie: c__.png"; '
        "filename*=UTF-8''a%22b%0D%0Aset-cookie%3A%20c%5C%C3%B1.png"
    )
