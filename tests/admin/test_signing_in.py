"""Who can sign in: the first one, and who no longer can."""

from __future__ import annotations

import pytest

from relevo.admin import members, signing_in, workspaces
from relevo.admin.changing import Means, reading
from relevo.admin.signing_in import AlreadySetUp
from relevo.domain.configuring import MemberWish, WorkspaceWish
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import WorkspaceId
from relevo.domain.workspaces import Role, Workspace

OLGA = MemberWish(email="olga@example.com", name="Olga")
PASSWORD = "correct horse"


async def test_the_first_one_becomes_the_owner_of_a_new_workspace(means: Means) -> None:
    assert await signing_in.nobody_can(means)

    saved = await signing_in.set_up(means, "Acme", OLGA, PASSWORD)

    assert (saved.thing.name, saved.thing.role) == ("Olga", Role.OWNER)
    assert [one.name for one in (await reading(means)).workspaces.values()] == ["Acme"]
    assert await members.verify(means, "olga@example.com", PASSWORD) == saved.thing
    assert not await signing_in.nobody_can(means)


async def test_the_only_workspace_that_there_is_is_taken(means: Means, acme: Workspace) -> None:
    saved = await signing_in.set_up(means, "", OLGA, PASSWORD)

    assert saved.thing.workspace_id == acme.id


async def test_of_several_workspaces_one_must_be_named(means: Means, acme: Workspace) -> None:
    other = (await workspaces.save(means, WorkspaceWish(name="Other"))).thing

    with pytest.raises(InvalidInput) as refused:
        await signing_in.set_up(means, "Othr", OLGA, PASSWORD)
    saved = await signing_in.set_up(means, "Other", OLGA, PASSWORD)

    assert refused.value.errors == {"workspace": ['there is no workspace "Othr"; use one of: Acme, Other']}
    assert saved.thing.workspace_id == other.id


async def test_who_is_a_member_already_becomes_the_owner(means: Means, acme: Workspace) -> None:
    """A workspace file has made agents without passwords: somebody must still get in."""
    agent = (await members.save(means, acme.id, MemberWish(email="olga@example.com", role=Role.AGENT))).thing

    saved = await signing_in.set_up(means, "", OLGA, PASSWORD)

    assert (saved.thing.id, saved.thing.role) == (agent.id, Role.OWNER)


async def test_nobody_sets_up_what_is_set_up(means: Means) -> None:
    await signing_in.set_up(means, "Acme", OLGA, PASSWORD)

    with pytest.raises(AlreadySetUp):
        await signing_in.set_up(means, "", MemberWish(email="eve@example.com"), PASSWORD)


@pytest.mark.parametrize(
    ("workspace", "email", "password", "field"),
    [
        ("", "olga@example.com", PASSWORD, "workspace"),
        ("Acme", "olga", PASSWORD, "email"),
        ("Acme", "olga@example.com", "short", "password"),
    ],
)
async def test_a_mistake_makes_nothing(
    means: Means, workspace: str, email: str, password: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await signing_in.set_up(means, workspace, MemberWish(email=email, name="Olga"), password)

    assert list(refused.value.errors) == [field]
    assert (await reading(means)).workspaces == {}


async def test_without_a_password_nobody_signs_in_or_stays_signed_in(means: Means) -> None:
    olga = (await signing_in.set_up(means, "Acme", OLGA, PASSWORD)).thing
    token = await members.open_session(means, olga.id)

    await signing_in.remove_password(means, olga.workspace_id, olga.id)

    assert await members.verify(means, "olga@example.com", PASSWORD) is None
    assert await members.session_member(means, token) is None
    assert await signing_in.who_can(means, olga.workspace_id) == set()


async def test_a_member_of_another_workspace_is_out_of_reach(means: Means) -> None:
    olga = (await signing_in.set_up(means, "Acme", OLGA, PASSWORD)).thing

    with pytest.raises(NotFound):
        await signing_in.remove_password(means, WorkspaceId(olga.workspace_id + 1), olga.id)

    assert await signing_in.who_can(means, olga.workspace_id) == {olga.id}
    assert await signing_in.who_can(means, WorkspaceId(olga.workspace_id + 1)) == set()
