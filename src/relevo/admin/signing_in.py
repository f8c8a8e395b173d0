"""Who can sign in to the console: the first one, and who no longer can."""

from __future__ import annotations

from collections.abc import Sequence

from relevo.admin import members
from relevo.admin.changing import Means, Saved, changing, named, reading, refuse
from relevo.admin.workspaces import put
from relevo.domain.configuring import MemberWish, WorkspaceWish, check_member, check_name
from relevo.domain.errors import Conflict, InvalidInput
from relevo.domain.ids import MemberId, WorkspaceId
from relevo.domain.workspaces import Member, Role, Workspace
from relevo.domain.yaml_reading import quoted
from relevo.store import accounts


class AlreadySetUp(Conflict):
    """Somebody can sign in already."""

    code = "already_set_up"


async def nobody_can(means: Means) -> bool:
    """Whether the console is still to be set up: no member has a password."""
    async with means.database.read() as connection:
        return not await accounts.who_can_sign_in(connection)


async def who_can(means: Means, workspace_id: WorkspaceId) -> set[MemberId]:
    """The members of a workspace who can sign in."""
    async with means.database.read() as connection:
        return await accounts.who_can_sign_in(connection, workspace_id)


async def set_up(means: Means, workspace: str, wish: MemberWish, password: str) -> Saved[Member]:
    """Let the first person in, as the owner of the only workspace; of the one of this name when there are
    several; of a new one of this name when there is none. Who is a member of it becomes its owner."""
    if not await nobody_can(means):
        raise AlreadySetUp
    refuse(check_member(wish) | members.check_password(password))
    home = await _home(means, workspace)
    known = [one for one in (await reading(means)).members.values() if one.workspace_id == home.id]
    old = members.find(known, wish.email)
    owner = MemberWish(email=wish.email, name=wish.name, role=Role.OWNER)
    return await members.save(means, home.id, owner, password=password, member_id=old.id if old else None)


async def remove_password(means: Means, workspace_id: WorkspaceId, member_id: MemberId) -> Member:
    """Let a member no longer sign in; they are signed out everywhere, and stay a member."""
    async with changing(means) as change:
        member = change.get(Member, workspace_id, member_id)
        await accounts.set_password(change.connection, member_id, None)
        await accounts.delete_sessions(change.connection, member_id)
    return member


async def _home(means: Means, name: str) -> Workspace:
    existing = list((await reading(means)).workspaces.values())
    if len(existing) == 1:
        return existing[0]
    if existing:
        return _named(existing, name)
    if wrong := check_name(name):
        refuse({"workspace": wrong})
    async with changing(means) as change:
        return (await put(change, WorkspaceWish(name=name))).thing


def _named(existing: Sequence[Workspace], name: str) -> Workspace:
    found = named(existing, name)
    if found is None:
        names = ", ".join(one.name for one in existing)
        raise InvalidInput({"workspace": [f"there is no workspace {quoted(name)}; use one of: {names}"]})
    return found
