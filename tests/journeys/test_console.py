"""The console in a real browser: from the server's first line in its log to a customer who is answered."""

from __future__ import annotations

import json
import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from relevo.testing.ports import free_port
from tests.browsers import PATIENCE, chromium

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"


class Platform:
    """The company's own live-chat system: takes what it is told, or answers that it is gone."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                platform.keys.append(self.headers["x-desk-key"])
                if platform.status == 200:
                    platform.taken.append(json.loads(body))
                self.send_response(platform.status)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(b'{"from":"the platform"}')

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def said(self) -> list[str]:
        """What customers said to it."""
        return [one["message"]["content"] for one in self.taken if "message" in one]


class MailServer(socketserver.ThreadingTCPServer):
    """Takes every e-mail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _MailTalk)
        self.port = self.server_address[1]
        self.taken: list[str] = []


class _MailTalk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 hello")
        while line := self.rfile.readline().strip().upper():
            if line == b"DATA":
                self._say("354 go on")
                self._take()
            self._say("221 bye" if line == b"QUIT" else "250 yes")

    def _take(self) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        assert isinstance(self.server, MailServer)
        self.server.taken.append(b"".join(lines).decode())

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class Server:
    """`relevo serve` with an empty data folder."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self._log = (folder / "log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "relevo", "serve", "--port", str(port)],
            env=os.environ
            | {
                "RELEVO_DATA_DIR": str(folder / "data"),
                "RELEVO_PUBLIC_URL": self.url,
                "RELEVO_ALLOWED_NETWORKS": "127.0.0.0/8",
            },
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    @property
    def log(self) -> str:
        return Path(self._log.name).read_text()

    def end(self) -> int:
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(timeout=20)
        finally:
            self._process.kill()
            self._log.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    thread = threading.Thread(target=platform.server.serve_forever)
    thread.start()
    yield platform
    platform.server.shutdown()
    thread.join()
    platform.server.server_close()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    code = server.end()
    assert code == 0, server.log


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-AU")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, server: Server) -> Iterator[Page]:
    """A page that complains of nothing: no script fails, and nothing is against the policy. A status that
    says what is wrong with a form is no mistake of the page."""
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    yield page
    page.close()
    assert [one for one in complaints if one.startswith("error") and "status of 422" not in one] == []


def code_of(server: Server, page: Page) -> str:
    """The code that stands in the server's log; waits until the server is up."""
    for _ in range(300):
        with suppress(PlaywrightError):
            page.request.get(f"{server.url}/healthz")
            found = re.search(r"[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}", server.log)
            assert found, server.log
            return found[0]
        page.wait_for_timeout(100)  # another process is starting
    pytest.fail(f"the server did not start: {server.log}")


def set_up(page: Page, server: Server) -> None:
    """The first person, by keyboard."""
    code = code_of(server, page)
    page.goto(f"{server.url}/console")
    expect(page.get_by_role("heading", name="Set up Relevo")).to_be_visible()
    page.get_by_label("Code").focus()
    for text in (code, "Acme", "Olga", "olga@example.com", PASSWORD):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Everything is well")).to_be_visible()


def sign_in(page: Page, server: Server) -> None:
    """By keyboard."""
    page.goto(f"{server.url}/console")
    page.get_by_label("E-mail").focus()
    page.keyboard.type("olga@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def make_endpoint(page: Page, platform: Platform) -> None:
    page.get_by_role("link", name="Integrations → Webhooks").click()
    page.get_by_role("link", name="New webhook").click()
    page.get_by_label("Name", exact=True).fill("desk")
    page.get_by_label("URL").fill("http://10.1.2.3/hook")
    page.get_by_label("Name of header 1").fill("X-Desk-Key")
    page.get_by_label("Value of header 1").fill("k-123")
    page.get_by_role("button", name="Another header").click()
    expect(page.get_by_label("Name of header 2")).to_be_focused()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("leads to 10.1.2.3, which is private")
    page.get_by_role("alert").get_by_role("link", name="URL").press("Enter")
    page.get_by_label("URL").fill(platform.url)
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status")).to_contain_text("Signing secret, shown only now")
    expect(page.get_by_role("status").locator("code")).to_contain_text("whsec_")
    page.get_by_role("button", name="Send test event").click()
    expect(page.get_by_role("status")).to_contain_text("Accepted with 200")
    expect(page.get_by_role("heading", name="The answer")).to_be_visible()
    assert platform.taken[-1]["event"]["type"] == "test"
    assert platform.keys == ["k-123"]


def make_flow(page: Page) -> None:
    page.get_by_role("link", name="Flows").click()
    page.get_by_role("link", name="New flow").first.click()
    source = page.get_by_label("Text of the flow")
    good = source.input_value()
    source.fill(good.replace("do: person", "do: persn"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text('Did you mean "person"?')
    source.fill(good)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status")).to_contain_text("Version 1 is published.")


def make_channel(page: Page) -> str:
    """A web chat whose live chat goes to the platform; the address of its page."""
    page.get_by_role("link", name="Channels").click()
    page.get_by_role("link", name="New channel").first.click()
    page.get_by_role("link", name="Web chat").click()
    page.get_by_label("Name", exact=True).fill("site")
    expect(page.get_by_label("Webhook", exact=True).last).to_be_hidden()
    page.get_by_role("radio", name="Webhook").check()
    page.get_by_role("combobox", name="Webhook").select_option(index=1)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("The channel is saved.")
    address = page.get_by_role("link", name="Open the chat").get_attribute("href")
    assert address is not None
    return address


def customer_asks(context: BrowserContext, address: str) -> Page:
    """A customer asks for a person, and then something."""
    chat = context.new_page()
    chat.goto(address)
    write = chat.get_by_label("Write a message…")
    for text in ("Hello", "agent please", "Is it in stock?"):
        write.fill(text)
        write.press("Enter")
        expect(chat.get_by_role("log")).to_contain_text(text)
    expect(chat.get_by_role("log")).to_contain_text("I am getting somebody for you.")
    return chat


def test_a_company_sets_relevo_up_loses_its_platform_and_answers_all_the_same(
    browser: Browser, context: BrowserContext, page: Page, server: Server, platform: Platform
) -> None:
    set_up(page, server)
    expect(page.locator(".step-done")).to_have_count(0)
    make_endpoint(page, platform)
    make_flow(page)
    address = make_channel(page)
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_text("All three steps are done")).to_be_visible()

    # The platform is gone while a customer asks for a person.
    platform.status = 410
    customers = browser.new_context(locale="en-AU")
    customers.set_default_timeout(PATIENCE)
    chat = customer_asks(customers, address)
    expect(page.get_by_role("link", name="desk is disabled")).to_be_visible()  # the page is live
    assert platform.said() == []

    # It is back: the endpoint is enabled again, and what was lost is delivered again.
    platform.status = 200
    page.get_by_role("link", name="desk is disabled").click()
    expect(page.get_by_text("The endpoint answered 410 Gone.")).to_be_visible()
    page.get_by_role("button", name="Enable again").click()
    page.get_by_role("link", name="Its deliveries").click()
    page.get_by_label("State").select_option(label="Given up")
    page.get_by_role("row", name="Message of the customer").get_by_role("link").click()
    expect(page.get_by_text("Refused with 410.")).to_be_visible()
    page.get_by_role("button", name="Redeliver").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("It is delivered again.")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Delivered$"))  # by itself
    expect(page.get_by_text("Accepted with 200.")).to_be_visible()
    assert platform.said() == ["Is it in stock?"]

    # A member answers from the inbox, by keyboard.
    page.get_by_role("link", name="Conversations").click()
    page.wait_for_url("**/conversations")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).not_to_be_focused()
    page.get_by_role("list", name="Conversations").get_by_role("link").press("Enter")
    expect(page.get_by_role("heading", level=1, name="Visitor")).to_be_visible()
    expect(page.locator(".messages")).to_contain_text("Is it in stock?")
    words = page.get_by_label("Your words")
    words.focus()
    page.keyboard.type("Yes, two left.")
    page.keyboard.press("Enter")
    expect(words).to_have_value("")
    expect(page.locator(".said-agent")).to_contain_text("Yes, two left.")  # by the event stream
    expect(chat.get_by_role("log")).to_contain_text("Yes, two left.")
    write = chat.get_by_label("Write a message…")
    write.fill("Thank you!")
    write.press("Enter")
    expect(page.locator(".messages")).to_contain_text("Thank you!")
    expect(page.get_by_text("Thank you!")).to_be_in_viewport()

    # A note stays inside; then the bot speaks again.
    page.get_by_label("Note for colleagues").check()
    words.fill("Sold one")
    words.press("Enter")
    expect(page.locator(".said-note")).to_contain_text("Sold one")
    page.get_by_role("button", name="Resume the bot").click()
    expect(page.get_by_text("Bot has control", exact=True)).to_be_visible()
    expect(chat.get_by_role("log")).not_to_contain_text("Sold one")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Conversations")).to_be_visible()
    customers.close()

    page.get_by_role("button", name="Sign out").press("Enter")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    sign_in(page, server)


def test_on_a_phone_and_without_scripts_everything_is_within_reach(
    browser: Browser, page: Page, server: Server
) -> None:
    set_up(page, server)
    phone = browser.new_context(
        viewport={"width": 320, "height": 640},
        is_mobile=True,
        has_touch=True,
        java_script_enabled=False,
        storage_state=page.context.storage_state(),
    )
    phone.set_default_timeout(PATIENCE)
    small = phone.new_page()
    small.goto(f"{server.url}/console")
    expect(small.get_by_role("link", name="Flows", exact=True)).to_be_hidden()

    small.get_by_role("link", name="Open the menu").tap()
    small.get_by_role("link", name="Flows", exact=True).tap()
    small.get_by_role("link", name="New flow").first.tap()
    small.get_by_role("button", name="Publish").tap()
    expect(small.get_by_text("Version 1 is published.")).to_be_visible()

    small.goto(f"{server.url}/console/endpoints/new")
    small.get_by_role("button", name="Another header").tap()
    expect(small.get_by_label("Name of header 2")).to_be_visible()
    small.goto(f"{server.url}/console/settings")
    small.get_by_label("Time zone", exact=True).fill("Europe/Madrid")
    small.get_by_role("button", name="Save").tap()
    expect(small.get_by_text("The settings are saved.")).to_be_visible()
    phone.close()


IN_GERMAN = """\
version: 1
flow: support
start: begin
subflows:
  begin:
    - set: {language: de, email: ana@example.com}
    - email: {subject: Hallo, text: Hier ist Ihre Rechnung.}
    - send: You have mail.
"""


def set_mail_server(page: Page, server: Server, mail_server: MailServer) -> None:
    """And have one e-mail sent to oneself."""
    page.goto(f"{server.url}/console/email")
    page.get_by_role("textbox", name="Server").fill("127.0.0.1")
    page.get_by_role("spinbutton", name="Port").fill(str(mail_server.port))
    page.get_by_role("radio", name="None").check()
    page.get_by_role("textbox", name="From").fill("Acme <hello@acme.example>")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("E-mails go over 127.0.0.1 now.")
    page.get_by_role("button", name="Send a test e-mail").click()
    expect(page.get_by_role("status")).to_contain_text("has taken the e-mail to olga@example.com")
    assert "A test of Relevo" in mail_server.taken.pop()


def test_a_customer_gets_an_email_and_then_no_more_of_them(
    browser: Browser, page: Page, server: Server, mail_server: MailServer
) -> None:
    """On the page behind the link in it, which has no script."""
    set_up(page, server)
    set_mail_server(page, server, mail_server)
    page.goto(f"{server.url}/console/flows/new")
    page.get_by_label("Text of the flow").fill(IN_GERMAN)
    page.get_by_role("button", name="Publish").click()
    page.goto(f"{server.url}/console/channels/new?type=web")
    page.get_by_label("Name", exact=True).fill("site")
    page.get_by_role("button", name="Save").click()
    chat = page.get_by_role("link", name="Open the chat").get_attribute("href")
    assert chat is not None
    customer = page.context.new_page()
    customer.goto(chat)
    customer.get_by_label("Write a message…").fill("Hello")
    customer.keyboard.press("Enter")
    expect(customer.get_by_role("log")).to_contain_text("You have mail.")
    for _ in range(100):
        if mail_server.taken:
            break
        page.wait_for_timeout(100)

    found = re.search("List-Unsubscribe: <(.+?)>", mail_server.taken[0].replace("\r\n", ""))
    assert found is not None
    for scheme in ("light", "dark"):
        for width in (320, 1280):
            window = browser.new_context(
                color_scheme=scheme,
                viewport={"width": width, "height": 640},
            )
            link = window.new_page()
            link.goto(found[1])
            expect(link.get_by_role("button", name="Keine E-Mails mehr")).to_be_visible()
            assert link.evaluate("document.documentElement.scrollWidth") <= width
            assert link.evaluate("getComputedStyle(document.body).fontFamily") != "Times New Roman"
            window.close()
    page.goto(found[1])
    page.get_by_role("button", name="Keine E-Mails mehr").click()
    expect(page.get_by_role("heading", name="Sie bekommen keine E-Mails mehr.")).to_be_visible()


def test_no_page_is_wider_than_its_window(page: Page, server: Server, platform: Platform) -> None:
    set_up(page, server)
    make_endpoint(page, platform)
    make_flow(page)
    address = make_channel(page)
    customer_asks(page.context, address)
    paths = ["", "/conversations", "/conversations/f1001u1", "/deliveries", "/problems", "/flows"]
    paths += ["/flows/1001", "/flows/1001/edit", "/flows/new", "/channels", "/channels/new", "/channels/1"]
    paths += ["/channels/new?type=apichat", "/endpoints", "/endpoints/1", "/endpoints/new", "/api-keys"]
    paths += [
        "/secrets",
        "/secrets/new",
        "/email",
        "/api-keys/new",
        "/members",
        "/members/1",
        "/members/new",
        "/settings",
        "/deliveries/1",
    ]
    paths += ["/deliveries/redeliver", "/deliveries/redeliveries"]

    too_wide = {}
    for path in paths:
        answer = page.goto(f"{server.url}/console{path}")
        assert answer is not None
        assert answer.status == 200, path
        for width in (320, 390, 768, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            found = page.evaluate("document.documentElement.scrollWidth")
            if found > width:
                too_wide[path, width] = found
    assert too_wide == {}


def test_a_flow_is_written_with_help_tried_and_looked_at(page: Page, server: Server) -> None:
    """By keyboard."""
    set_up(page, server)
    page.goto(f"{server.url}/console/flows/new")
    text = page.get_by_label("Text of the flow")
    text.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("    - st")
    expect(page.get_by_role("option", selected=True)).to_contain_text("status")
    page.keyboard.press("Enter")
    page.keyboard.type("gone")
    expect(page.locator("[data-findings]")).to_contain_text("status must be one of open, pending, done, spam")
    for _ in "gone":
        page.keyboard.press("Backspace")
    page.keyboard.type("done")
    expect(page.locator("[data-findings]")).to_contain_text("No mistakes")
    assert text.input_value().endswith("    - status: done")

    page.get_by_role("button", name="Try").click()
    for line in ("hi", "agent", "/wait 30m"):
        page.get_by_label("What happens next").fill(line)
        page.keyboard.press("Enter")
        expect(page.get_by_label("What happens next")).to_have_value("")
    expect(page.get_by_role("log")).to_contain_text("handoff.returned")
    page.get_by_role("button", name="Back to the editor").click()
    expect(page.get_by_role("status").first).to_contain_text("No mistakes")
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("link", name="Picture").click()
    expect(page.get_by_role("img", name="The flow support")).to_contain_text("status: done")


COMPLETED = """
    - tag: lead
    - when: {field: plan, is: pro}
      then: [{go: person}]
    - tag: [hot, lead]
"""


def test_words_and_names_are_completed_wherever_they_stand(page: Page, server: Server) -> None:
    set_up(page, server)
    page.goto(f"{server.url}/console/flows/new")
    text = page.get_by_label("Text of the flow")
    text.focus()
    page.keyboard.press("Control+End")
    start = text.input_value()

    def complete(begun: str, name: str) -> None:
        page.keyboard.type(begun)
        expect(page.get_by_role("option", selected=True)).to_have_text(re.compile(f"^{name}"))
        page.keyboard.press("Enter")

    page.keyboard.type("    - tag: lead\n    - when: {")
    complete("fie", "field")
    page.keyboard.type("plan, ")
    complete("i", "is")
    page.keyboard.type("pro}\n      ")
    complete("th", "then")
    page.keyboard.type("[{go: ")
    complete("p", "person")
    page.keyboard.type("}]\n    - tag: [hot, ")
    complete("l", "lead")
    page.keyboard.type("]\n")
    expect(page.get_by_role("listbox")).to_be_hidden()

    assert text.input_value() == start + COMPLETED.removeprefix("\n")


def test_the_numbers_of_a_picture_follow_without_a_reload(
    browser: Browser, page: Page, server: Server, platform: Platform
) -> None:
    set_up(page, server)
    make_endpoint(page, platform)
    make_flow(page)
    address = make_channel(page)
    page.goto(f"{server.url}/console/flows/1001/picture")
    page.evaluate("window.isSame = true")
    expect(page.get_by_text("Nobody has written yet.")).to_be_visible()

    customers = browser.new_context(locale="en-AU")
    customers.set_default_timeout(PATIENCE)
    customer_asks(customers, address)

    expect(page.get_by_role("img", name="The flow support")).to_contain_text("1 waiting here")
    expect(page.get_by_text("1 of the 1 people")).to_be_visible()
    expect(page.get_by_role("row", name="person: step 2 1 0")).to_be_visible()
    assert page.evaluate("window.isSame")
    customers.close()
