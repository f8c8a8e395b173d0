"""The first run."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from relevo.admin.changing import reading
from relevo.domain.workspaces import Role
from relevo.testing.builders import World
from relevo.web.console import first_run_code
from relevo.web.console.setting_up import WRONG_CODE
from relevo.web.console.visits import OF_ADDRESS
from relevo.web.front_door import FrontDoor
from relevo.web.services import Services
from tests.web.console.browsing import Browser, means_of
from tests.web.exchanges import client_of

FIELDS = {
    "workspace": "Ignored",
    "name": "Nora",
    "email": "nora@example.com",
    "password": "correct horse",
}


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


@pytest.fixture
async def browser(app: FrontDoor, services: Services) -> AsyncIterator[Browser]:
    """Nobody has a password yet: the company came from a workspace file."""
    async with client_of(app) as client:
        yield Browser(client, services)


async def test_the_console_sends_the_first_one_to_set_it_up(browser: Browser) -> None:
    page = await browser.follow(await browser.get("/console/sign-in"))

    assert page.main.one("h1").text == "Set up Relevo"
    assert page.main.all("input", name="workspace") == []  # there is exactly one


async def test_with_the_code_of_the_log_one_becomes_the_owner(
    browser: Browser, services: Services, world: World
) -> None:
    await browser.get("/console/set-up")
    code = await first_run_code(services)

    entered = await browser.send("/console/set-up", {**FIELDS, "code": f" {code.lower()} "})

    assert entered.goes_to == "/console"
    assert (await browser.follow(entered)).status == 200
    found = [one for one in (await reading(means_of(services))).members.values() if one.name == "Nora"]
    assert [(one.role, one.workspace_id) for one in found] == [(Role.OWNER, world.company.workspace.id)]


async def test_afterwards_there_is_no_code_and_no_page(browser: Browser, services: Services) -> None:
    await browser.get("/console/set-up")
    code = await first_run_code(services)
    await browser.send("/console/set-up", {**FIELDS, "code": code})

    again = await browser.send("/console/set-up", {**FIELDS, "email": "eve@example.com", "code": code})

    assert await first_run_code(services) == ""
    assert again.status == 404
    assert (await browser.get("/console/set-up")).status == 404


async def test_without_the_code_nobody_gets_in(browser: Browser, services: Services) -> None:
    await browser.get("/console/set-up")

    refused = await browser.send("/console/set-up", {**FIELDS, "code": "AAAA-BBBB-CCCC"})

    assert refused.status == 422
    assert refused.problems == [WRONG_CODE[0].upper() + WRONG_CODE[1:] + "."]
    assert refused.field("email").get("value") == "nora@example.com"
    assert "correct horse" not in refused.html
    assert await first_run_code(services) != ""


async def test_the_code_cannot_be_guessed(browser: Browser, services: Services) -> None:
    await browser.get("/console/set-up")
    for _ in range(OF_ADDRESS.burst):
        await browser.send("/console/set-up", {**FIELDS, "code": "AAAA-BBBB-CCCC"})

    code = await first_run_code(services)
    slowed = await browser.send("/console/set-up", {**FIELDS, "code": code})

    assert slowed.status == 429
    assert await first_run_code(services) == code


@pytest.mark.parametrize(("field", "value"), [("email", "nora"), ("password", "short"), ("name", " \t")])
async def test_a_mistake_stands_beside_its_field(
    browser: Browser, services: Services, field: str, value: str
) -> None:
    await browser.get("/console/set-up")
    code = await first_run_code(services)

    refused = await browser.send("/console/set-up", {**FIELDS, "code": code, field: value})

    assert refused.status == 422
    assert refused.field(field).get("aria-describedby").endswith(f"field-{field}-problem")


async def test_with_several_workspaces_one_is_named(
    browser: Browser, services: Services, world: World
) -> None:
    other = await world.add_company("Other")
    page = await browser.get("/console/set-up")
    code = await first_run_code(services)

    refused = await browser.send("/console/set-up", {**FIELDS, "code": code})
    entered = await browser.send("/console/set-up", {**FIELDS, "code": code, "workspace": "Other"})

    assert page.main.all("input", name="workspace") != []
    assert "Other" not in page.html  # nobody is told the names before the code
    assert refused.problems == ['There is no workspace "Ignored"; use one of: Acme, Other.']
    assert entered.goes_to == "/console"
    found = [one for one in (await reading(means_of(services))).members.values() if one.name == "Nora"]
    assert [one.workspace_id for one in found] == [other.workspace.id]
