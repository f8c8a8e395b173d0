"""The files of the workspace."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Literal

from relevo.sdk.calling import Calls, Key, one
from relevo.sdk.objects import MediaFile


class MediaLibrary(Calls):
    """The files of the workspace: what customers sent, and what was put there to be sent."""

    def media_library(
        self,
        *,
        user_id: int | None = None,
        type: Literal["image", "video", "audio", "file"] | None = None,
        limit: int = 100,
    ) -> AsyncIterator[MediaFile]:
        """All of them, or those of a member, newest first. `user_id` 0: those that no member put there."""
        return self._pages("/media-library", {"user_id": user_id, "type": type}, MediaFile, limit)

    async def upload_media(self, name: str, content: bytes, *, idempotency_key: Key = None) -> MediaFile:
        """Put a file there; its `url` can be sent."""
        body = {"name": name, "content": b64encode(content).decode()}
        return one(await self._post("/media-library/upload", body, idempotency_key), MediaFile)

    async def delete_media(self, media_id: str, *, idempotency_key: Key = None) -> None:
        """Take a file out for good: links to it lead nowhere then."""
        await self._delete("/media-library/delete", {"media_id": media_id}, idempotency_key)
