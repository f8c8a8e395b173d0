"""Signing in and out."""

from __future__ import annotations

from contextlib import AsyncExitStack, closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from relevo.admin import members
from relevo.admin.members import SESSION_FOR
from relevo.system.notes import SharedNotes
from relevo.testing.builders import World
from relevo.web.app import create_app
from relevo.web.console.signing_in import WRONG
from relevo.web.console.visits import OF_EMAIL
from relevo.web.services import Edge, Services
from tests.web.console.browsing import Browser, Page, means_of
from tests.web.exchanges import client_of

PASSWORD = "correct horse"


@pytest.fixture
async def password(world: World, services: Services) -> str:
    """The owner's."""
    await members.set_password(means_of(services), world.company.owner.id, PASSWORD)
    return PASSWORD


async def sign_in(browser: Browser, email: str, password: str, **more: str) -> Page:
    await browser.get("/console/sign-in")
    return await browser.send("/console/sign-in", {"email": email, "password": password, **more})


async def test_a_member_signs_in_and_out(stranger: Browser, password: str) -> None:
    entered = await sign_in(stranger, " Olga@example.com ", password)
    overview = await stranger.follow(entered)
    left = await stranger.send("/console/sign-out")

    assert entered.goes_to == "/console"
    assert overview.status == 200
    assert "Olga" in overview.html
    assert "You are signed out." in (await stranger.follow(left)).text
    assert (await stranger.get("/console")).goes_to == "/console/sign-in"


async def test_signing_out_ends_the_session_and_not_only_the_cookie(stranger: Browser, password: str) -> None:
    await sign_in(stranger, "olga@example.com", password)
    session = stranger.kept("session")
    await stranger.send("/console/sign-out")

    stranger.forget()
    stranger.keep("session", session)

    assert (await stranger.get("/console")).goes_to == "/console/sign-in"


async def test_a_session_ends_by_itself(stranger: Browser, world: World, password: str) -> None:
    await sign_in(stranger, "olga@example.com", password)

    world.clock.advance(SESSION_FOR - timedelta(seconds=1))
    assert (await stranger.get("/console")).status == 200
    world.clock.advance(timedelta(seconds=2))
    assert (await stranger.get("/console")).goes_to == "/console/sign-in"


@pytest.mark.parametrize(
    ("email", "given"),
    [
        ("olga@example.com", "wrong horse"),
        ("nobody@example.com", PASSWORD),
        ("luis@example.com", PASSWORD),
        ("", ""),
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same(
    stranger: Browser, password: str, email: str, given: str
) -> None:
    refused = await sign_in(stranger, email, given)

    assert refused.status == 422
    assert refused.main.one("div", role="alert").text == WRONG
    assert stranger.kept("session") == ""


async def test_the_password_is_not_shown_again_and_the_address_is(stranger: Browser, password: str) -> None:
    refused = await sign_in(stranger, "olga@example.com", "wrong horse battery")

    assert refused.field("email").get("value") == "olga@example.com"
    assert "wrong horse battery" not in refused.html


async def test_an_unknown_address_costs_a_hash_too(
    stranger: Browser, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the time would tell who is a member."""
    counted: list[str] = []
    fits = members._fits

    def counting(*of: object) -> bool:
        counted.append("hash")
        return fits(*of)  # type: ignore[arg-type]

    monkeypatch.setattr(members, "_fits", counting)
    for email in ("olga@example.com", "nobody@example.com", "luis@example.com"):
        await sign_in(stranger, email, "wrong horse")

    assert len(counted) == 3


async def test_guessing_is_slowed_down_by_all_workers_together(
    services: Services, tmp_path: Path, password: str
) -> None:
    SharedNotes.make(tmp_path / "notes")
    async with AsyncExitStack() as stack:
        browsers = []
        for _ in range(2):
            notes = stack.enter_context(closing(SharedNotes(tmp_path / "notes", b"key")))
            app = create_app(msgspec.structs.replace(services, notes=notes))
            browsers.append(Browser(await stack.enter_async_context(client_of(app)), services))
        guesses = [
            (await sign_in(browsers[number % 2], "olga@example.com", "wrong horse")).status
            for number in range(OF_EMAIL.burst + 2)
        ]

    assert guesses == [422] * OF_EMAIL.burst + [429] * 2


async def test_guessing_is_slowed_down_by_address(stranger: Browser, world: World, password: str) -> None:
    for _ in range(OF_EMAIL.burst):
        assert (await sign_in(stranger, "olga@example.com", "wrong horse")).status == 422

    slowed = await sign_in(stranger, "olga@example.com", password)
    other = await sign_in(stranger, "luis@example.com", "wrong horse")
    world.clock.advance(timedelta(minutes=2))
    later = await sign_in(stranger, "olga@example.com", password)

    assert slowed.status == 429
    assert "try again in" in slowed.text
    assert other.status == 422
    assert later.goes_to == "/console"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    stranger: Browser, password: str
) -> None:
    entered = await sign_in(stranger, "olga@example.com", password)

    cookie = entered.headers["set-cookie"]
    assert "__Host-relevo-session=" in cookie
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", f"Max-Age={14 * 24 * 3600}"):
        assert part in cookie, part


async def test_without_https_the_cookie_works_all_the_same(services: Services, password: str) -> None:
    plain = msgspec.structs.replace(services, edge=Edge(public_url="http://127.0.0.1:8080"))
    client = client_of(create_app(plain))
    client.base_url = "http://127.0.0.1:8080"
    async with client:
        browser = Browser(client, plain)
        entered = await sign_in(browser, "olga@example.com", password)
        overview = await browser.follow(entered)

    assert "relevo-session=" in entered.headers["set-cookie"]
    assert "Secure" not in entered.headers["set-cookie"]
    assert "__Host-" not in entered.headers["set-cookie"]
    assert overview.status == 200


async def test_one_goes_on_to_what_was_asked_for(stranger: Browser, password: str) -> None:
    asked = await stranger.get("/console/deliveries?state=parked")
    page = await stranger.follow(asked)
    field = page.main.one("input", name="next")

    entered = await sign_in(stranger, "olga@example.com", password, next=field.get("value"))

    assert entered.goes_to == "/console/deliveries?state=parked"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/console//evil.example",
        "/other",
        "/console/../other",
        "javascript:1",
    ],
)
async def test_nobody_is_sent_elsewhere_after_signing_in(
    stranger: Browser, password: str, elsewhere: str
) -> None:
    entered = await sign_in(stranger, "olga@example.com", password, next=elsewhere)

    assert entered.goes_to == "/console"


async def test_a_password_that_is_set_anew_ends_every_session(
    stranger: Browser, services: Services, world: World, password: str
) -> None:
    await sign_in(stranger, "olga@example.com", password)

    await members.set_password(means_of(services), world.company.owner.id, "another horse")

    assert (await stranger.get("/console")).goes_to == "/console/sign-in"
