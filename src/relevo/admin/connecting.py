"""Asking a channel's vendor whether all is well, and to post to us; and ourselves whether it can."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol, TypeVar

import msgspec

from relevo.admin import reaching_us
from relevo.admin.reaching_us import Ourselves
from relevo.channels.adapter import Adapter, Findings, VendorAnswer, VendorCall, secrets_of
from relevo.channels.registry import adapter_for
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.domain.workspaces import Channel

T = TypeVar("T")


class AskVendor(Protocol):
    """Holds a dialogue with a vendor; what is secret is given besides, so that nobody sees it."""

    async def __call__(
        self, dialogue: Generator[VendorCall, VendorAnswer, T], hidden: tuple[str, ...], /
    ) -> T | Unreachable | Forbidden: ...


def hook_url(public_url: str, channel: Channel) -> str:
    """Where the channel's vendor posts."""
    return f"{public_url}/hooks/{channel.type}/{channel.key}"


async def connect(ask: AskVendor, channel: Channel, us: Ourselves) -> Findings:
    """Have the vendor post to the channel's hook, and check it."""
    adapter = adapter_for(channel.type)
    if adapter.capabilities.connects and (remedy := reaching_us.why_no_vendor_comes(us.public_url)):
        return Findings(problems=(f"{adapter.title} cannot reach {us.public_url}: {remedy}",))
    dialogue = adapter.connect(channel, hook_url(us.public_url, channel))
    found = _findings(await ask(dialogue, secrets_of(adapter, channel)))
    return await _with_reach(ask, adapter, us, found)


async def check(ask: AskVendor, channel: Channel, us: Ourselves) -> Findings:
    """What the vendor says about the channel, and whether we are reached. Nothing is changed there."""
    adapter = adapter_for(channel.type)
    dialogue = adapter.check(channel, hook_url(us.public_url, channel))
    found = _findings(await ask(dialogue, secrets_of(adapter, channel)))
    return await _with_reach(ask, adapter, us, found)


async def _with_reach(ask: AskVendor, adapter: Adapter, us: Ourselves, found: Findings) -> Findings:
    if not adapter.capabilities.connects:
        return found
    if remedy := reaching_us.why_no_vendor_comes(us.public_url):
        problem = f"{adapter.title} cannot reach {us.public_url}: {remedy}"
    elif why := reaching_us.why_not_reached(us, await ask(reaching_us.ask(us), ())):
        problem = f"Relevo does not reach itself at {us.public_url}: {why}"
    else:
        return found
    return msgspec.structs.replace(found, problems=(problem, *found.problems))


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
