"""Calls of the Graph API in the name of a number, and its answers."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from relevo.channels import toolkit
from relevo.channels.adapter import VendorAnswer, VendorCall
from relevo.channels.toolkit import Fault
from relevo.channels.whatsapp import wire
from relevo.domain.deliveries import Refused, Rejected
from relevo.domain.workspaces import Channel

API = "https://graph.facebook.com"
VERSION = "v25.0"
PERMISSIONS = ("whatsapp_business_messaging", "whatsapp_business_management")

T = TypeVar("T")


def api_of(channel: Channel) -> str:
    return str(channel.config.get("api_url") or API).rstrip("/")


def headers_of(channel: Channel) -> dict[str, str]:
    return {"authorization": f"Bearer {channel.config['access_token']}"}


def headers_for(url: str, channel: Channel) -> dict[str, str]:
    """The token goes to Meta and to nobody else. Its files are at lookaside.fbsbx.com."""
    host = urlsplit(url).hostname or ""
    is_meta = url.startswith("https://") and host.endswith((".fbsbx.com", ".facebook.com"))
    return headers_of(channel) if is_meta or host == urlsplit(api_of(channel)).hostname else {}


def call(channel: Channel, method: str, place: str, body: dict[str, Any] | None = None) -> VendorCall:
    version = channel.config.get("graph_version") or VERSION
    url = f"{api_of(channel)}/{version}/{place}"
    if body is None:
        return VendorCall(method=method, url=url, headers=headers_of(channel))
    headers = {**headers_of(channel), "content-type": "application/json"}
    return VendorCall(method=method, url=url, headers=headers, body=_encode(body))


def messages_call(channel: Channel, body: dict[str, Any]) -> VendorCall:
    return call(channel, "POST", f"{channel.config['phone_number_id']}/messages", body)


_encode = msgspec.json.Encoder().encode


def read(answer: VendorAnswer, type_: type[T]) -> T:
    """What Meta says; nothing, where it is not Meta that speaks."""
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return type_()


def refusal(answer: VendorAnswer, error: wire.Error | None) -> Refused | Rejected:
    """Codes say more than statuses (https://developers.facebook.com/documentation/business-messaging/
    whatsapp/support/error-codes); an answer that is not Meta's has none."""
    detail = wire.words_of(error) if error else ""
    return toolkit.failed(_fault(answer.status, error), answer, detail)


def _fault(status: int, error: wire.Error | None) -> Fault:
    if error is not None and error.code in wire.FAULTS:
        return wire.FAULTS[error.code]
    if status == 429:
        return Fault.RATE_LIMITED
    if status in (401, 403):
        return Fault.AUTH
    return Fault.REJECTED if 400 <= status < 500 and status != 408 else Fault.VENDOR_DOWN


def complaint(answer: VendorAnswer) -> str:
    error = read(answer, wire.Answer).error
    words = wire.words_of(error) if error else "nothing that Relevo understands"
    if error is not None and error.code == 190:
        return (
            "Meta does not accept the access token, it may have ended; make a permanent one of a system user"
        )
    if error is not None and wire.fault_of(error.code) is Fault.AUTH:
        return f"The access token lacks a permission ({words}); it needs {' and '.join(PERMISSIONS)}"
    return f"Meta answered {answer.status}: {words}"
