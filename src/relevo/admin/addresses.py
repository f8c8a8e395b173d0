"""Whether Relevo may connect to where a URL leads, asked when it is saved."""

from __future__ import annotations

import msgspec

from relevo.domain.configuring import Wrong, check_url
from relevo.domain.errors import ForbiddenAddress, UnknownHost
from relevo.http_client.egress_guard import EgressGuard


class Finding(msgspec.Struct, frozen=True):
    """What is wrong with calling a URL, if anything, and whether its host's name has an address now.

    To have none is not wrong: the platform may come up after us, and every attempt looks again.
    """

    wrong: Wrong | None = None
    has_address: bool = True


async def look_up(guard: EgressGuard, url: str) -> Finding:
    """Ask, without connecting."""
    if wrong := check_url(url):
        return Finding(wrong)
    try:
        await guard.check(url)
    except ForbiddenAddress as error:
        return Finding(_wrong(url, str(error.facts.get("address", "")), str(error.facts.get("reason", ""))))
    except UnknownHost:
        return Finding(has_address=False)
    return Finding()


def _wrong(url: str, address: str, reason: str) -> Wrong:
    if not address:  # nothing that a network could allow
        return Wrong(f"Relevo cannot call {url}: {reason}", "write one like https://desk.example.com/hook")
    remedy = f"use a public address, or add its network to RELEVO_ALLOWED_NETWORKS ({address} is enough)"
    return Wrong(f"{url} leads to {address}, which is {reason}", remedy)
