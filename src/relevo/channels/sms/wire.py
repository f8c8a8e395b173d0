"""Twilio's fields, statuses and error codes.

https://www.twilio.com/docs/messaging/guides/webhook-request (what comes in),
https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks (statuses),
https://www.twilio.com/docs/api/errors (codes).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

import msgspec

from relevo.channels import toolkit
from relevo.channels.adapter import HookRequest
from relevo.channels.toolkit import Fault
from relevo.domain.errors import ForeignPayload
from relevo.domain.messages import MessageStatus

Fields = dict[str, str]

MOST_FIELDS = 500
MOST_MEDIA = 10
"""Files of one message (NumMedia is at most 10)."""

ON_THE_WAY = frozenset({"accepted", "scheduled", "queued", "sending"})
STATUSES = {
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "partially_delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "undelivered": MessageStatus.FAILED,
    "failed": MessageStatus.FAILED,
    "canceled": MessageStatus.FAILED,
}

STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
START_WORDS = frozenset({"start", "yes", "unstop"})
HELP_WORDS = frozenset({"help", "info"})
"""What Twilio takes itself on long codes, when it is the whole message, in whatever case
(https://help.twilio.com/articles/223134027)."""

FAULTS: dict[int, Fault] = {
    **dict.fromkeys((20003, 20005, 20008, 20403, 30002, 63051), Fault.AUTH),
    **dict.fromkeys((14107, 20429, 21611, 30001, 30022, 63018), Fault.RATE_LIMITED),
    **dict.fromkeys((20500, 20503, 30500, 63010, 63017), Fault.VENDOR_DOWN),
    21610: Fault.OPTED_OUT,
    **dict.fromkeys((30004, 63033, 63049), Fault.BLOCKED),
    **dict.fromkeys((63015, 63016), Fault.WINDOW_CLOSED),
    **dict.fromkeys(
        (21211, 21214, 21217, 21265, 21612, 21614, 21635, 30003, 30005, 30006, 63003, 63024),
        Fault.INVALID_RECIPIENT,
    ),
}
"""By code; every other code is `rejected`."""


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a new message. `num_segments` is "0" while nobody knows yet."""

    sid: str = ""
    num_segments: str = ""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    code: int | None = None
    message: str = ""


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A phone number of the account, and where it posts."""

    sid: str
    sms_url: str | None = ""


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    incoming_phone_numbers: tuple[Number, ...] = ()


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A messaging service. `use_inbound_webhook_on_number`: its numbers post for themselves."""

    friendly_name: str = ""
    inbound_request_url: str | None = ""
    use_inbound_webhook_on_number: bool = False


class Account(msgspec.Struct, frozen=True, kw_only=True):
    friendly_name: str = ""
    status: str = ""


MediaCount = Annotated[int, msgspec.Meta(ge=0, le=MOST_MEDIA)]


def form(request: HookRequest) -> Sequence[tuple[str, str]]:
    """The fields of a request, from its body or, of a GET, its query. A field may be there twice."""
    return tuple(request.query.items()) if request.method == "GET" else _decoded(request.body)


@lru_cache(maxsize=16)
def _decoded(body: bytes) -> Sequence[tuple[str, str]]:
    """Kept for a moment: a request is first verified and then parsed. (`parse_qsl` takes five times as
    long, as most of a form of Twilio's need not be decoded.)"""
    pieces = body.split(b"&")
    if len(pieces) > MOST_FIELDS:
        raise ForeignPayload(f"The body is no form: more than {MOST_FIELDS} fields")
    try:
        return tuple((_text(name), _text(value)) for name, _, value in map(_parted, filter(None, pieces)))
    except UnicodeDecodeError as error:
        raise ForeignPayload(f"The body is no form: {error}") from error


def _parted(piece: bytes) -> tuple[bytes, bytes, bytes]:
    return piece.partition(b"=")


def _text(encoded: bytes) -> str:
    if b"%" in encoded or b"+" in encoded:
        encoded = unquote_to_bytes(encoded.replace(b"+", b" "))
    return encoded.decode()


def fields(request: HookRequest) -> Fields:
    """Without NUL, which PostgreSQL cannot keep."""
    if request.method != "GET" and b"%00" not in request.body and b"\0" not in request.body:
        return dict(form(request))
    return {name.replace("\0", ""): value.replace("\0", "") for name, value in form(request)}


def number(given: Fields, name: str, type_: Any) -> Any:
    """A field that is a number; None without it."""
    value = given.get(name, "")
    if not value:
        return None
    try:
        return msgspec.convert(value, type_, strict=False)
    except msgspec.ValidationError as error:
        raise ForeignPayload(f"{name}: {str(error)[:1].lower()}{str(error)[1:]}") from error


def fault_of(code: int | None) -> Fault:
    return FAULTS.get(code or 0, Fault.REJECTED)


def error_text(code: int | None, words: str) -> str:
    """`opted_out: 21610 Attempt to send to unsubscribed recipient`."""
    detail = " ".join(filter(None, (str(code or ""), words)))
    return toolkit.short(f"{fault_of(code).value}: {detail}" if detail else fault_of(code).value)
