"""Members."""

from __future__ import annotations

from typing import Any

import pytest

from relevo.admin import members
from relevo.admin.changing import reading
from relevo.domain.workspaces import Member, Role
from relevo.store import accounts
from relevo.testing.builders import World
from relevo.web.services import Services
from tests.web.console.browsing import Browser, means_of

PASSWORD = "correct horse"


def fields(**changes: Any) -> dict[str, Any]:
    return {"name": "Mia", "email": "mia@example.com", "role": "agent", "password": "", **changes}


async def by_email(services: Services) -> dict[str, Member]:
    return {one.email: one for one in (await reading(means_of(services))).members.values()}


async def test_a_member_is_added_and_signs_in(browser: Browser, services: Services) -> None:
    page = await browser.follow(
        await browser.send("/console/members/new", fields(role="admin", password=PASSWORD))
    )

    assert "Mia is added." in page.text
    assert (await by_email(services))["mia@example.com"].role is Role.ADMIN
    mia = await members.verify(means_of(services), "mia@example.com", PASSWORD)
    assert mia is not None
    assert PASSWORD not in page.html


async def test_without_a_password_they_answer_elsewhere(browser: Browser, services: Services) -> None:
    page = await browser.follow(await browser.send("/console/members/new", fields()))

    rows = [row.text for row in page.main.one("tbody").all("tr")]
    assert any("Mia mia@example.com Agent" in row and "No password" in row for row in rows)


async def test_a_member_is_changed(browser: Browser, services: Services, world: World) -> None:
    address = f"/console/members/{world.company.agent.id}"
    page = await browser.get(address)
    assert page.field("email").get("value") == "luis@example.com"

    await browser.send(address, fields(name="Luis O.", email="luis@example.com", role="member"))

    luis = (await by_email(services))["luis@example.com"]
    assert (luis.name, luis.role, luis.id) == ("Luis O.", Role.MEMBER, world.company.agent.id)


async def test_a_new_password_signs_out_everywhere(
    browser: Browser, services: Services, world: World
) -> None:
    means, luis = means_of(services), world.company.agent
    token = await members.open_session(means, luis.id)

    form = fields(name="Luis", email=luis.email, password=PASSWORD)
    page = await browser.follow(await browser.send(f"/console/members/{luis.id}", form))

    assert "signed out everywhere" in page.text
    assert await members.session_member(means, token) is None
    assert await members.verify(means, luis.email, PASSWORD) is not None


async def test_a_password_is_taken_away(browser: Browser, services: Services, world: World) -> None:
    means, luis = means_of(services), world.company.agent
    await members.set_password(means, luis.id, PASSWORD)
    assert "Remove the password" in (await browser.get(f"/console/members/{luis.id}")).text

    page = await browser.follow(await browser.send(f"/console/members/{luis.id}/password/remove"))

    assert "Luis cannot sign in any more" in page.text
    assert await members.verify(means, luis.email, PASSWORD) is None


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("email", "mia", "is not an e-mail address; write one like luis@example.com"),
        ("email", "luis@example.com", "There is already a member luis@example.com; choose another."),
        ("password", "short", "The password has 5 characters; use 10 to 200."),
        ("role", "king", "This role cannot be given; choose one of: owner, admin, member, agent."),
    ],
)
async def test_a_mistake_stands_beside_its_field(
    browser: Browser, services: Services, field: str, value: str, says: str
) -> None:
    page = await browser.send("/console/members/new", fields(**{field: value}))

    assert page.status == 422
    assert says in page.problems[0]
    assert "mia@example.com" not in await by_email(services)


async def test_somebody_who_can_do_everything_is_left(
    browser: Browser, services: Services, world: World
) -> None:
    means, olga = means_of(services), world.company.owner
    await members.set_password(means, olga.id, PASSWORD)
    await browser.sign_in(olga)
    address = f"/console/members/{olga.id}"

    demoted = await browser.send(address, fields(name="Olga", email=olga.email, role="agent"))
    locked = await browser.send(f"{address}/password/remove")

    for page in (demoted, locked):
        assert page.status == 422
        assert page.problems[0].startswith("This is the only owner who can sign in")
    assert await members.verify(means, olga.email, PASSWORD) == olga

    second = fields(role="owner", password=PASSWORD)
    await browser.send("/console/members/new", second)
    assert (await browser.send(address, fields(name="Olga", email=olga.email, role="agent"))).goes_to != ""


async def test_an_admin_makes_no_owners_and_changes_none(
    stranger: Browser, services: Services, world: World
) -> None:
    async with world.database.write() as connection:
        blank = Member(
            id=world.company.agent.id,
            workspace_id=world.company.workspace.id,
            name="Ada",
            email="ada@example.com",
            role=Role.ADMIN,
        )
        ada = await accounts.insert_member(connection, blank, world.clock.now())
    await stranger.sign_in(ada)
    olga = world.company.owner

    made = await stranger.send("/console/members/new", fields(role="owner"))
    risen = await stranger.send(
        f"/console/members/{ada.id}", fields(name="Ada", email=ada.email, role="owner")
    )
    taken = await stranger.send(
        f"/console/members/{olga.id}", fields(name="Olga", email=olga.email, password=PASSWORD)
    )
    locked = await stranger.send(f"/console/members/{olga.id}/password/remove")

    assert (made.status, risen.status, taken.status, locked.status) == (422, 422, 403, 403)
    assert "Only an owner can change an owner." in (await stranger.get(f"/console/members/{olga.id}")).text
    assert await members.verify(means_of(services), olga.email, PASSWORD) is None
    assert (await by_email(services))[ada.email].role is Role.ADMIN
