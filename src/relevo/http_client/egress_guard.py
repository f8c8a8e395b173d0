"""Which addresses Relevo connects to: public ones, and the networks that the operator lists.

URLs come from people and from vendors' payloads; without this guard each of them could make
Relevo call its own neighbours (server-side request forgery). A URL is read by the parser of
the very library that connects, so nobody can mean one host to the guard and another to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple, Protocol

from pyreqwest.http import Url

from relevo.domain.errors import ForbiddenAddress, UnknownHost

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 8192
LONGEST_NAME, LONGEST_LABEL = 253, 63  # RFC 1035, section 2.3.4

_METADATA_NAMES = frozenset({
    "metadata", "metadata.google.internal", "metadata.goog", "metadata.azure.internal",
    "metadata.tencentyun.com", "instance-data", "instance-data.ec2.internal",
})  # fmt: skip

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_METADATA = "the metadata service of a cloud"
_PUBLIC_IPV6 = IPv6Network("2000::/3")

_FORBIDDEN: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), reason)
    for network, reason in (
        # The first that fits names the reason: single addresses come before their networks.
        ("169.254.169.254", _METADATA),
        ("169.254.170.2", _METADATA),  # containers on AWS
        ("100.100.100.200", _METADATA),  # Alibaba
        ("168.63.129.16", _METADATA),  # Azure, on an address that is public elsewhere
        ("192.0.0.192", _METADATA),  # Oracle
        ("255.255.255.255", "broadcast"),
        ("0.0.0.0/8", "this network (0.0.0.0/8)"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared between a provider's customers (carrier-grade NAT)"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("fd00:ec2::254", _METADATA),
        ("fd20:ce::254", _METADATA),
        ("::1", "loopback"),
        ("::", "the unspecified address"),
        ("::/96", "an IPv4 address inside IPv6"),
        ("64:ff9b::/96", "translated to IPv4 (NAT64)"),
        ("64:ff9b:1::/48", "translated to IPv4 (NAT64)"),
        ("100::/63", "discarded"),
        ("2001::/32", "a Teredo tunnel"),
        ("2001:2::/48", "for benchmarks"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "a 6to4 tunnel"),
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "private (unique local)"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private (site-local)"),
        ("ff00::/8", "multicast"),
    )
)


class Resolver(Protocol):
    """The addresses of a host name now, in the order in which they are best tried.

    Raises OSError (or UnicodeError, for what cannot be a name) when there are none.
    """

    async def __call__(self, host: str, port: int) -> Sequence[Address]: ...


class Origin(NamedTuple):
    """What connections are kept for; `host` has no brackets."""

    scheme: str
    host: str
    port: int


class Place(NamedTuple):
    """What a URL says about where to connect; `address` is None for a name."""

    url: Url
    origin: Origin
    address: Address | None


class Target(NamedTuple):
    """Where a URL leads after every address was checked."""

    host: str
    port: int
    addresses: tuple[Address, ...]


class EgressGuard:
    """Says where a URL leads, if Relevo may connect there."""

    def __init__(self, allowed_networks: Sequence[Network], resolve: Resolver) -> None:
        self._allowed = tuple(allowed_networks)
        self._resolve = resolve

    async def check(self, url: str) -> Target:
        """Where `url` leads. Raises `ForbiddenAddress` (facts: url, address, reason) when any of its
        addresses is not allowed, and `UnknownHost` when its name has no address now."""
        return await self.check_place(read_url(url))

    async def check_place(self, place: Place) -> Target:
        addresses = await self._addresses(place)
        for address in addresses:
            if reason := why_forbidden(address, self._allowed):
                raise _forbidden(str(place.url), str(address), reason)
        return Target(place.origin.host, place.origin.port, addresses)

    async def _addresses(self, place: Place) -> tuple[Address, ...]:
        if place.address is not None:
            return (place.address,)
        try:
            found = await self._resolve(place.origin.host, place.origin.port)
        except (OSError, UnicodeError) as error:
            raise _unknown(place.origin.host) from error
        if not found:
            raise _unknown(place.origin.host)
        return tuple(dict.fromkeys(found))


def why_forbidden(address: Address, allowed: Sequence[Network] = ()) -> str | None:
    """What kind of address this is, when Relevo does not connect to it; None when it does.

    To list a translator's network (NAT64, mapped) is not to list what hides behind it: the IPv4
    address inside is looked at by itself.
    """
    inner = _inner(address)
    if _is_listed(address, allowed):
        return why_forbidden(inner, allowed) if inner else None
    if address in _MAPPED and inner:
        if _is_listed(inner, allowed):
            return None
        return f"{_kind(inner) or 'an IPv4 address'}, written as IPv6"
    return _kind(address)


def read_url(url: str) -> Place:
    """Take a URL apart as the connecting library will; `ForbiddenAddress` when Relevo cannot call it."""
    if problem := _check_text(url):
        raise _unusable(url, problem)
    try:
        parsed = Url(url)
    except ValueError as error:
        raise _unusable(url, f"it is not a URL ({error})") from error
    if problem := _check_parts(parsed):
        raise _unusable(url, problem)
    host = (parsed.host_str or "").strip("[]")
    origin = Origin(parsed.scheme, host, parsed.port_or_known_default or 0)
    return Place(parsed, origin, None if parsed.domain else ip_address(host))


def _check_text(url: str) -> str | None:
    if len(url) > LONGEST_URL:
        return f"it is longer than {LONGEST_URL} characters"
    if any(character <= " " or character == "\x7f" for character in url):
        return "it has a space or a control character"
    return None


def _check_parts(url: Url) -> str | None:
    if url.scheme not in ("http", "https"):
        return f"it begins with {url.scheme}:, not with https: or http:"
    if url.username or url.password:
        return "it has a user name or password; use a header"
    if url.port == 0:
        return "there is no port 0; ports are 1 to 65535"
    return _check_name(url.domain) if url.domain else None


def _check_name(name: str) -> str | None:
    """A name that no name service can be asked for, and those that need not be asked for."""
    bare = name.removesuffix(".")
    longest = max(map(len, bare.split(".")))
    if longest > LONGEST_LABEL or len(bare) > LONGEST_NAME:
        return f"a host name has at most {LONGEST_NAME} characters, {LONGEST_LABEL} between two dots"
    if not all(bare.split(".")):
        return "its host name has nothing between two dots"
    return f"{name} is {_METADATA}" if bare in _METADATA_NAMES else None


def _inner(address: Address) -> IPv4Address | None:
    """The IPv4 address that this one stands for."""
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_listed(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _kind(address: Address) -> str | None:
    for network, reason in _FORBIDDEN:
        if address in network:
            return reason
    if isinstance(address, IPv6Address) and address not in _PUBLIC_IPV6:
        return "not a public address"
    return None


def _forbidden(url: str, address: str, reason: str) -> ForbiddenAddress:
    return ForbiddenAddress(
        f"{url} leads to {address}, which is {reason}. Relevo connects to public addresses and to the "
        "networks listed in RELEVO_ALLOWED_NETWORKS.",
        url=url,
        address=address,
        reason=reason,
    )


def _unusable(url: str, problem: str) -> ForbiddenAddress:
    shown = url if len(url) <= 200 else url[:200] + "…"
    message = f"Relevo cannot call {shown!r}: {problem}. Right would be https://example.com/path."
    return ForbiddenAddress(message, url=url, address="", reason=problem)


def _unknown(host: str) -> UnknownHost:
    return UnknownHost(f"The name {host} has no address now. Look for a typing mistake.", host=host)
