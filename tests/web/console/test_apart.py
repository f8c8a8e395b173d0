"""Two companies on one server: neither sees, or reaches, anything of the other."""

from __future__ import annotations

import pytest

from relevo.admin.changing import reading
from relevo.store import conversations, deliveries
from relevo.testing.builders import World
from relevo.web.console import form_tokens
from relevo.web.front_door import FrontDoor
from tests.web.console.browsing import Browser, means_of
from tests.web.console.places import OPEN, Sample, places, sample_of

THEIRS = "Zenith"


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


@pytest.fixture
async def theirs(world: World) -> Sample:
    """Another company that has one of everything, with names that ours does not have."""
    company = await world.add_company(THEIRS)
    await world.says("Hello from Zoe", channel=company.web, user_id="zoe", name="Zoe Zimmer")
    return await sample_of(world, company)


@pytest.fixture
async def ours(world: World) -> Sample:
    return await sample_of(world)


async def test_no_page_shows_anything_of_the_other(
    browser: Browser, app: FrontDoor, ours: Sample, theirs: Sample
) -> None:
    hidden = [THEIRS, "Zoe", theirs.company.web.key, theirs.company.apichat.key]

    for method, path in places(app):
        if method == "GET" and path not in OPEN and not path.endswith("/events"):
            page = await browser.get(ours.address(path))
            assert page.status == 200, path
            assert [text for text in hidden if text in page.html] == [], path


async def test_no_id_of_the_other_opens_anything(
    browser: Browser, app: FrontDoor, ours: Sample, theirs: Sample
) -> None:
    asked = [place for place in places(app) if "{" in place.path and place.path not in OPEN]

    for method, path in asked:
        address = theirs.address(path)
        if method == "GET":
            page = await browser.get(address)
        else:
            page = await browser.send(address, {"text": "Hello", "status": "spam", "name": "x"})
        assert page.status == 404, (method, path, page.status)
    assert len(asked) > 25


async def test_nothing_of_the_other_was_changed(
    browser: Browser, world: World, app: FrontDoor, ours: Sample, theirs: Sample
) -> None:
    before = await _state(world, theirs)
    for method, path in places(app):
        if method == "POST" and "{" in path:
            await browser.send(theirs.address(path), {"text": "Hello", "status": "spam", "member": "1"})

    assert await _state(world, theirs) == before


async def _state(world: World, sample: Sample) -> object:
    async with world.database.read() as connection:
        conversation = await conversations.find(connection, sample.conversation)
        log = await deliveries.listing(connection, sample.company.workspace.id, limit=100)
    found = await reading(means_of(world.services()))
    kept = found.secrets, found.mailboxes
    return conversation, [tuple(row) for row in log], found.endpoints, found.channels, found.members, kept


@pytest.mark.parametrize(
    "path",
    [
        "/console/conversations?channel={channel}",
        "/console/conversations?assigned={member}",
        "/console/conversations?q={user_ns}",
        "/console/deliveries?conversation={user_ns}",
        "/console/deliveries?to=endpoint-{endpoint}",
        "/console/problems?conversation={user_ns}",
    ],
)
async def test_no_filter_reaches_the_other(browser: Browser, ours: Sample, theirs: Sample, path: str) -> None:
    company = theirs.company
    page = await browser.get(
        path.format(
            channel=company.web.id,
            member=company.agent.id,
            user_ns=f"f{company.flow.id}u{theirs.conversation}",
            endpoint=company.endpoint.id,
        )
    )

    assert page.status == 200
    assert page.main.all("li", "tr") == [] or "Ana Diaz" not in page.text


async def test_a_thing_of_the_other_cannot_be_chosen(browser: Browser, ours: Sample, theirs: Sample) -> None:
    """Where a form names a thing, it is one of ours."""
    company, user_ns = theirs.company, f"f{ours.company.flow.id}u{ours.conversation}"

    assigned = await browser.send(
        f"/console/conversations/{user_ns}/assign", {"member": str(company.agent.id)}
    )
    key = await browser.send(
        "/console/api-keys/new", {"name": "x", "flow": str(company.flow.id), "scopes": "Manage Flow"}
    )
    speaks = await browser.send(
        "/console/api-keys/new",
        {
            "name": "x",
            "flow": str(ours.company.flow.id),
            "scopes": "Manage Flow",
            "member": str(company.agent.id),
        },
    )

    assert (assigned.status, key.status, speaks.status) == (404, 422, 422)


def test_the_token_field_has_the_name_that_templates_write() -> None:
    assert form_tokens.FIELD == "form_token"
