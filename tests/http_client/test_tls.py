from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest

from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.http_client.client import Answer, HttpClient
from relevo.http_client.egress_guard import Address, EgressGuard
from relevo.testing.clock import FakeClock
from tests.http_client.authority import Authority
from tests.http_client.loopback import Loopback


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def everything_is_here(host: str, port: int) -> Sequence[Address]:
    return [ip_address("127.0.0.1")]


def make_client(*trusted: bytes, connect_timeout: timedelta = timedelta(seconds=20)) -> HttpClient:
    guard = EgressGuard([ip_network("127.0.0.0/8")], everything_is_here)
    return HttpClient(
        guard, FakeClock().monotonic, trusted_certificates=trusted, connect_timeout=connect_timeout
    )


async def post(http: HttpClient, desk: Loopback) -> Answer | Unreachable | Forbidden:
    try:
        url = f"https://desk.test:{desk.port}/"
        return await http.request("POST", url, {}, b"{}", timedelta(seconds=20))
    finally:
        await http.close()


async def test_a_server_proves_the_name_although_its_address_is_given(authority: Authority) -> None:
    async with Loopback(tls=authority.server_context("desk.test")) as desk:
        outcome = await post(make_client(authority.pem), desk)

    assert isinstance(outcome, Answer)
    assert outcome.address == "127.0.0.1"


async def test_a_certificate_for_another_name_is_not_accepted(authority: Authority) -> None:
    async with Loopback(tls=authority.server_context("other.test")) as desk:
        outcome = await post(make_client(authority.pem), desk)

    assert outcome == Unreachable("tls")
    assert desk.requests == []


async def test_a_certificate_of_an_unknown_authority_is_not_accepted(authority: Authority) -> None:
    async with Loopback(tls=authority.server_context("desk.test")) as desk:
        outcome = await post(make_client(), desk)

    assert outcome == Unreachable("tls")
    assert desk.requests == []


class Plain(Loopback):
    """Takes a connection and hangs up."""

    async def _answer_next(self, reader: object, writer: object) -> bool:
        return False


class Silent(Loopback):
    """Takes a connection and says nothing."""

    async def _answer_next(self, reader: asyncio.StreamReader, writer: object) -> bool:
        return bool(await reader.read())


async def test_a_server_without_tls_is_told_apart_from_one_that_is_not_there() -> None:
    async with Plain() as desk:
        assert await post(make_client(), desk) == Unreachable("tls")

    assert await post(make_client(), desk) == Unreachable("refused")


async def test_a_handshake_that_takes_too_long_is_no_connection() -> None:
    async with Silent() as desk:
        http = make_client(connect_timeout=timedelta(milliseconds=150))

        assert await post(http, desk) == Unreachable("connect_timeout")
