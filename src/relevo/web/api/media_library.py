"""The files of a workspace: what customers sent, and what was put there to be sent."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.domain import complaints
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import MemberId
from relevo.domain.live_chat import local_time
from relevo.domain.media_links import media_url
from relevo.domain.workspaces import Scope
from relevo.store import media
from relevo.store.database import Connection
from relevo.store.media import Kind, MediaFile
from relevo.web.api.answers import Ok, Page, PageQuery, page_example
from relevo.web.api.calls import Call
from relevo.web.api.operations import About, reads, writes
from relevo.web.widget.uploads import MEDIA_ID_BYTES, UNKNOWN_TYPE, safe_name

TAG = "Media library"

MEDIA_ID = "cGljdHVyZS1vZi1hLW11Zw"
FILE = About("The workspace's library has no such file.", "There is no file in the library with this id.")


class MediaInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A file. Whoever has `url` can see it."""

    id: Annotated[str, Meta(examples=[MEDIA_ID])]
    user_id: Annotated[int, Meta(description="The member who put it there; 0: nobody.", examples=[55])]
    type: Kind
    name: str
    mime_type: Annotated[str, Meta(examples=["image/png"])]
    size: Annotated[int, Meta(description="Bytes.", examples=[4096])]
    url: str
    created_at: str


class MediaPage(Page[MediaInfo], frozen=True):
    """A page of files."""


class MediaQuery(PageQuery, frozen=True, kw_only=True):
    user_id: Annotated[
        int | None, Meta(description="Of this member; 0: those of customers and of the bot.", examples=[0])
    ] = None
    type: Annotated[Kind | None, Meta(description="Only of this type.")] = None


class FileToKeep(msgspec.Struct, frozen=True, kw_only=True):
    """A file for the library."""

    name: Annotated[str, Meta(max_length=200, description="Its name.", examples=["mug.png"])]
    content: Annotated[str, Meta(description="The file in base64. The whole request has a limit.")]


class FileToDelete(msgspec.Struct, frozen=True):
    """Which file goes."""

    media_id: Annotated[str, Meta(max_length=40, description="`id` in the list.", examples=[MEDIA_ID])]


class MediaAnswer(msgspec.Struct, frozen=True):
    """A file that is kept."""

    data: MediaInfo
    status: Literal["ok"] = "ok"


_MUG: dict[str, Any] = {
    "id": MEDIA_ID,
    "user_id": 55,
    "type": "image",
    "name": "mug.png",
    "mime_type": "image/png",
    "size": 4096,
    "url": f"https://relevo.example.com/media/{MEDIA_ID}?s=0f343b0931126a20f133d67c2b018a3b",
    "created_at": "2026-11-21 14:13:20",
}


@reads(
    "/media-library",
    tag=TAG,
    title="List files",
    name="listMedia",
    asks=MediaQuery,
    scope=Scope.MANAGE_TEAM,
    example=page_example("/media-library", _MUG),
)
async def list_media(call: NamedDependency[Call], asked: NamedDependency[MediaQuery]) -> MediaPage:
    """The files of the workspace, newest first: what customers sent, and what was put into the library."""
    paging = call.paging(asked)
    async with call.services.database.read() as connection:
        shelf = await media.library(
            connection,
            call.key.workspace_id,
            member_id=MemberId(asked.user_id) if asked.user_id is not None else None,
            kind=asked.type,
            limit=asked.limit,
            offset=paging.offset,
        )
    return paging.answer(MediaPage, [_info(call, one) for one in shelf.files], shelf.total)


@writes(
    "/media-library/upload",
    tag=TAG,
    title="Keep a file",
    name="uploadMedia",
    scope=Scope.MANAGE_TEAM,
    example={"name": "mug.txt", "content": "QSBtdWcu"},
    answer={"data": _MUG, "status": "ok"},
    about=None,
)
async def upload_media(call: NamedDependency[Call], data: JSONBody[FileToKeep]) -> MediaAnswer:
    """Put a file into the library, and have a link to it that can be sent: as the `url` of a picture, say. It
    stays until it is deleted."""
    content = _content(data.content)

    async def work(connection: Connection) -> MediaAnswer:
        services = call.services
        media_id = services.chance.token(MEDIA_ID_BYTES)
        sniffed = await services.files.keep(media_id, content)
        file = MediaFile(
            id=media_id,
            workspace_id=call.key.workspace_id,
            conversation_id=None,
            source_url="",
            state="stored",
            name=safe_name(data.name),
            mime_type=sniffed or UNKNOWN_TYPE,
            size=len(content),
            origin="library",
            member_id=call.key.member_id,
            created_at=services.clock.now(),
        )
        await media.insert_new(connection, [file])
        return MediaAnswer(_info(call, file))

    return await call.once(work, MediaAnswer)


def _content(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput({"content": [complaints.bad_format("content")]}) from None
    if not content:
        raise InvalidInput({"content": [complaints.required("content")]})
    return content


@writes(
    "/media-library/delete",
    method="DELETE",
    tag=TAG,
    title="Delete a file",
    name="deleteMedia",
    scope=Scope.MANAGE_TEAM,
    example={"media_id": MEDIA_ID},
    about=FILE,
)
async def delete_media(call: NamedDependency[Call], data: JSONBody[FileToDelete]) -> Ok:
    """Take a file out of the library, for good: links to it lead nowhere then. What customers sent stays."""

    async def work(connection: Connection) -> Ok:
        if not await media.take_out(connection, call.key.workspace_id, data.media_id):
            raise NotFound(FILE.message)
        return Ok()

    done = await call.once(work, Ok)
    await call.services.files.delete(data.media_id)
    return done


def _info(call: Call, file: MediaFile) -> MediaInfo:
    services = call.services
    kind = file.mime_type.partition("/")[0]
    return MediaInfo(
        id=file.id,
        user_id=file.member_id or 0,
        type=kind if kind in ("image", "audio", "video") else "file",  # type: ignore[arg-type]
        name=file.name,
        mime_type=file.mime_type,
        size=file.size,
        url=media_url(services.edge.public_url, file.id, services.media_key),
        created_at=local_time(file.created_at, call.workspace.timezone),
    )
