"""The page of the desk in a real browser, with a fake Relevo on both sides of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, FrameLocator, Page, expect

from relevo.desk import create_desk
from relevo.desk.desk import Desk
from tests.browsers import PATIENCE, chromium_async
from tests.desk.serving import on_a_port
from tests.sdk.fake_api import OK, Answer, FakeApi
from tests.sdk.fake_api import serving as fake_api
from tests.sdk.webhooks import ANA, NOON, SECRET, event_body, headers, message_body

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PHONE = {"width": 400, "height": 720}
SCREEN = {"width": 1240, "height": 760}
NOON_MS = int(NOON.timestamp() * 1000)


class Stage:
    """Relevo, the desk and the agent's browser."""

    def __init__(self, browser: Browser, api: FakeApi, desk: Desk, url: str) -> None:
        self._browser = browser
        self._numbers = count(1)
        self.api = api
        self.desk = desk
        self.url = url
        self.complaints: list[str] = []

    async def open(self, size: dict[str, int] = SCREEN, url: str = "") -> Page:
        page = await self._browser.new_page(viewport=size, locale="en-GB")  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))
        await page.goto(url or self.url)
        return page

    async def chat(self, size: dict[str, int] = SCREEN) -> Page:
        """The page with Ana's conversation open."""
        await self.message()
        page = await self.open(size)
        await page.get_by_role("button", name="Ana Diaz").click()
        await expect(page.get_by_role("textbox", name="Reply to Ana Diaz")).to_be_visible()
        return page

    async def message(self, **changes: Any) -> None:
        number = next(self._numbers)
        at = {"id": 900000 + number, "mid": f"wamid.{number}", "timestamp": NOON_MS + number}
        await self._post(message_body(**at | changes), number)

    async def event(self, type_: str, **data: Any) -> None:
        await self._post(event_body(type_, **data), next(self._numbers))

    async def _post(self, body: bytes, number: int) -> None:
        sent = headers(body, id_=f"msg_{number}", seq=number) | {"Relevo-Epoch": "1"}
        async with httpx.AsyncClient() as http:
            response = await http.post(f"{self.url}/uchat", content=body, headers=sent)
        assert response.status_code == 200, response.text
        await self.desk.settled()

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium_async() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def stage(browser: Browser) -> AsyncIterator[Stage]:
    async with fake_api() as api:
        info = {"user_ns": ANA, "name": "Ana Diaz", "channel": "whatsapp", "phone": "+61400000000"}
        api.answer("/api/subscriber/get-info", {"data": info})
        api.answer("/api/subscriber/chat-messages", {"data": []})
        api.answer("/api/flow/agents", {"data": [{"id": 5, "name": "Luis"}, {"id": 6, "name": "Priya"}]})
        app = create_desk(api.url, "token", SECRET, clock=lambda: NOON)
        async with on_a_port(app) as url:
            stage = Stage(browser, api, app.state.desk, url)
            yield stage
            for context in browser.contexts:
                await context.close()
    assert stage.complaints == []


def lines(page: Page | FrameLocator) -> Any:
    return page.locator("#lines > li")


async def test_an_empty_desk_says_what_to_do(stage: Stage) -> None:
    page = await stage.open(PHONE)

    await expect(page.get_by_text("No conversations yet.")).to_be_visible()
    hint = "When a customer asks for a person, the conversation appears here."
    await expect(page.get_by_text(hint)).to_be_visible()
    await expect(page.get_by_text("Live")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, SCREEN])
async def test_a_customer_writes_and_the_agent_answers(stage: Stage, size: dict[str, int]) -> None:
    page = await stage.open(size)
    await stage.message()

    await expect(page).to_have_title("(1) Desk")
    await page.get_by_role("button", name="Ana Diaz").click()
    await expect(lines(page).last).to_contain_text("Is it in stock?")
    await expect(page).to_have_title("Desk")

    await page.get_by_role("textbox", name="Reply to Ana Diaz").fill("Yes, two left.")
    await page.keyboard.press("Enter")

    await expect(lines(page).last).to_contain_text("Yes, two left.")
    await expect(lines(page).last).to_contain_text("Sent")
    assert stage.api.bodies("/api/subscriber/send-text") == [{"user_ns": ANA, "content": "Yes, two left."}]
    assert stage.api.asked("/api/handoff/typing")
    assert stage.api.asked("/api/handoff/seen")


async def test_what_comes_while_the_agent_looks_is_shown_at_once(stage: Stage) -> None:
    page = await stage.chat()

    await stage.message(content="Hello?", payload={"text": "Hello?"})

    await expect(lines(page).last).to_contain_text("Hello?")
    await expect(page.get_by_role("status").filter(has_text="Ana Diaz: Hello?")).to_be_attached()


async def test_an_answer_that_fails_says_why_and_can_be_sent_again(stage: Stage) -> None:
    stage.api.answer("/api/subscriber/send-text", Answer(422, {"message": "The window is closed."}), OK)
    page = await stage.chat(PHONE)
    await page.get_by_role("textbox", name="Reply to Ana Diaz").fill("Hi")
    await page.get_by_role("button", name="Send", exact=True).click()

    await expect(lines(page).last).to_contain_text("The window is closed.")
    await expect(lines(page).last).to_contain_text("Not sent")
    await page.get_by_role("button", name="Send again").click()

    await expect(lines(page).last).to_contain_text("Sent")
    await expect(lines(page).last).not_to_contain_text("The window is closed.")
    assert len(stage.api.asked("/api/subscriber/send-text")) == 2


async def test_an_answer_that_did_not_reach_the_desk_can_be_sent_again(stage: Stage) -> None:
    page = await stage.chat()
    await page.route("**/replies", lambda route: route.abort())
    await page.get_by_role("textbox", name="Reply to Ana Diaz").fill("Hi")
    await page.keyboard.press("Enter")
    await expect(lines(page).last).to_contain_text("The desk does not answer.")

    stage.desk.live.close()  # the page connects anew and is told everything; the answer must stay
    await stage.message(content="Hello?", payload={"text": "Hello?"})
    await expect(page.get_by_text("Hello?").last).to_be_visible()
    await expect(lines(page).filter(has_text="The desk does not answer.")).to_be_visible()

    await page.unroute("**/replies")
    await page.get_by_role("button", name="Send again").click()
    await expect(lines(page).filter(has_text="The desk does not answer.")).to_have_count(0)
    assert stage.api.bodies("/api/subscriber/send-text") == [{"user_ns": ANA, "content": "Hi"}]
    stage.complaints.clear()  # the browser itself complains of the request that was cut


async def test_an_image_is_sent_by_its_address(stage: Stage) -> None:
    page = await stage.chat(PHONE)
    await page.get_by_role("button", name="Send an image").click()
    await page.get_by_role("textbox", name="Address of the image").fill("photo.jpg")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("This is not the address of an image.")).to_be_visible()

    await page.get_by_role("textbox", name="Address of the image").fill(f"{stage.url}/static/icon.svg")
    await page.get_by_role("button", name="Send image").click()

    await expect(lines(page).last.get_by_role("img", name="Photo")).to_be_visible()
    await expect(lines(page).last).to_contain_text("Sent")
    [body] = stage.api.bodies("/api/subscriber/send-content")
    assert body["data"]["content"]["messages"] == [{"type": "image", "url": f"{stage.url}/static/icon.svg"}]


async def test_resolving_and_taking_the_conversation_back(stage: Stage) -> None:
    page = await stage.chat()
    await expect(page.get_by_text("You answer. Bot paused")).to_be_visible()

    await page.get_by_role("button", name="Resolve", exact=True).click()
    await expect(page.get_by_text("Resolved. The bot answers.")).to_be_visible()
    await expect(page.get_by_role("button", name="Open 0")).to_be_visible()
    await expect(page.get_by_role("button", name="Resolved 1")).to_be_visible()

    await page.get_by_role("button", name="Pause the bot").click()
    await expect(page.get_by_text("You answer. Bot paused")).to_be_visible()
    await expect(page.get_by_role("button", name="Open 1")).to_be_visible()
    assert stage.api.bodies("/api/subscriber/pause-bot") == [{"user_ns": ANA, "minutes": 30}]


async def test_what_relevo_refuses_is_told_with_another_try(stage: Stage) -> None:
    refusal = Answer(403, {"message": "Scope required: Manage Flow"})
    stage.api.answer("/api/handoff/return", refusal, OK)
    page = await stage.chat(PHONE)

    await page.get_by_role("button", name="Resolve", exact=True).click()
    await expect(page.get_by_role("alert").filter(has_text="Scope required: Manage Flow")).to_be_visible()
    await page.get_by_role("button", name="Try again").click()

    await expect(page.get_by_text("Resolved. The bot answers.")).to_be_visible()
    stage.complaints.clear()  # the browser itself complains of a 502


async def test_assigning(stage: Stage) -> None:
    page = await stage.chat()

    await page.get_by_role("combobox", name="Assigned to").select_option("Luis")

    await expect(page.get_by_role("button", name="Ana Diaz")).to_contain_text("Luis")
    assert stage.api.bodies("/api/subscriber/assign-agent") == [{"user_ns": ANA, "agent_id": 5}]

    await stage.event("conversation.assigned", agent_id=6, agent_name="Priya")
    await expect(page.get_by_role("combobox", name="Assigned to")).to_have_value("6")


async def test_the_customers_typing_is_shown_until_they_have_written(stage: Stage) -> None:
    page = await stage.chat()
    await stage.event("typing")
    await expect(page.locator("#typing")).to_be_visible()

    await stage.message(content="There", payload={"text": "There"})

    await expect(lines(page).last).to_contain_text("There")
    await expect(page.locator("#typing")).to_be_hidden()


async def test_a_lost_connection_heals(stage: Stage) -> None:
    page = await stage.chat()

    stage.desk.live.close()
    await stage.message(content="Meanwhile", payload={"text": "Meanwhile"})

    await expect(lines(page).last).to_contain_text("Meanwhile")
    await expect(page.get_by_text("Live")).to_be_visible()


async def test_the_desk_works_in_the_frame_of_another_local_page(stage: Stage) -> None:
    frame = f'<!doctype html><title>Demo</title><iframe src="{stage.url}" width="400" height="600"></iframe>'
    stage.api.answer("/demo", Answer(text=frame, headers={"content-type": "text/html"}))
    await stage.message()
    page = await stage.open(SCREEN, stage.api.url.replace("127.0.0.1", "localhost") + "/demo")

    desk = page.frame_locator("iframe")
    await desk.get_by_role("button", name="Ana Diaz").click()
    await desk.get_by_role("textbox", name="Reply to Ana Diaz").fill("Hello from the frame")
    await desk.get_by_role("button", name="Send", exact=True).click()

    await expect(lines(desk).last).to_contain_text("Sent")
    [body] = stage.api.bodies("/api/subscriber/send-text")
    assert body["content"] == "Hello from the frame"


async def test_everything_can_be_done_with_the_keyboard(stage: Stage) -> None:
    await stage.message()
    page = await stage.open(PHONE)
    await page.get_by_role("button", name="Ana Diaz").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Ana Diaz")).to_be_focused()

    for _ in range(10):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == "composer-text":
            break
    await page.keyboard.type("First")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("second")
    await page.keyboard.press("Enter")
    await expect(lines(page).last).to_contain_text("Sent")
    assert [body["content"] for body in stage.api.bodies("/api/subscriber/send-text")] == ["First\nsecond"]

    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Ana Diaz")).to_be_focused()


CONTENTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("text", {"text": "Hi <b>there</b>"}, "", "Hi <b>there</b>"),
    ("text", {"text": "See https://shop.example/o/1, please"}, "", "See https://shop.example/o/1, please"),
    ("image", {"url": "{desk}/static/icon.svg", "caption": "this one"}, "", "this one"),
    ("sticker", {"url": "{desk}/static/icon.svg"}, "", ""),
    ("video", {"url": "{desk}/static/icon.svg"}, "", "It could not be played here."),
    ("audio", {"url": "{desk}/static/icon.svg", "transcribed_text": "the blue one"}, "", "the blue one"),
    ("file", {"url": "{desk}/x/a%20b.pdf", "mime_type": "application/pdf", "size": 183000}, "", "183 kB"),
    ("file", {"url": "{desk}/x/a%b.pdf"}, "", "a%b.pdf"),
    ("location", {"latitude": -33.8688, "longitude": 151.2093, "name": "Martin Place"}, "", "Martin Place"),
    ("contacts", {"contacts": [{"name": "Eva", "phones": ["+49 30 1"], "emails": []}]}, "Eva", "+49 30 1"),
    ("interactive", {"text": "Yes", "id": "y", "title": "Yes"}, "Yes", "Chose"),
    ("reaction", {"emoji": "👍", "mid": "wamid.1"}, "👍", "reacted to “Is it in stock?”"),
    ("order", {"product_items": [{"quantity": 2}]}, "", "Order"),
    ("referral", {"headline": "Spring sale"}, "", "Came from an ad"),
    ("feed", {"text": "Love it", "item": "comment"}, "Love it", "Commented"),
    ("unsupported", {"type": "poll"}, "", "Sent something that cannot be shown here"),
    ("image", {"url": "javascript:alert(1)"}, "", "Photo without an address"),
    ("text", {"text": "Hi", "referral": {"headline": "Spring sale"}}, "", "Came from an ad: Spring sale"),
    (
        "text",
        {"text": "Choose", "buttons": [{"title": "Red"}]},
        "",
        "Red",
    ),
    ("text", {"text": "Mug", "cards": [{"title": "Mug", "subtitle": "9.90"}]}, "", "9.90"),
    ("text", {"text": "Odd", "buttons": 7}, "", "Odd"),
    ("brand_new", {"a": 1}, "", "brand_new"),
]


async def test_every_kind_of_message_is_shown(stage: Stage) -> None:
    page = await stage.chat(PHONE)

    for msg_type, payload, content, _ in CONTENTS:
        placed = {k: v.replace("{desk}", stage.url) if isinstance(v, str) else v for k, v in payload.items()}
        await stage.message(msg_type=msg_type, payload=placed, content=content)

    day_and_first = 2
    await expect(lines(page)).to_have_count(day_and_first + len(CONTENTS))
    for number, (_, _, _, shown) in enumerate(CONTENTS, day_and_first):
        await lines(page).nth(number).scroll_into_view_if_needed()
        await expect(lines(page).nth(number)).to_contain_text(shown)
