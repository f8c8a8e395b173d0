"""Calls of Meta's Graph API, and its answers."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import urlencode

import msgspec

from relevo.channels import toolkit
from relevo.channels.adapter import VendorAnswer, VendorCall
from relevo.channels.meta import wire
from relevo.channels.toolkit import Fault
from relevo.domain.deliveries import Refused, Rejected
from relevo.domain.workspaces import Channel

API = "https://graph.facebook.com"
INSTAGRAM_API = "https://graph.instagram.com"
"""https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login"""
VERSION = "v25.0"

Asking = Generator[VendorCall, VendorAnswer, wire.Answer | str]
"""Ends with the answer, or with what is wrong."""


def post(channel: Channel, path: str, parameters: dict[str, Any]) -> VendorCall:
    """A call in the name of the account, with the proof that the app makes it
    (https://developers.facebook.com/docs/graph-api/guides/secure-requests)."""
    return VendorCall(
        method="POST",
        url=_with_query(f"{_base(channel)}/{path}", _proof(channel)),
        headers={**_bearer(channel.config["access_token"]), "content-type": "application/json"},
        body=_encode(parameters),
    )


def get(channel: Channel, path: str, **query: str) -> VendorCall:
    """A question in the name of the account."""
    return VendorCall(
        method="GET",
        url=_with_query(f"{_base(channel)}/{path}", {**query, **_proof(channel)}),
        headers=_bearer(channel.config["access_token"]),
    )


def as_app(channel: Channel, method: str, path: str, **parameters: str) -> VendorCall:
    """A call in the name of the app."""
    config = channel.config
    query = f"?{urlencode(parameters)}" if parameters else ""
    return VendorCall(
        method=method,
        url=f"{_base(channel)}/{path}{query}",
        headers=_bearer(f"{config['app_id']}|{config['app_secret']}"),
    )


def ask(call: VendorCall) -> Asking:
    """The answer to a call or, as a text, what is wrong."""
    answer = yield call
    said = read(answer)
    return said if is_success(answer, said) else complaint(answer, said)


def read(answer: VendorAnswer) -> wire.Answer:
    """What Meta says; nothing, where it is not Meta that speaks."""
    try:
        return _decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return wire.Answer()


def is_success(answer: VendorAnswer, said: wire.Answer) -> bool:
    return toolkit.is_success(answer) and said.error is None


def refusal(answer: VendorAnswer, said: wire.Answer) -> Refused | Rejected:
    error = said.error or wire.Error()
    codes = "/".join(str(code) for code in (error.code, error.error_subcode) if code)
    detail = " ".join(filter(None, (codes, error.message)))
    return toolkit.failed(_fault(answer.status, error), answer, detail)


def complaint(answer: VendorAnswer, said: wire.Answer) -> str:
    """A refusal, for whoever sets the channel up."""
    error = said.error or wire.Error()
    if error.code == 190:
        return f"Meta does not accept the token: {error.message}"
    return f"Meta answered {answer.status}: {error.message or 'nothing that Relevo understands'}"


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(wire.Answer).decode


def is_by_instagram(channel: Channel) -> bool:
    """Whether the account was connected by Instagram's own login, with no page of Facebook's behind it."""
    return channel.config.get("login") == "instagram"


def _base(channel: Channel) -> str:
    usual = INSTAGRAM_API if is_by_instagram(channel) else API
    api = str(channel.config.get("api_url") or usual).rstrip("/")
    return f"{api}/{channel.config.get('version') or VERSION}"


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _with_query(url: str, query: dict[str, str]) -> str:
    sign = "&" if "?" in url else "?"
    return f"{url}{sign}{urlencode(query)}" if query else url


def _proof(channel: Channel) -> dict[str, str]:
    """Instagram's own API takes none."""
    config = channel.config
    if is_by_instagram(channel):
        return {}
    proof = toolkit.mac(config["app_secret"].encode(), config["access_token"].encode())
    return {"appsecret_proof": proof.hex()}


def _fault(status: int, error: wire.Error) -> Fault:
    if status == 429:
        return Fault.RATE_LIMITED
    known = wire.SUBCODES.get(error.error_subcode) or wire.CODES.get(error.code)
    if known:
        return known
    if error.is_transient:
        return Fault.VENDOR_DOWN
    if status in (401, 403):
        return Fault.AUTH
    return Fault.REJECTED if 400 <= status < 500 and status != 408 else Fault.VENDOR_DOWN
