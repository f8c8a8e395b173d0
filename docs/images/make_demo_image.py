"""Makes demo.png: `make demo`, then `.venv/bin/python docs/images/make_demo_image.py [URL] [FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

URL = "http://127.0.0.1:8080/demo"
FILE = Path(__file__).with_name("demo.png")
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def main(url: str = URL, file: str = str(FILE)) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-AU")
        page.goto(url)
        talk(page)
        page.screenshot(path=file, animations="disabled")
        browser.close()


def talk(page: Page) -> None:
    """A conversation worth looking at."""
    chat, desk = page.frame_locator("#chat"), page.frame_locator("#desk")
    say(page, "agent", "I am getting somebody for you.")
    say(page, "Is the blue tourer in stock?")
    desk.get_by_role("button", name="Ana Diaz").click()
    desk.locator("#assign").select_option(label="Luis Ortega")
    answer(page, "Hello Ana! Yes, two left: one in M, one in L.")
    page.get_by_role("switch").click()
    say(page, "Lovely. I take the M.")
    expect(page.locator("#entries li", has_text="attempt 2")).to_have_count(1, timeout=15_000)
    page.get_by_role("switch").click()
    expect(desk.locator("#lines")).to_contain_text("I take the M.", timeout=15_000)
    answer(page, "It is yours, see you on Saturday.")
    chat.get_by_role("log").hover()


def say(page: Page, text: str, until: str = "") -> None:
    chat = page.frame_locator("#chat")
    chat.get_by_label("Write a message…").fill(text)
    chat.get_by_label("Write a message…").press("Enter")
    expect(chat.get_by_role("log")).to_contain_text(until or text)


def answer(page: Page, text: str) -> None:
    desk, chat = page.frame_locator("#desk"), page.frame_locator("#chat")
    desk.locator("#composer-text").fill(text)
    desk.locator("#composer-text").press("Enter")
    expect(chat.get_by_role("log")).to_contain_text(text)
    expect(page.locator("#entries li", has_text="message.sent").filter(has_text=text)).to_have_count(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
