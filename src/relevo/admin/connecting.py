"""Asking a channel's vendor: whether all is well, and to post to us."""

from __future__ import annotations

from collections.abc import Generator
from ipaddress import ip_address
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from relevo.channels.adapter import Adapter, Findings, VendorAnswer, VendorCall, secrets_of
from relevo.channels.registry import adapter_for
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.domain.workspaces import Channel
from relevo.http_client.egress_guard import why_forbidden

T = TypeVar("T")


class AskVendor(Protocol):
    """Holds a dialogue with a vendor; what is secret is given besides, so that nobody sees it."""

    async def __call__(
        self, dialogue: Generator[VendorCall, VendorAnswer, T], hidden: tuple[str, ...], /
    ) -> T | Unreachable | Forbidden: ...


def hook_url(public_url: str, channel: Channel) -> str:
    """Where the channel's vendor posts."""
    return f"{public_url}/hooks/{channel.type}/{channel.key}"


async def connect(ask: AskVendor, channel: Channel, public_url: str) -> Findings:
    """Have the vendor post to the channel's hook, and check it."""
    adapter = adapter_for(channel.type)
    if unreachable := _unreachable(adapter, public_url):
        return Findings(problems=(unreachable,))
    dialogue = adapter.connect(channel, hook_url(public_url, channel))
    return _findings(await ask(dialogue, secrets_of(adapter, channel)))


async def check(ask: AskVendor, channel: Channel, public_url: str) -> Findings:
    """What the vendor says about the channel. Nothing is changed there."""
    adapter = adapter_for(channel.type)
    dialogue = adapter.check(channel, hook_url(public_url, channel))
    found = _findings(await ask(dialogue, secrets_of(adapter, channel)))
    unreachable = _unreachable(adapter, public_url)
    return msgspec.structs.replace(found, problems=(unreachable, *found.problems)) if unreachable else found


def _unreachable(adapter: Adapter, public_url: str) -> str:
    """Why no vendor can post to us, as far as the address tells."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    is_public = parts.scheme == "https" and "." in host and not host.endswith((".local", ".internal"))
    if not adapter.capabilities.connects or (is_public and not _is_private(host)):
        return ""
    remedy = "set RELEVO_PUBLIC_URL to an https address that the whole internet reaches"
    return f"{adapter.title} cannot reach {public_url}: {remedy}"


def _is_private(host: str) -> bool:
    try:
        return why_forbidden(ip_address(host)) is not None
    except ValueError:
        return False


def why_unanswered(said: Unreachable | Forbidden) -> str:
    """Why there was no answer of a vendor's."""
    match said:
        case Unreachable(reason=reason):
            return f"the vendor did not answer ({reason}); try again in a moment"
        case Forbidden(address=address, reason=reason):
            return f"Relevo does not connect to {address}: {reason}; see RELEVO_ALLOWED_NETWORKS"


def _findings(said: Findings | Unreachable | Forbidden) -> Findings:
    match said:
        case Unreachable() | Forbidden():
            return Findings(problems=(why_unanswered(said),))
        case Findings():
            return said
