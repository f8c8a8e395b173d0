"""A Graph API on this machine, written after
https://developers.facebook.com/docs/messenger-platform/reference/send-api and
https://developers.facebook.com/docs/graph-api/reference/app/subscriptions.

Nobody has compared it with Meta itself, which no test can reach.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tests.channels.vendor_server import Asked, Said, VendorServer

APP, SECRET, TOKEN = "123456", "s" * 32, "t" * 32
PAGE, ACCOUNT = "102030405060708", "17841400000000001"
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 a mug"
PERMISSIONS = (
    "pages_messaging",
    "pages_manage_metadata",
    "instagram_basic",
    "instagram_manage_messages",
)


class MetaVendor(VendorServer):
    """An app, a page and the Instagram account of the page. Keeps what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions: dict[str, dict[str, str]] = {}
        """By kind of account: where to post, and the token to try it with."""
        self.page_fields = ""
        self.sent: list[dict[str, Any]] = []
        self.actions: asyncio.Queue[str] = asyncio.Queue()
        """What was shown to somebody: a thing that nobody waits for, so the test does."""
        self.errors: list[tuple[int, int, int]] = []
        """Status, code and subcode that the next messages are answered with."""

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/photo.jpg":
            return Said(PHOTO, content_type="image/jpeg")
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in (TOKEN, f"{APP}|{SECRET}"):
            return _failed(401, 190, 0, "Invalid OAuth access token.")
        match asked.path.removeprefix("/v25.0"):
            case "/me":
                account = {"id": ACCOUNT, "username": "acme"}
                return _ok({"id": PAGE, "name": "Acme", "instagram_business_account": account})
            case "/debug_token":
                return _ok({"data": {"app_id": APP, "is_valid": True, "scopes": PERMISSIONS}})
            case "/me/subscribed_apps":
                return self._subscribed(asked)
            case "/123456/subscriptions":
                return self._subscriptions(asked)
            case "/me/messages":
                return self._send(msgspec.json.decode(asked.body))
            case path:
                return _failed(400, 2500, 0, f"Unknown path components: {path}")

    def _subscribed(self, asked: Asked) -> Said:
        if asked.method == "GET":
            return _ok({"data": [{"id": APP}] if self.page_fields else []})
        self.page_fields = msgspec.json.decode(asked.body)["subscribed_fields"]
        return _ok({"success": True})

    def _subscriptions(self, asked: Asked) -> Said:
        if asked.method == "POST":
            wanted = dict(parse_qsl(asked.query))
            self.subscriptions[wanted["object"]] = wanted
            return _ok({"success": True})
        told = self.subscriptions.values()
        return _ok({"data": [{"object": one["object"], "callback_url": one["callback_url"]} for one in told]})

    def _send(self, body: dict[str, Any]) -> Said:
        if action := body.get("sender_action"):
            self.actions.put_nowait(action)
            return _ok({"recipient_id": body["recipient"]["id"]})
        if self.errors:
            return _failed(*self.errors.pop(0), "No")
        self.sent.append(body)
        return _ok({"recipient_id": body["recipient"]["id"], "message_id": f"m_out_{len(self.sent)}"})


def signed(body: bytes) -> dict[str, str]:
    """The headers with which Meta posts a body."""
    return {"x-hub-signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


def trying(subscription: dict[str, str]) -> str:
    """Where Meta asks whether a hook is meant, before it posts to it."""
    asked = f"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={subscription['verify_token']}"
    return f"{urlsplit(subscription['callback_url']).path}?{asked}"


def _ok(value: Any) -> Said:
    return Said(msgspec.json.encode(value))


def _failed(status: int, code: int, subcode: int, message: str) -> Said:
    error = {"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode}
    return Said(msgspec.json.encode({"error": error}), status=status)
