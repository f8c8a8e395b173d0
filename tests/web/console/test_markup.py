"""Every page, as somebody with a keyboard and a screen reader has it."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from relevo.store import problems
from relevo.store.problems import Problem
from relevo.testing.builders import World
from relevo.web.console.static_files import FOLDER
from relevo.web.front_door import FrontDoor
from tests.web.console.browsing import Browser, Page
from tests.web.console.markup import Element
from tests.web.console.places import places, sample_of

FIELDS = ("input", "select", "textarea")
FORBIDDEN = re.compile(r"\son[a-z]+=|\sstyle=|javascript:|<style|<script(?![^>]*\ssrc=)", re.I)
PAGES_OF_CONSEQUENCE = (
    "/console/conversations?q=nobody",
    "/console/deliveries?state=parked",
    "/console/deliveries/redeliver",
    "/console/deliveries/redeliveries",
    "/console/deliveries/redeliveries/1",
    "/console/channels/new?type=web",
    "/console/channels/new?type=apichat",
)


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


@pytest.fixture
async def pages(browser: Browser, world: World, app: FrontDoor) -> dict[str, Page]:
    """Every page there is, with something on it; and the door, where nobody is signed in."""
    sample = await sample_of(world)
    async with world.database.write() as connection:
        noted = Problem(
            workspace_id=sample.company.workspace.id,
            conversation_id=sample.conversation,
            code="unsupported_payload",
            detail="news to us",
            at=world.clock.now(),
            raw=b'{"a":1}',
        )
        await problems.insert_new(connection, [noted])
    asked = [sample.address(path) for method, path in places(app) if method == "GET" and _is_page(path)]
    found = {address: await browser.get(address) for address in [*asked, *PAGES_OF_CONSEQUENCE]}
    found["wrong"] = await browser.send(
        "/console/endpoints/new", {"name": "", "url": "x", "header_name": "Host", "header_value": "v"}
    )
    found["mistaken"] = await browser.send("/console/flows/new", {"source": "flow: x", "action": "check"})
    found["tried"] = await browser.send(sample.address("/console/endpoints/{endpoint_id}/test"))
    browser.forget()
    found["set up"] = await browser.get("/console/set-up")
    return found


def _is_page(path: str) -> bool:
    return not path.endswith(("/events", "/sign-in", "/set-up")) and "static" not in path


async def test_pages_keep_what_they_promise(pages: dict[str, Page]) -> None:
    """One test for all, since making the pages takes longest."""
    assert len(pages) > 28
    for where, page in pages.items():
        assert page.status in (200, 422), where
        tree = page.tree  # which refuses tags that do not fit
        found = [
            *_forbidden(page),
            *_heading_problems(tree),
            *_label_problems(tree),
            *_id_problems(tree),
            *_name_problems(tree),
            *_landmark_problems(tree),
        ]
        assert found == [], where


def _forbidden(page: Page) -> list[str]:
    """What the Content-Security-Policy would stop."""
    return FORBIDDEN.findall(page.html)


def _heading_problems(tree: Element) -> list[str]:
    """One h1, and no level left out on the way down."""
    levels = [int(one.name[1]) for one in tree.one("main").all("h1", "h2", "h3", "h4", "h5", "h6")]
    problems = [f"h{one} is followed by h{next_}" for one, next_ in pairwise(levels) if next_ > one + 1]
    first = [] if levels[:1] == [1] else ["the first heading is no h1"]
    return [*problems, *first, *([] if levels.count(1) == 1 else [f"{levels.count(1)} h1"])]


def _label_problems(tree: Element) -> list[str]:
    labelled = {one.get("for") for one in tree.all("label") if one.text}
    return [
        f"{one.name} {one.get('name')} has no label"
        for one in tree.all(*FIELDS)
        if one.get("type") != "hidden" and one.get("id") not in labelled and not one.within("label")
    ]


def _id_problems(tree: Element) -> list[str]:
    """Every id once; everything that is pointed at is there."""
    ids = [one.get("id") for one in tree.elements if one.get("id")]
    pointers = [
        id_
        for one in tree.elements
        for attribute in ("for", "aria-describedby", "aria-labelledby", "list")
        for id_ in one.get(attribute).split()
    ]
    pointers += [one.get("href")[1:] for one in tree.all("a") if one.get("href").startswith("#")]
    twice = [f"id {id_} twice" for id_ in set(ids) if ids.count(id_) > 1]
    return twice + [f"nothing has the id {id_}" for id_ in pointers if id_ not in ids]


def _name_problems(tree: Element) -> list[str]:
    """Whatever can be used says what it does."""
    usable = tree.all("a", "button", "summary")
    unnamed = [
        one for one in usable if not one.text and not one.get("aria-label") and not one.get("aria-hidden")
    ]
    pictures = [one for one in tree.all("img") if "alt" not in one.attributes]
    return [f"{one.name} {one.attributes} has no name" for one in [*unnamed, *pictures]]


def _landmark_problems(tree: Element) -> list[str]:
    html = tree.one("html")
    found = [] if html.get("lang") == "en" else ["no language"]
    skips = [one.get("href") for one in tree.all("a", class_="skip")]
    return found + ([] if skips == ["#main"] else ["no skip link"])


async def test_every_link_of_every_page_leads_somewhere(
    browser: Browser, world: World, app: FrontDoor
) -> None:
    sample = await sample_of(world)
    asked = [sample.address(path) for method, path in places(app) if method == "GET" and _is_page(path)]
    links = {
        link.get("href").partition("#")[0]
        for address in asked
        for link in (await browser.get(address)).tree.all("a")
        if link.get("href").startswith("/console")
    }

    assert len(links) > 15
    for link in sorted(links):
        assert (await browser.get(link)).status == 200, link


async def test_every_form_is_sent_to_a_page_that_takes_it(
    browser: Browser, world: World, app: FrontDoor
) -> None:
    sample = await sample_of(world)
    taken = {(method, sample.address(path)) for method, path in places(app) if "static" not in path}

    for method, path in places(app):
        if method == "GET" and _is_page(path):
            for form in (await browser.get(sample.address(path))).tree.all("form"):
                sent = (form.get("method").upper(), form.get("action"))
                assert sent in taken, (path, sent)
                if sent[0] == "POST":
                    assert form.one("input", name="form_token").get("value") == browser.form_token


def test_the_script_and_the_stylesheet_fetch_nothing_from_elsewhere() -> None:
    for name in ("console.js", "console.css"):
        text = (FOLDER / name).read_text()
        assert re.findall(r"https?://|//[a-z]+\.|@import|url\(", text) == [], name


def test_the_script_needs_nothing_that_the_policy_forbids() -> None:
    text = (FOLDER / "console.js").read_text()

    assert re.findall(r"\beval\(|new Function|setAttribute\(\"(style|on)", text) == []
    assert len(text) < 16_000  # small, and read by hand
