from __future__ import annotations

from ipaddress import ip_address

import pytest

from relevo.system.dns import resolve


async def test_an_address_is_its_own_answer() -> None:
    assert list(await resolve("127.0.0.1", 80)) == [ip_address("127.0.0.1")]
    assert list(await resolve("::1", 80)) == [ip_address("::1")]


async def test_this_machine_knows_itself() -> None:
    found = await resolve("localhost", 80)

    assert found
    assert all(address.is_loopback for address in found)


@pytest.mark.parametrize("name", ["a" * 64 + ".test", ".test", "a..test"])
async def test_what_cannot_be_a_name_is_an_error_of_the_promised_kind(name: str) -> None:
    with pytest.raises((OSError, UnicodeError)):
        await resolve(name, 80)
