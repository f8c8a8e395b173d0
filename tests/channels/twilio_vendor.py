"""A Twilio on this machine, written after https://www.twilio.com/docs/messaging/api/message-resource and
https://www.twilio.com/docs/messaging/guides/webhook-request.

Nobody has compared it with Twilio itself, which no test can reach.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tests.channels.vendor_server import Asked, Said, VendorServer

ACCOUNT = "AC" + "a" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
NUMBER = "+61400000000"
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 a mug"
LONGEST = 1600


class TwilioVendor(VendorServer):
    """An account with one number. Keeps what was sent, and refuses as the documentation says."""

    def __init__(self) -> None:
        super().__init__()
        self.sms_url = "https://demo.twilio.com/welcome/sms/reply"
        self.sent: list[dict[str, str]] = []
        self.opted_out: set[str] = set()
        self.busy = 0
        """How many of the next messages are answered with 429."""

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/cdn/f1":
            assert "authorization" not in asked.headers, "the credentials are not for the store of files"
            return Said(PHOTO, content_type="image/jpeg")
        pair = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {pair}":
            return _failed(401, 20003, "Authenticate")
        form = dict(parse_qsl(asked.body.decode(), keep_blank_values=True))
        match asked.path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}"):
            case ".json":
                return _ok({"friendly_name": "Acme", "status": "active"})
            case "/IncomingPhoneNumbers.json":
                return _ok({"incoming_phone_numbers": [{"sid": "PN1", "sms_url": self.sms_url}]})
            case "/IncomingPhoneNumbers/PN1.json":
                self.sms_url = form["SmsUrl"]
                return _ok({"sid": "PN1", "sms_url": self.sms_url})
            case "/Messages/MM1/Media/ME1":
                return Said(status=307, headers={"location": "/cdn/f1"})
            case "/Messages.json":
                return self._create(form)
            case path:
                return _failed(404, 20404, f"The requested resource {path} was not found")

    def _create(self, form: dict[str, str]) -> Said:
        if self.busy:
            self.busy -= 1
            return _failed(429, 20429, "Too Many Requests")
        if form["To"] in self.opted_out:
            return _failed(400, 21610, "Attempt to send to unsubscribed recipient")
        if len(form.get("Body", "")) > LONGEST:
            return _failed(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        self.sent.append(form)
        return _ok({"sid": f"SM{len(self.sent)}", "status": "queued", "num_segments": "1"}, 201)


def _ok(value: Any, status: int = 200) -> Said:
    return Said(msgspec.json.encode(value), status=status)


def _failed(status: int, code: int, message: str) -> Said:
    return _ok({"code": code, "message": message, "status": status}, status)
