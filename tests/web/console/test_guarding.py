"""Who may see what, and whose forms are believed."""

from __future__ import annotations

import msgspec
import pytest

from relevo.domain.workspaces import Member, Role
from relevo.store import accounts
from relevo.testing.builders import World
from relevo.web.console import form_tokens
from relevo.web.front_door import FrontDoor
from tests.web.console.browsing import Browser
from tests.web.console.places import OPEN, Place, places, sample_of

FOR_AGENTS = frozenset({"/console", "/console/events", "/console/sign-out"})
FOR_MEMBERS = FOR_AGENTS | {"/console/problems", "/console/reports"}
_LIVE = ("/events",)


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


def is_for(role: Role, place: Place) -> bool:
    """What the roles are to see, written down once more."""
    if place.path.startswith("/console/conversations") or place.path in FOR_AGENTS:
        return True
    if role is Role.MEMBER:
        ours = ("/console/deliveries", "/console/broadcasts", "/console/segments")
        return place.path in FOR_MEMBERS or place.path.startswith(ours)
    return role in (Role.ADMIN, Role.OWNER)


async def member_with(world: World, role: Role) -> Member:
    blank = msgspec.structs.replace(
        world.company.agent, role=role, email=f"{role}@example.com", name=role.value.title()
    )
    async with world.database.write() as connection:
        return await accounts.insert_member(connection, blank, world.clock.now())


async def test_a_stranger_sees_nothing_and_does_nothing(
    stranger: Browser, world: World, app: FrontDoor
) -> None:
    sample = await sample_of(world)
    asked = [place for place in places(app) if place.path not in OPEN]

    for method, path in asked:
        address = sample.address(path)
        page = await (stranger.get(address) if method == "GET" else stranger.post(address, {}))
        assert page.goes_to.startswith("/console/sign-in"), (method, path, page.status)
        assert "Ana" not in page.html
    assert len(asked) > 40


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_sees_what_is_for_it_and_nothing_else(
    stranger: Browser, world: World, app: FrontDoor, role: Role
) -> None:
    sample = await sample_of(world)
    await stranger.sign_in(await member_with(world, role))

    for method, path in places(app):
        if path in OPEN or path.endswith(_LIVE):
            continue  # streams do not end: see test_live
        address = sample.address(path)
        if method == "GET":
            page = await stranger.get(address)
        else:
            page = await stranger.post(address, {})  # without our token: nothing is done
        if not is_for(role, Place(method, path)):
            assert page.status == 403, (method, path, page.status)
            assert "Your role does not let you" in page.text
        elif method == "GET":
            assert page.status in (200, 303), (method, path, page.status)
        else:
            assert "This form was open for too long" in page.text, (method, path)


async def test_the_menu_has_what_the_role_may_see(stranger: Browser, world: World) -> None:
    await stranger.sign_in(world.company.agent)

    page = await stranger.get("/console/conversations")

    menu = page.tree.one("nav", aria_label="Console")
    assert [link.text for link in menu.all("a")] == ["Conversations"]
    assert (await stranger.get("/console")).goes_to == "/console/conversations"


async def test_a_form_without_our_token_does_nothing(browser: Browser, world: World, app: FrontDoor) -> None:
    sample = await sample_of(world)
    foreign = form_tokens.token_for(b"another key, at least thirty-two bytes", browser.kept("session"))

    for method, path in places(app):
        if method == "POST":
            for fields in ({}, {form_tokens.FIELD: ""}, {form_tokens.FIELD: foreign}):
                page = await browser.post(sample.address(path), fields)
                assert page.status in (403, 404), (path, fields, page.status)
    assert (await browser.get("/console")).status == 200  # nor was anybody signed out


async def test_another_members_token_does_not_fit(browser: Browser, world: World) -> None:
    olgas = browser.form_token
    await browser.sign_in(world.company.agent)

    page = await browser.post("/console/sign-out", {form_tokens.FIELD: olgas})

    assert page.status == 403


async def test_a_stranger_needs_the_token_of_a_page_too(stranger: Browser) -> None:
    """Else another site could sign a victim in as somebody else."""
    page = await stranger.post("/console/sign-in", {"email": "olga@example.com", "password": "x" * 12})

    assert page.status == 403


async def test_pages_forbid_whatever_they_do_not_need(browser: Browser) -> None:
    page = await browser.get("/console")

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"


async def test_a_body_that_is_no_form_is_refused(browser: Browser) -> None:
    many = "&".join(f"a{number}=1" for number in range(500))

    page = await browser.post_raw("/console/sign-out", many)
    broken = await browser.post_raw("/console/sign-out", b"\xff\xfe=%ff")

    assert (page.status, broken.status) == (422, 422)


async def test_what_is_not_there_is_said_so(browser: Browser) -> None:
    for path in ("/console/endpoints/9999", "/console/conversations/f1u1", "/console/conversations/x"):
        page = await browser.get(path)
        assert (page.status, page.main.one("h1").text) == (404, "There is nothing here"), path
    huge = await browser.get(f"/console/deliveries/{10**30}")
    assert huge.status == 404


@pytest.mark.parametrize("name", ["../forms.py", "console.py", "forms.html", "..%2Fforms.py"])
async def test_only_the_files_for_browsers_are_served(stranger: Browser, name: str) -> None:
    assert (await stranger.get(f"/console/static/{name}")).status == 404


async def test_files_are_kept_for_good_by_their_version(stranger: Browser) -> None:
    page = await stranger.follow(await stranger.get("/console/sign-in"))
    links = [one.get("href") for one in page.tree.all("link")] + [page.tree.one("script").get("src")]

    for link in links:
        found = await stranger.get(link)
        assert found.status == 200
        assert "immutable" in found.headers["cache-control"]
        older = await stranger.get(link.replace("?v=", "?v=0"))
        assert "immutable" not in older.headers["cache-control"]
