"""What belongs to a flow: its parts, its words, and what agents have ready."""

from __future__ import annotations

from typing import Any

import msgspec


class Subflow(msgspec.Struct, frozen=True, kw_only=True):
    sub_flow_ns: str
    name: str = ""


class BotField(msgspec.Struct, frozen=True, kw_only=True):
    """What the flow knows by itself, the same for every subscriber."""

    name: str
    var_ns: str = ""
    var_type: str = "text"
    description: str = ""
    value: Any = None
    is_template_field: bool = False


class InboundWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """An address that another system posts to."""

    name: str
    hook_uid: str = ""
    sub_flow_ns: str = ""
    status: str = ""
    url: str = ""


class ErrorLog(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the flow that was dropped, refused or went wrong."""

    id: int = 0
    flow_ns: str = ""
    user_ns: str = ""
    node_ns: str = ""
    code: str = ""
    description: str = ""
    created_at: str = ""


class Shortcut(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that agents have ready; `value` is the text."""

    id: int
    name: str = ""
    value: str = ""


class ClosingNote(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent may leave when a conversation is closed. A summary and an attachment are not
    asked for (0), may be left (1), or must be left (2)."""

    id: int
    note_ns: str = ""
    name: str = ""
    description: str = ""
    require_summary: int = 0
    require_attachment: int = 0


class WhatsAppTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """What a WhatsApp number may say at any time. `components` are as Meta has them."""

    name: str
    language: str = ""
    category: str = ""
    status: str = ""
    namespace: str = ""
    components: tuple[dict[str, Any], ...] = ()
    channel: str = ""


class MediaFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the library. Whoever has `url` can see it. `user_id` 0: no member put it there."""

    id: str
    user_id: int = 0
    type: str = ""
    name: str = ""
    mime_type: str = ""
    size: int = 0
    url: str = ""
    created_at: str = ""
