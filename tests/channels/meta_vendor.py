"""A Graph API on this machine, written after
https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages and the pages
beside it.

Nobody has compared it with Meta itself, which no test can reach.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tests.channels.vendor_server import Asked, Said, VendorServer

NUMBER, ACCOUNT = "106540352242922", "102290129340398"
TOKEN, SECRET = "EAAJB" + "x" * 40, "0123456789abcdef" * 2
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 a mug"
LONGEST = 4096


class MetaVendor(VendorServer):
    """An account with one number. Keeps what was sent, and refuses as the documentation says."""

    def __init__(self) -> None:
        super().__init__()
        self.hook: dict[str, str] = {}
        self.sent: list[dict[str, Any]] = []
        self.shown: list[dict[str, Any]] = []
        self.busy = 0
        """How many of the next messages are answered with the error of too many."""

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return _failed(401, 190, "Error validating access token")
        match asked.method, asked.path.removeprefix("/v25.0/"):
            case "GET", "/attachment":
                return Said(PHOTO, content_type="image/jpeg")
            case "GET", "file-1":
                return _ok({"url": f"{self.url}/attachment", "mime_type": "image/jpeg", "id": "file-1"})
            case "GET", "me/permissions":
                names = ("whatsapp_business_messaging", "whatsapp_business_management")
                return _ok({"data": [{"permission": name, "status": "granted"} for name in names]})
            case "GET", path if path == f"{ACCOUNT}/subscribed_apps":
                return _ok({"data": [{"whatsapp_business_api_data": {"id": "7"}}]})
            case "GET", path if path == NUMBER:
                url = self.hook.get("override_callback_uri")
                return _ok({"verified_name": "Acme", "webhook_configuration": {"phone_number": url}})
            case "POST", path:
                return self._told(path, msgspec.json.decode(asked.body))
            case _, path:
                return _failed(404, 100, f"Unsupported get request. Object with ID '{path}' does not exist")

    def _told(self, path: str, body: dict[str, Any]) -> Said:
        if path == f"{NUMBER}/messages":
            return self._message(body)
        self.hook |= body.get("webhook_configuration", {})
        return _ok({"success": True})

    def _message(self, body: dict[str, Any]) -> Said:
        if body.get("status") == "read":
            self.shown.append(body)
            return _ok({"success": True})
        if self.busy:
            self.busy -= 1
            return _failed(400, 131056, "(Business Account, Consumer Account) pair rate limit hit")
        if len(body.get("text", {}).get("body", "")) > LONGEST:
            return _failed(400, 100, "Param text['body'] must be at most 4096 characters long.")
        self.sent.append(body)
        return _ok({"messaging_product": "whatsapp", "messages": [{"id": f"wamid.{len(self.sent)}"}]})


def _ok(value: Any, status: int = 200) -> Said:
    return Said(msgspec.json.encode(value), status=status)


def _failed(status: int, code: int, message: str) -> Said:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Az8or2yhqkZfEZ"}
    return _ok({"error": error}, status)
