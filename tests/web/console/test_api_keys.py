"""API keys."""

from __future__ import annotations

from typing import Any

import pytest

from relevo.admin import tokens
from relevo.domain.workspaces import Scope
from relevo.testing.builders import World
from relevo.web.services import Services
from tests.web.console.browsing import Browser, means_of


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


def fields(world: World, **changes: Any) -> dict[str, Any]:
    form = {"name": "desk", "flow": str(world.company.flow.id), "scopes": ["Manage Flow"], "member": ""}
    return {**form, **changes}


async def test_a_token_is_shown_once_and_works(browser: Browser, services: Services, world: World) -> None:
    made = await browser.send("/console/api-keys/new", fields(world, member=str(world.company.agent.id)))
    page, again = await browser.follow(made), await browser.follow(made)

    token = page.main.one("div", class_="copyable").one("code").text
    key = await tokens.find(means_of(services), token)
    assert key is not None
    assert (key.name, key.flow_id) == ("desk", world.company.flow.id)
    assert key.scopes == {Scope.MANAGE_FLOW}
    assert key.member_id == world.company.agent.id
    assert token not in again.html
    row = again.main.one("tbody").one("tr").text
    assert row.startswith(f"desk made 12:00 support Manage Flow …{token[-4:]} Luis never")


async def test_it_may_speak_as_nobody_and_have_several_scopes(
    browser: Browser, services: Services, world: World
) -> None:
    await browser.send("/console/api-keys/new", fields(world, scopes=["Manage Flow", "Manage Team"]))

    key = (await tokens.listing(means_of(services), world.company.workspace.id))[-1].key
    assert key.member_id is None
    assert key.scopes == {Scope.MANAGE_FLOW, Scope.MANAGE_TEAM}


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "", "The name is empty; write one."),
        ("flow", "", "The flow is missing; choose the one that the token is for."),
        ("flow", "99", "The flow is missing; choose the one that the token is for."),
        ("scopes", [], "The token has no scope; use Manage Flow"),
        ("member", "99", "There is no such member; choose one of the list."),
    ],
)
async def test_a_mistake_stands_beside_its_field(
    browser: Browser, services: Services, world: World, field: str, value: object, says: str
) -> None:
    page = await browser.send("/console/api-keys/new", fields(world, **{field: value}))

    assert page.status == 422
    assert page.problems[0].startswith(says)
    assert await tokens.listing(means_of(services), world.company.workspace.id) == []


async def test_a_revoked_token_opens_nothing(browser: Browser, services: Services, world: World) -> None:
    page = await browser.follow(await browser.send("/console/api-keys/new", fields(world)))
    token = page.main.one("div", class_="copyable").one("code").text
    key = await tokens.find(means_of(services), token)
    assert key is not None

    revoked = await browser.follow(await browser.send(f"/console/api-keys/{key.id}/revoke"))

    assert await tokens.find(means_of(services), token) is None
    assert "is revoked" in revoked.text
    assert "Revoked keys (1)" in revoked.text
    assert (await browser.send("/console/api-keys/99/revoke")).status == 404
