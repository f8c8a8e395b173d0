"""Whose request it is: the address that it came from, seen through the operator's own proxies."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from litestar.types import HTTPScope

from relevo.web.asgi import header

Networks = Sequence[IPv4Network | IPv6Network]
Address = IPv4Address | IPv6Address

UNKNOWN = "unknown"


def client_address(scope: HTTPScope, trusted_proxies: Networks) -> str:
    """The address of the client: the last one of `X-Forwarded-For` that is not a proxy of ours, if the
    request came from one. Anybody can write the header; only our proxies are believed."""
    client = scope.get("client")
    peer = client[0] if client else UNKNOWN
    if not trusted_proxies or not _is_trusted(peer, trusted_proxies):
        return peer
    for hop in reversed(header(scope, b"x-forwarded-for").split(",")):
        address = _parsed(hop)
        if address is None:
            break  # what stands before it was not written by anybody we know
        peer = str(address)
        if not _is_trusted(peer, trusted_proxies):
            break
    return peer


def network_of(address: str) -> str:
    """What is limited together: an IPv4 address; of IPv6 the /64, since whoever has one has all of it."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, 64), strict=False))
    return address


def _is_trusted(address: str, networks: Networks) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def _parsed(text: str) -> Address | None:
    """An address, with or without a port; an IPv4 address in IPv6 clothes as the IPv4 address it is."""
    text = text.strip().removeprefix("[")
    text = text.partition("]")[0]
    if text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
