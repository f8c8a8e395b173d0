"""What every channel that talks to a vendor says of a set-up that cannot work."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from fuzz.inputs import SUITES
from relevo.admin import connecting
from relevo.channels.adapter import Findings, SetUp, VendorAnswer, VendorCall
from relevo.channels.registry import ADAPTERS
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.testing.channel_suite import play

CONNECTED = [type_ for type_, adapter in ADAPTERS.items() if adapter.capabilities.connects]
Vendor = Callable[[VendorCall], VendorAnswer]


def said(value: object, status: int) -> Vendor:
    return lambda _: VendorAnswer(status=status, headers={}, body=msgspec.json.encode(value))


def asking(vendor: Vendor) -> connecting.AskVendor:
    async def ask(dialogue: SetUp, _: tuple[str, ...], /) -> Findings | Unreachable | Forbidden:
        return play(dialogue, vendor)[1]

    return ask  # type: ignore[return-value]


BAD_TOKEN = {
    "telegram": ({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401),
    "sms": ({"code": 20003, "message": "Authenticate", "status": 401}, 401),
    **dict.fromkeys(
        ("whatsapp", "messenger", "instagram"),
        ({"error": {"code": 190, "message": "Error validating access token"}}, 401),
    ),
}


@pytest.mark.parametrize("type_", CONNECTED)
@pytest.mark.parametrize("how", [connecting.connect, connecting.check])
async def test_a_bad_token_is_told(type_: str, how: Callable[..., object]) -> None:
    ask = asking(said(*BAD_TOKEN[type_]))

    found = await how(ask, SUITES[type_].channel, "https://relevo.example.com")  # type: ignore[misc]

    assert any("token" in problem for problem in found.problems)


@pytest.mark.parametrize("type_", CONNECTED)
@pytest.mark.parametrize("how", [connecting.connect, connecting.check])
@pytest.mark.parametrize("url", ["http://relevo.example.com", "https://localhost:8000", "https://10.0.0.7"])
async def test_an_address_that_no_vendor_reaches_is_told(
    type_: str, how: Callable[..., object], url: str
) -> None:
    ask = asking(lambda _: VendorAnswer(status=200, headers={}, body=b"{}"))

    found = await how(ask, SUITES[type_].channel, url)  # type: ignore[misc]

    assert any("RELEVO_PUBLIC_URL" in problem for problem in found.problems)


@pytest.mark.parametrize("type_", CONNECTED)
async def test_no_secret_is_in_what_is_told(type_: str) -> None:
    channel = SUITES[type_].channel
    secrets = [str(channel.config[one.name]) for one in ADAPTERS[type_].options
               if one.kind == "secret" and one.name in channel.config]  # fmt: skip

    for vendor in (said(*BAD_TOKEN[type_]), said({}, 500), said({}, 200)):
        found = await connecting.check(asking(vendor), channel, "https://relevo.example.com")

        assert secrets
        assert not any(secret in str(found) for secret in secrets)
