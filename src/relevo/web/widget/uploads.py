"""Files that visitors send: first they are uploaded, then a message names them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from typing import Literal, cast

import msgspec

from relevo.channels.adapter import InboundMessage
from relevo.channels.web.wire import UploadAnswer, with_upload
from relevo.domain.errors import ForeignPayload
from relevo.domain.media_links import media_url
from relevo.domain.media_storage import MediaStorage
from relevo.domain.messages import Media
from relevo.engine.housekeeping import UPLOADS_MAY_BE_SENT_FOR
from relevo.store import media
from relevo.store.media import MediaFile
from relevo.web.widget.visits import Visit

MEDIA_ID_BYTES = 16
LONGEST_NAME = 200
UNKNOWN_TYPE = "application/octet-stream"


async def keep(
    visit: Visit, files: MediaStorage, chunks: AsyncIterable[bytes], *, name: str, told: str
) -> UploadAnswer:
    """Keep a file of a visitor's: on disk first, then in the register, so that no row is without a file."""
    services = visit.services
    media_id = services.chance.token(MEDIA_ID_BYTES)
    limit = services.edge.max_upload
    kept = await files.keep_stream(media_id, chunks, limit=limit, name=safe_name(name), told=told)
    conversation = await visit.conversation()
    file = MediaFile(
        id=media_id,
        workspace_id=visit.channel.workspace_id,
        conversation_id=conversation.id if conversation else None,
        source_url=_source(visit),
        state="stored",
        name=safe_name(name),
        mime_type=kept.mime_type or UNKNOWN_TYPE,
        size=kept.size,
        origin="upload",
        created_at=services.clock.now(),
    )
    async with services.database.write() as connection:
        await media.insert_new(connection, [file])
    return _answer(visit, file)


async def completed(visit: Visit, message: InboundMessage) -> InboundMessage:
    """The message with what is known of the file that it names. Raises `ForeignPayload` when that is not
    one that this visitor has uploaded."""
    content = message.content
    if not isinstance(content, Media) or not content.media_id:
        return message
    async with visit.services.database.read() as connection:
        file = await media.find(connection, content.media_id)
    if file is None or file.source_url != _source(visit) or _is_stale(visit, file):
        raise ForeignPayload("upload.media_id: not a file that you have uploaded")
    message = with_upload(message, _answer(visit, file))
    return msgspec.structs.replace(message, content=msgspec.structs.replace(message.content, title=file.name))


def _is_stale(visit: Visit, file: MediaFile) -> bool:
    """It may be cleared away any moment, as nobody has sent it."""
    is_unused = file.origin == "upload" and file.used_at is None
    return is_unused and file.created_at < visit.services.clock.now() - UPLOADS_MAY_BE_SENT_FOR


def _source(visit: Visit) -> str:
    """Where the file came from: nobody else may send it as theirs."""
    return f"upload:{visit.channel.id}/{visit.visitor_id}"


def _answer(visit: Visit, file: MediaFile) -> UploadAnswer:
    services = visit.services
    return UploadAnswer(
        media_id=file.id,
        url=media_url(services.edge.public_url, file.id, services.media_key),
        type=_kind(file.mime_type),
        mime_type=file.mime_type,
        size=file.size,
    )


def _kind(mime_type: str) -> Literal["image", "video", "audio", "file"]:
    """How it is shown. A drawing in SVG is a program, so it is a file."""
    kind = mime_type.partition("/")[0]
    is_shown = kind in ("image", "video", "audio") and mime_type != "image/svg+xml"
    return cast(Literal["image", "video", "audio"], kind) if is_shown else "file"


def safe_name(name: str) -> str:
    """The last part of a path, without what could disturb anybody who writes it down."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", last).strip()[:LONGEST_NAME]
