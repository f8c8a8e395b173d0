from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relevo.domain.errors import ForbiddenAddress, UnknownHost
from relevo.http_client.egress_guard import Address, EgressGuard, Network, read_url, why_forbidden
from tests.http_client.hostile_urls import HOSTILE, Hostile

PUBLIC = "93.184.215.14"
NAMES = {
    "example.com": [PUBLIC],
    "example.com.": [PUBLIC],
    ".".join(["a" * 63] * 3) + "." + "b" * 61: [PUBLIC],
    "xn--bcher-kva.example": [PUBLIC],
    "de_sk.example": [PUBLIC],
    "v6.example": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
    "both.example": [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "anything.localhost": ["127.0.0.1"],
    "inside.example": ["10.1.2.3"],
    "half.example": [PUBLIC, "192.168.1.1"],
    "half6.example": [PUBLIC, "fd12::1"],
    "last.example": [PUBLIC] * 9 + ["169.254.169.254"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "scoped.example": ["fe80::1%1"],
    "2130706433.example": ["127.0.0.1"],
}


class FakeResolver:
    def __init__(self, names: Mapping[str, Sequence[str]] = NAMES) -> None:
        self.names = names
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append((host, port))
        if host not in self.names:
            raise OSError("Name or service not known")
        return [ip_address(text) for text in self.names[host]]


def guard(*allowed: str) -> EgressGuard:
    return EgressGuard([ip_network(network) for network in allowed], FakeResolver())


LONG = ".".join(["a" * 63] * 3) + "." + "b" * 61
GOOD = [
    ("https://example.com", "example.com", 443, [PUBLIC]),
    ("http://example.com/a?b=c#d", "example.com", 80, [PUBLIC]),
    ("https://example.com:8443/hook", "example.com", 8443, [PUBLIC]),
    ("https://EXAMPLE.com/", "example.com", 443, [PUBLIC]),
    ("https://example.com./", "example.com.", 443, [PUBLIC]),
    (f"https://{LONG}/", LONG, 443, [PUBLIC]),
    ("https://ex%61mple.com/", "example.com", 443, [PUBLIC]),
    ("https://bücher.example/", "xn--bcher-kva.example", 443, [PUBLIC]),
    ("https://de_sk.example/", "de_sk.example", 443, [PUBLIC]),
    ("https://example.com\\@127.0.0.1/", "example.com", 443, [PUBLIC]),
    ("https://both.example/", "both.example", 443, NAMES["both.example"]),
    ("https://8.8.8.8/", "8.8.8.8", 443, ["8.8.8.8"]),
    ("http://134744072:1/", "8.8.8.8", 1, ["8.8.8.8"]),
    ("http://11.0.0.1:65535/", "11.0.0.1", 65535, ["11.0.0.1"]),
    ("http://100.63.255.255/", "100.63.255.255", 80, ["100.63.255.255"]),
    ("http://100.128.0.1/", "100.128.0.1", 80, ["100.128.0.1"]),
    ("http://172.15.255.255/", "172.15.255.255", 80, ["172.15.255.255"]),
    ("http://172.32.0.1/", "172.32.0.1", 80, ["172.32.0.1"]),
    ("http://223.255.255.255/", "223.255.255.255", 80, ["223.255.255.255"]),
    ("https://[2606:4700:4700::1111]/", "2606:4700:4700::1111", 443, ["2606:4700:4700::1111"]),
    ("https://[2001:200::1]:444/", "2001:200::1", 444, ["2001:200::1"]),
]


EVERY = [one for rows in HOSTILE.values() for one in rows]


@pytest.mark.parametrize("hostile", EVERY, ids=lambda one: ascii(one.url)[:60])
async def test_a_hostile_url_is_refused_for_its_reason(hostile: Hostile) -> None:
    async def name_service(host: str, port: int) -> Sequence[Address]:
        return [ip_address(text) for text in hostile.addresses or [PUBLIC]]

    with pytest.raises(ForbiddenAddress) as caught:
        await EgressGuard([], name_service).check(hostile.url)

    reason = str(caught.value.facts["reason"])
    # What the library says about what is no URL stands behind it, in its own words.
    assert (
        reason.partition(" (")[0] == hostile.reason if hostile.reason == NO_URL else reason == hostile.reason
    )
    assert reason in str(caught.value)


NO_URL = "it is not a URL"


async def test_names_are_not_asked_for_when_the_url_says_enough() -> None:
    asked = FakeResolver({})

    for one in (each for each in EVERY if not each.addresses):
        with pytest.raises(ForbiddenAddress):
            await EgressGuard([], asked).check(one.url)

    assert asked.asked == []


@pytest.mark.parametrize(("url", "host", "port", "addresses"), GOOD)
async def test_a_good_url_leads_to_all_its_addresses(
    url: str, host: str, port: int, addresses: list[str]
) -> None:
    target = await guard().check(url)

    assert (target.host, target.port) == (host, port)
    assert [str(address) for address in target.addresses] == addresses


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("127.0.0.0/8", "http://127.0.0.1:9100/uchat"),
        ("127.0.0.0/8", "http://0x7f.1/"),
        ("127.0.0.0/8", "http://[::ffff:127.0.0.1]/"),
        ("127.0.0.0/8", "https://mapped.example/"),
        ("10.0.0.0/8", "https://inside.example/"),
        ("192.168.1.0/24", "https://half.example/"),
        ("fd12::/16", "https://half6.example/"),
        ("::1/128", "http://[::1]/"),
        ("169.254.169.254/32", "http://169.254.169.254/"),
        ("64:ff9b::/96", "http://[64:ff9b::5db8:d70e]/"),
        ("::ffff:0:0/96", f"http://[::ffff:{PUBLIC}]/"),
    ],
)
async def test_a_listed_network_is_let_through(allowed: str, url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        await guard().check(url)

    assert (await guard(allowed).check(url)).addresses


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("10.0.0.0/8", "http://127.0.0.1/"),
        ("127.0.0.0/8", "http://localhost/"),  # ::1 is one of its addresses
        ("127.0.0.0/8", "http://[::1]/"),
        ("127.0.0.0/8", "http://[64:ff9b::127.0.0.1]/"),
        ("64:ff9b::/96", "http://[64:ff9b::127.0.0.1]/"),
        ("::ffff:0:0/96", "http://[::ffff:127.0.0.1]/"),
        ("169.254.0.0/16", "http://metadata.google.internal/"),
    ],
)
async def test_listing_one_network_opens_no_other(allowed: str, url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        await guard(allowed).check(url)


async def test_the_error_names_url_address_reason_and_the_way_out() -> None:
    with pytest.raises(ForbiddenAddress) as caught:
        await guard().check("https://half.example/hook")

    assert str(caught.value) == (
        "https://half.example/hook leads to 192.168.1.1, which is private. Relevo connects to public "
        "addresses and to the networks listed in RELEVO_ALLOWED_NETWORKS."
    )
    assert caught.value.facts == {
        "url": "https://half.example/hook",
        "address": "192.168.1.1",
        "reason": "private",
    }


async def test_the_error_about_what_is_no_url_shows_it_shortened() -> None:
    with pytest.raises(ForbiddenAddress) as caught:
        await guard().check("ftp://" + "a" * 300)

    assert str(caught.value).startswith("Relevo cannot call 'ftp://aaaa")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("url", ["https://nosuch.example/", "https://empty.example/"])
async def test_a_name_without_an_address_is_unknown(url: str) -> None:
    nobody = EgressGuard([], FakeResolver({"empty.example": []}))

    with pytest.raises(UnknownHost, match=r"example has no address now"):
        await nobody.check(url)


async def test_what_the_resolver_cannot_take_for_a_name_is_unknown() -> None:
    async def picky(host: str, port: int) -> Sequence[Address]:
        raise UnicodeError("label too long")

    with pytest.raises(UnknownHost):
        await EgressGuard([], picky).check("https://odd.example/")


async def test_an_address_in_the_url_is_never_looked_up() -> None:
    resolver = FakeResolver()

    await EgressGuard([], resolver).check("https://8.8.8.8/")
    await EgressGuard([], resolver).check("https://example.com:444/")

    assert resolver.asked == [("example.com", 444)]


async def test_an_address_that_is_told_twice_is_one() -> None:
    twice = EgressGuard([], FakeResolver({"twice.example": [PUBLIC, PUBLIC]}))

    assert len((await twice.check("https://twice.example/")).addresses) == 1


addresses = st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address)


@given(addresses)
@example(IPv4Address("192.88.99.1"))
def test_whatever_the_standard_library_calls_not_global_is_forbidden(address: Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert why_forbidden(address)


@given(st.sampled_from([*range(0, 2**32, 2**20)]), st.integers(0, 2**20 - 1))
def test_the_same_holds_all_over_ipv4(network: int, host: int) -> None:
    address = IPv4Address(network + host)

    if not address.is_global or address.is_multicast:
        assert why_forbidden(address)


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_a_wrapped_ipv4_address_is_never_freer_than_itself(inner: IPv4Address) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::", "::", "2002::"):
        wrapped = IPv6Address(int(IPv6Address(prefix)) + int(inner))
        assert why_forbidden(wrapped)
        assert bool(why_forbidden(wrapped, NETWORKS_OF_TRANSLATORS)) >= bool(why_forbidden(inner))


NETWORKS_OF_TRANSLATORS: tuple[Network, ...] = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        place = read_url(f"http://{text}/")
    except ForbiddenAddress:
        return
    assert place.origin.scheme == "http"
    assert place.origin.host
    assert 1 <= place.origin.port <= 65535
