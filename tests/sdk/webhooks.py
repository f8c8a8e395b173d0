"""Webhooks as Relevo posts them, signed by the reference implementation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANA = "f1001u34"
META = {"user_ns": ANA, "agent_id": 0, "flow_ns": "f1001", "team_id": 1}


def message_body(**changes: Any) -> bytes:
    """The body of design section 6, with some fields changed."""
    message = {
        "_id": "6921a1b2c3d4e5f601020304",
        "id": 900001,
        "mid": "wamid.AAA1",
        "user_ns": ANA,
        "type": "in",
        "msg_type": "text",
        "sender_id": ANA,
        "agent_id": 0,
        "assigned_agent_id": 0,
        "payload": {"text": "Is it in stock?"},
        "content": "Is it in stock?",
        "username": "Ana Diaz",
        "date": "2026-11-22 12:00:00",
        "timestamp": 1795348800123,
        "ts": 1795348800,
        "is_delivered": 1,
        "seen": "",
        "paused_diff_seconds": 1800,
    }
    return msgspec.json.encode({"meta": META, "message": message | changes})


def event_body(type_: str, **data: Any) -> bytes:
    return msgspec.json.encode({"meta": META, "event": {"type": type_, **data}})


def headers(
    body: bytes, *, id_: str = "msg_1", seq: int = 1, at: datetime = NOON, secret: str = SECRET
) -> dict[str, str]:
    return {
        "Webhook-Id": id_,
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign(id_, at, body.decode()),
        "Relevo-Seq": str(seq),
        "Relevo-Epoch": "3",
    }
