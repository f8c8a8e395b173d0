"""A message, as the webhook and `chat-messages` tell it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One thing said in a conversation.

    `type` tells who said it: `in` the customer, `out` the bot, `agent` a human, `note` a human
    for colleagues only, `system` Relevo. `id` is unique, `mid` is the channel's own id and may
    be empty. `ts` counts seconds and `timestamp` milliseconds since 1970 UTC.
    `paused_diff_seconds` is the rest of the pause, -1 for one without end.
    """

    type: str
    id: int = 0
    object_id: str = msgspec.field(default="", name="_id")
    mid: str = ""
    user_ns: str = ""
    msg_type: str = "text"
    sender_id: str = ""
    agent_id: int = 0
    assigned_agent_id: int = 0
    payload: dict[str, Any] = {}
    content: str = ""
    username: str = ""
    date: str = ""
    timestamp: int = 0
    ts: int = 0
    is_delivered: int = 0
    seen: str = ""
    paused_diff_seconds: int = 0

    @property
    def said_at(self) -> datetime:
        """The instant, as exact as the server told it."""
        return datetime.fromtimestamp(self.timestamp / 1000 if self.timestamp else self.ts, UTC)

    @property
    def text(self) -> str:
        """What a person would read: the words, else the transcript, the title or the caption.

        A template's `content` is its name; its words are in `payload.body`.
        """
        said = self.payload
        names = (said.get("transcribed_text"), said.get("title"), said.get("caption"))
        candidates = (said.get("text"), said.get("body"), self.content, *names)
        return next((words for words in candidates if isinstance(words, str) and words), "")

    @property
    def media_url(self) -> str:
        """Where the picture, film, sound or file is; empty for other messages."""
        url = self.payload.get("url", "")
        return url if isinstance(url, str) else ""
