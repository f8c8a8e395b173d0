"""A Bot API on this machine, written after https://core.telegram.org/bots/api.

Nobody has compared it with Telegram itself, which no test can reach: it answers as the documentation
says, and the sentences of errors, which that leaves open, are those that people quote.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tests.channels.vendor_server import Asked, Said, VendorServer

TOKEN = "7204201543:AAE-a_token_that_nobody_has_ever-had"
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 a mug"


class TelegramVendor(VendorServer):
    """Keeps the webhook that was set, and every message that was sent to a chat."""

    def __init__(self) -> None:
        super().__init__()
        self.webhook: dict[str, Any] = {"url": ""}
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.blocked_by: set[str] = set()
        self.too_much_for: list[int] = []
        """Seconds of `retry_after` that the next messages are answered with."""

    def answer(self, asked: Asked) -> Said:
        if asked.path == f"/file/bot{TOKEN}/photos/file_1.jpg":
            return Said(PHOTO, content_type="image/jpeg")
        prefix = f"/bot{TOKEN}/"
        if not asked.path.startswith(prefix):
            return _failed(401, "Unauthorized")
        method = asked.path.removeprefix(prefix)
        parameters = msgspec.json.decode(asked.body) if asked.body else {}
        return self._methods().get(method, self._send)(method, parameters)

    def _methods(self) -> dict[str, Callable[[str, dict[str, Any]], Said]]:
        return {
            "getMe": lambda *_: _ok({"id": 110201543, "is_bot": True, "username": "acme_bot"}),
            "setWebhook": self._set_webhook,
            "getWebhookInfo": lambda *_: _ok({"url": self.webhook["url"], "pending_update_count": 0}),
            "getFile": lambda *_: _ok({"file_id": "AgAC", "file_path": "photos/file_1.jpg"}),
            "sendChatAction": lambda *_: _ok(True),
        }

    def _set_webhook(self, _method: str, parameters: dict[str, Any]) -> Said:
        self.webhook = parameters
        return _ok(True)

    def _send(self, method: str, parameters: dict[str, Any]) -> Said:
        if self.too_much_for:
            wait = self.too_much_for.pop(0)
            sentence = f"Too Many Requests: retry after {wait}"
            return _failed(429, sentence, parameters={"retry_after": wait})
        if parameters["chat_id"] in self.blocked_by:
            return _failed(403, "Forbidden: bot was blocked by the user")
        self.sent.append((method, parameters))
        message = {"message_id": 2000 + len(self.sent), "date": 1893499200}
        return _ok([message] if method == "sendMediaGroup" else message)


def _ok(result: Any) -> Said:
    return Said(msgspec.json.encode({"ok": True, "result": result}))


def _failed(code: int, description: str, **more: Any) -> Said:
    body = {"ok": False, "error_code": code, "description": description, **more}
    return Said(msgspec.json.encode(body), status=code)
