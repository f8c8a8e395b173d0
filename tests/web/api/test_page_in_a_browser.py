"""The page in a real browser: a person tries a call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from relevo.store.database import Database
from relevo.testing.builders import PUBLIC_URL, World
from relevo.web.app import create_app
from relevo.web.services import Edge
from tests.browsers import chromium_async
from tests.web.api.conftest import Ana
from tests.web.api.serving import on_a_port

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_kind", ["sqlite"])]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium_async() as browser:
        yield browser


@pytest.fixture
async def base(world: World) -> AsyncIterator[str]:
    async with on_a_port(create_app(world.services(edge=Edge(public_url=PUBLIC_URL)))) as base:
        yield base


async def opened(browser: Browser, url: str, **about: Any) -> Page:
    """The page; whatever it complains of is an error."""
    page = await (await browser.new_context(**about)).new_page()
    page.on("pageerror", lambda error: pytest.fail(f"the page threw {error}"))
    page.on("console", lambda message: _no_complaint(message.type, message.text))
    await page.goto(f"{url}/api")
    return page


def _no_complaint(kind: str, text: str) -> None:
    # A refused call is logged by the browser itself, and is what some of these tests want to see.
    assert kind not in ("error", "warning") or "Failed to load resource" in text, text


async def test_a_person_pastes_a_token_and_answers_a_customer(
    browser: Browser, base: str, world: World, ana: Ana, database: Database
) -> None:
    page = await opened(browser, base)

    await page.get_by_label("Token", exact=True).fill(await world.add_token(member=world.company.agent))
    await expect(page.get_by_role("status")).to_have_text("Luis, flow support (f1001)")
    await expect(page.get_by_role("combobox", name="Subscriber")).to_have_value(ana.user_ns)

    call = page.get_by_role("form", name="Try: Send a text", exact=True)
    await call.get_by_label("Body").fill(f'{{"user_ns": "{ana.user_ns}", "content": "It\'s here"}}')
    await call.get_by_role("button", name="Make one").click()
    await expect(call.locator("[data-curl]")).to_contain_text(f"{base}/api/subscriber/send-text")
    await expect(call.locator("[data-curl]")).to_contain_text("$RELEVO_TOKEN")
    await expect(call.locator("[data-curl]")).to_contain_text("It'\\''s here")
    await call.get_by_role("button", name="Send").click()
    await expect(call.locator("[data-facts]")).to_contain_text("200 OK")
    await expect(call.locator("[data-answer-body]")).to_have_text('{ "status": "ok" }')
    await call.get_by_label("Body").press("Control+Enter")
    await expect(call.locator("[data-facts]")).to_contain_text("a repetition")

    assert (await ana.said())[2:] == [("agent", "It's here", "Luis")]


async def test_a_token_stays_in_its_tab(browser: Browser, base: str, world: World) -> None:
    page = await opened(browser, base)
    token = await world.add_token()
    await page.get_by_label("Token", exact=True).fill(token)
    await expect(page.get_by_role("status")).to_have_text("Olga, flow support (f1001)")

    await page.reload()
    await expect(page.get_by_role("status")).to_have_text("Olga, flow support (f1001)")
    assert await page.evaluate("[Object.values(sessionStorage), Object.values(localStorage)]") == [
        [token],
        [],
    ]
    assert await page.context.cookies() == []
    another_tab = await page.context.new_page()
    await another_tab.goto(f"{base}/api")
    await expect(another_tab.get_by_label("Token", exact=True)).to_have_value("")


async def test_what_is_wrong_is_seen(browser: Browser, base: str, world: World) -> None:
    page = await opened(browser, base)

    await page.get_by_label("Token", exact=True).fill("nonsense")
    await expect(page.get_by_role("status")).to_have_text("Unauthenticated.")
    call = page.get_by_role("form", name="Try: Pause the bot")
    await call.get_by_label("Body").fill('{"user_ns": ')
    await expect(call.get_by_text("This is not JSON yet.")).to_be_visible()
    await call.get_by_role("button", name="Send").click()
    await expect(call.locator("[data-facts]")).to_contain_text("401")


async def test_a_call_is_found_with_the_keyboard_on_a_phone(browser: Browser, base: str) -> None:
    page = await opened(browser, base, viewport={"width": 390, "height": 844})
    link = page.get_by_role("link", name="POST Pause the bot")
    await expect(link).to_be_hidden()

    await page.keyboard.press("/")
    await page.keyboard.type("pau bot")
    await expect(page.get_by_role("link", name="GET List subscribers")).to_be_hidden()
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", name="Pause the bot")).to_be_in_viewport()
    await expect(link).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_without_scripts_everything_can_be_read(browser: Browser, base: str) -> None:
    page = await opened(browser, base, java_script_enabled=False)

    await expect(page.get_by_text("Trying calls on this page needs JavaScript.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Mark as read")).to_be_visible()
    await expect(page.get_by_role("button", name="Send")).to_have_count(0)
