"""The demo in a real browser: the server and the desk are processes of their own, as anybody starts them.
What the desk is answered by the API is compared with the OpenAPI document."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page, expect

from relevo.testing.ports import free_port
from tests.browsers import PATIENCE, chromium
from tests.journeys.watched import ANSWERS, kept
from tests.web.api.validating import our_document
from tests.web.api.watching import compare

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]


class Demo:
    """`relevo demo`, running; what its API answers is kept in a file."""

    def __init__(self, port: int, answers: Path) -> None:
        self.port, self.answers = port, answers
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.watched", "demo", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, ANSWERS: str(answers)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed = ""

    def url(self) -> str:
        """Where it says that it is; waits until it says so."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if found := re.search(r"http://\S+", line):
                return found[0]
        pytest.fail(f"the demo did not start: {self.process.communicate()[1]}")

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Its exit code, and what it complained of."""
        self.process.send_signal(how)
        out, complaints = self.process.communicate(timeout=20)
        self.printed += out
        return self.process.returncode, complaints


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(two_free_ports(), tmp_path / "answers")
    yield demo
    if demo.process.poll() is None:
        assert demo.end() == (0, "")
    compare(our_document(), kept(demo.answers))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-AU", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


class Shown:
    """The demo's page: the customer on the left, the agent on the right."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)

    @property
    def chat(self) -> FrameLocator:
        return self.page.frame_locator("#chat")

    @property
    def desk(self) -> FrameLocator:
        return self.page.frame_locator("#desk")

    def open(self) -> Shown:
        self.expect_online()
        expect(self.desk.get_by_role("heading", name="Desk")).to_be_visible()
        expect(self.page.locator("#link")).to_have_text("live")
        return self

    def expect_online(self) -> None:
        expect(self.chat.locator("relevo-chat")).to_have_attribute("data-state", "online")

    def ask(self, *texts: str) -> None:
        for text in texts:
            self.chat.get_by_label("Write a message…").fill(text)
            self.chat.get_by_label("Write a message…").press("Enter")

    def expect_said(self, text: str) -> None:
        """The customer reads it, once."""
        bubble = self.chat.get_by_role("log").locator(".bubble", has_text=text)
        expect(bubble).to_have_count(1)
        expect(bubble).to_be_visible()

    def open_conversation(self) -> None:
        self.desk.get_by_role("button", name="Ana Diaz").click()

    def answer(self, text: str) -> None:
        say_as_agent(self.desk, text)

    def bubbles(self) -> list[str]:
        return self.chat.locator(".message:not(.typing) .bubble").all_inner_texts()

    def entry(self, event: str, words: str = "") -> Locator:
        return self.page.locator("#entries li", has_text=event).filter(has_text=words)


def say_as_agent(desk: FrameLocator | Page, text: str) -> None:
    desk.locator("#composer-text").fill(text)
    desk.locator("#composer-text").press("Enter")


@pytest.fixture
def shown(demo: Demo, context: BrowserContext) -> Iterator[Shown]:
    shown = Shown(context.new_page(), demo.url()).open()
    yield shown
    assert shown.errors == []


def two_free_ports() -> int:
    """The first of two neighbours."""
    while True:
        port = free_port()
        with socket.socket() as next_one, closing(next_one):
            try:
                next_one.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


# The whole path


def test_a_customer_is_handed_to_an_agent_and_back(shown: Shown) -> None:
    shown.expect_said("Hello Ana!")
    shown.ask("agent")
    shown.expect_said("I am getting somebody for you.")
    expect(shown.entry("handoff.requested")).to_be_visible()

    shown.ask("Is the blue tourer in stock?")
    shown.open_conversation()
    expect(shown.desk.locator("#lines")).to_contain_text("Is the blue tourer in stock?")
    shown.answer("Yes, two left.")
    shown.expect_said("Yes, two left.")
    expect(shown.entry("send-text", "Yes, two left.")).to_contain_text("200")

    shown.desk.get_by_role("button", name="Resolve", exact=True).click()
    shown.expect_said("It is me again, the bot.")
    expect(shown.entry("handoff.returned")).to_be_visible()
    shown.ask("opening hours")
    shown.expect_said("We are open Monday to Friday")
    expect(shown.entry("message.received")).to_have_count(1)


def test_the_customer_calls_the_bot_back_with_a_word(shown: Shown) -> None:
    shown.ask("agent")
    shown.expect_said("I am getting somebody for you.")

    shown.ask("bot")

    shown.expect_said("It is me again, the bot.")
    expect(shown.entry("handoff.returned")).to_be_visible()


def test_after_a_dropped_connection_everything_is_there_once_and_in_order(
    demo: Demo, context: BrowserContext, browser: Browser
) -> None:
    shown = Shown(context.new_page(), demo.url()).open()
    agent = browser.new_context().new_page()
    agent.goto(f"http://127.0.0.1:{demo.port + 1}/")
    shown.ask("agent")
    shown.expect_said("I am getting somebody for you.")
    shown.ask("Are you there?")
    agent.get_by_role("button", name="Ana Diaz").click()
    say_as_agent(agent, "I am here.")
    shown.expect_said("I am here.")

    context.set_offline(True)
    expect(shown.chat.locator("relevo-chat")).to_have_attribute("data-state", "offline")
    say_as_agent(agent, "Which colour?")
    say_as_agent(agent, "We have blue and red.")
    expect(agent.locator("#lines")).to_contain_text("We have blue and red.")
    shown.ask("Blue, please.", "And a bell.")
    context.set_offline(False)

    shown.expect_said("We have blue and red.")
    expect(agent.locator("#lines")).to_contain_text("And a bell.")
    shown.expect_said("And a bell.")
    shown.ask("Thank you!")
    expect(agent.locator("#lines")).to_contain_text("Thank you!")
    said = shown.bubbles()
    start = said.index("I am here.")
    assert sorted(said[start:]) == sorted(
        [
            "I am here.",
            "Which colour?",
            "We have blue and red.",
            "Blue, please.",
            "And a bell.",
            "Thank you!",
        ]
    )
    assert said.index("Which colour?") < said.index("We have blue and red.")
    assert said.index("Blue, please.") < said.index("And a bell.") < said.index("Thank you!")
    expect(shown.entry("message.received", "Thank you!")).to_be_visible()
    ids = [int(id_ or 0) for id_ in attributes(shown.page.locator("#entries li"), "data-id")]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert [error for error in shown.errors if "ERR_INTERNET_DISCONNECTED" not in error] == []


def test_a_platform_that_was_down_gets_everything_in_order(shown: Shown) -> None:
    switch = shown.page.get_by_role("switch", name="Desk takes webhooks")
    shown.ask("agent")
    shown.expect_said("I am getting somebody for you.")
    shown.ask("zero")
    shown.open_conversation()
    expect(shown.desk.locator("#lines")).to_contain_text("zero")

    switch.click()
    expect(switch).not_to_be_checked()
    shown.ask("one", "two", "three")
    refused = shown.entry("503", "attempt 2")
    expect(refused.first).to_be_visible()
    expect(shown.desk.locator("#lines")).not_to_contain_text("one")
    switch.click()

    expect(shown.desk.locator("#lines")).to_contain_text("three")
    told = shown.desk.locator("#lines .bubble").all_inner_texts()
    assert [text for text in told if text in ("zero", "one", "two", "three")] == [
        "zero",
        "one",
        "two",
        "three",
    ]
    expect(shown.entry("message.received", "three")).to_be_visible()
    numbers = [int(number) for number in re.findall(r"#(\d+)", " ".join(delivered(shown)))]
    assert numbers == list(range(1, len(numbers) + 1))
    ids = {refused.nth(at).locator(".id").get_attribute("title") for at in range(refused.count())}
    assert len(ids) == 1


def delivered(shown: Shown) -> list[str]:
    """The webhooks that were accepted, from top to bottom."""
    return shown.page.locator("#entries details:not(.bad):has(.out) .what").all_inner_texts()


def attributes(nodes: Locator, name: str) -> list[str | None]:
    return [nodes.nth(at).get_attribute(name) for at in range(nodes.count())]


# The page


def test_an_entry_opens_to_show_all_of_it_but_no_secret(shown: Shown) -> None:
    shown.ask("agent", "Hello?")
    entry = shown.entry("message.received", "Hello?")
    entry.locator("summary").press("Enter")

    expect(entry.locator("pre").first).to_contain_text('"content": "Hello?"')
    expect(entry).to_contain_text("webhook-signature")
    expect(entry).to_contain_text("x-desk-key", ignore_case=True)
    expect(entry).to_contain_text("••••")
    call = shown.entry("subscriber/get-info")
    call.locator("summary").click()
    expect(call).to_contain_text("Bearer ••••")
    expect(call.locator("pre")).to_contain_text('"user_ns"')


def test_on_a_phone_the_panes_are_tabs(demo: Demo, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    shown = Shown(context.new_page(), demo.url())
    shown.expect_online()

    shown.ask("agent", "Hello?")
    expect(shown.page.get_by_role("tab", name="Desk").locator(".news")).to_be_visible()
    expect(shown.page.locator("#pane-desk")).to_be_hidden()
    shown.page.get_by_role("tab", name="Chat").press("ArrowRight")
    expect(shown.page.get_by_role("tab", name="Wire")).to_be_focused()
    expect(shown.entry("message.received")).to_be_in_viewport()
    shown.page.get_by_role("tab", name="Desk").click()
    shown.open_conversation()
    shown.answer("Hello Ana.")
    shown.page.get_by_role("tab", name="Chat").click()

    shown.expect_said("Hello Ana.")
    assert shown.page.evaluate("document.documentElement.scrollWidth") == 390
    assert shown.errors == []
    context.close()


def test_another_name_of_this_machine_leads_to_the_one_address(demo: Demo, context: BrowserContext) -> None:
    url = demo.url()
    page = context.new_page()
    page.goto(url.replace("127.0.0.1", "localhost"))

    assert page.url == url


# The command


def test_one_url_is_printed_and_ctrl_c_ends_everything(demo: Demo, context: BrowserContext) -> None:
    Shown(context.new_page(), demo.url()).open()

    assert demo.end() == (0, "")
    assert len(re.findall("https?://", demo.printed)) == 1
    for port in (demo.port, demo.port + 1):
        with socket.socket() as caller:
            assert caller.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("neighbour", [0, 1])
def test_a_port_that_is_taken_is_named(neighbour: int, tmp_path: Path) -> None:
    port = two_free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + neighbour))
        taken.listen()
        demo = Demo(port, tmp_path / "answers")
        _, complaints = demo.process.communicate(timeout=20)

    assert demo.process.returncode == 1
    assert f"port {port + neighbour} cannot be used" in complaints
    assert "--port" in complaints
    assert "Traceback" not in complaints


def test_the_demo_keeps_nothing_and_leaves_an_installation_alone(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.url()
    assert not (ROOT / "relevo-data").exists()
    assert demo.end(signal.SIGTERM) == (0, "")
