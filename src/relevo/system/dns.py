"""Names to addresses, as this machine resolves them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address


async def resolve(host: str, port: int) -> Sequence[IPv4Address | IPv6Address]:
    """Every address of a host name, in the order in which this machine would try them (RFC 6724).

    Raises OSError when there is none, UnicodeError for what cannot be a name.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(address[0]) for *_, address in found]
