"""What every channel that talks to a vendor says of a set-up that cannot work."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from fuzz.inputs import SUITES
from relevo.admin import connecting, reaching_us
from relevo.admin.reaching_us import Ourselves
from relevo.channels.adapter import Findings, SetUp, VendorAnswer, VendorCall, secrets_of
from relevo.channels.registry import ADAPTERS
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.testing.channel_suite import play

CONNECTED = [type_ for type_, adapter in ADAPTERS.items() if adapter.capabilities.connects]
US = Ourselves("https://relevo.example.com", "nonce", "proof")
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

    found = await how(ask, SUITES[type_].channel, US)  # type: ignore[misc]

    assert any("token" in problem for problem in found.problems)


@pytest.mark.parametrize("type_", CONNECTED)
@pytest.mark.parametrize("how", [connecting.connect, connecting.check])
@pytest.mark.parametrize("url", ["http://relevo.example.com", "https://localhost:8000", "https://10.0.0.7"])
async def test_an_address_that_no_vendor_reaches_is_told(
    type_: str, how: Callable[..., object], url: str
) -> None:
    ask = asking(lambda _: VendorAnswer(status=200, headers={}, body=b"{}"))

    us = Ourselves(url, "nonce", "proof")
    found = await how(ask, SUITES[type_].channel, us)  # type: ignore[misc]

    assert any("RELEVO_PUBLIC_URL" in problem for problem in found.problems)


@pytest.mark.parametrize("type_", CONNECTED)
async def test_no_secret_is_in_what_is_told(type_: str) -> None:
    channel = SUITES[type_].channel
    secrets = [str(channel.config[one.name]) for one in ADAPTERS[type_].options
               if one.kind == "secret" and one.name in channel.config]  # fmt: skip

    for vendor in (said(*BAD_TOKEN[type_]), said({}, 500), said({}, 200)):
        found = await connecting.check(asking(vendor), channel, US)

        assert secrets
        assert not any(secret in str(found) for secret in secrets)


# Whether the world reaches us


def reached(answer: VendorAnswer) -> str:
    """What is made of the answer at our public URL."""
    calls, said = play(reaching_us.ask(US), lambda _: answer)
    assert [(call.method, call.url) for call in calls] == [("GET", f"{US.public_url}/hooks/reached/nonce")]
    return reaching_us.why_not_reached(US, said)


def answered(status: int, body: bytes = b"<html>", **headers: str) -> VendorAnswer:
    return VendorAnswer(status=status, headers=headers, body=body)


def test_our_own_answer_is_well() -> None:
    assert reached(answered(200, b'{"relevo":"proof"}')) == ""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answered(200, b'{"relevo":"other"}'), "another installation of Relevo answers there"),
        (answered(200), "another server answers there (200), not Relevo"),
        (answered(404, b"{}", server="nginx/1.25"), "another server answers there (404, nginx/1.25)"),
        (answered(404, b"[1"), "another server answers there (404)"),
        (answered(301, location="https://www.example.com/"), "leads on to https://www.example.com/"),
        (answered(401), "something before Relevo answers 401"),
        (answered(502), "a proxy answers 502: is Relevo running"),
    ],
)
def test_whoever_else_answers_is_told(answer: VendorAnswer, words: str) -> None:
    assert words in reached(answer)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Unreachable("dns"), "the DNS knows no address of relevo.example.com"),
        (Unreachable("refused"), "relevo.example.com refuses connections to port 443"),
        (Unreachable("connect_timeout"), "relevo.example.com does not react at port 443"),
        (Unreachable("connect"), "no connection to relevo.example.com, port 443"),
        (Unreachable("tls"), "the certificate of relevo.example.com is not to be trusted"),
        (Unreachable("timeout"), "did not answer in time"),
        (Unreachable("broken"), "broke the connection off"),
        (Forbidden("10.0.0.7", "it is private"), "leads to 10.0.0.7 from here (it is private)"),
    ],
)
@pytest.mark.parametrize("type_", CONNECTED)
async def test_why_nobody_answers_is_told_beside_what_the_vendor_says(
    type_: str, said: Unreachable | Forbidden, words: str
) -> None:
    async def ask(dialogue: object, hidden: tuple[str, ...], /) -> object:
        return Findings(problems=("the token is wrong",)) if hidden else said

    for how in (connecting.check, connecting.connect):
        found = await how(ask, SUITES[type_].channel, US)  # type: ignore[arg-type]

        ours, theirs = found.problems
        assert ours.startswith(f"Relevo does not reach itself at {US.public_url}: ")
        assert words in ours
        assert theirs == "the token is wrong"


@pytest.mark.parametrize("type_", sorted(ADAPTERS.keys() - set(CONNECTED)))
async def test_where_no_vendor_posts_by_itself_nobody_is_asked(type_: str) -> None:
    async def ask(dialogue: object, hidden: tuple[str, ...], /) -> object:
        assert hidden, "we were asked"
        return Findings()

    channel = SUITES[type_].channel
    if not secrets_of(ADAPTERS[type_], channel):
        return
    found = await connecting.check(ask, channel, US)  # type: ignore[arg-type]

    assert found == Findings()
