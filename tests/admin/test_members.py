"""Members: added, signing in, and staying signed in."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec
import pytest
from argon2 import PasswordHasher

from relevo.admin import members, workspaces
from relevo.admin.changing import Means, reading
from relevo.domain.configuring import MemberWish, WorkspaceWish
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import MemberId
from relevo.domain.workspaces import Member, Role, Workspace
from relevo.store import accounts
from relevo.testing.chance import FakeChance
from relevo.testing.clock import FakeClock

PASSWORD = "correct horse battery"
ANA = MemberWish(email="Ana@Example.com", name="Ana", role=Role.OWNER)


async def ana(means: Means, acme: Workspace, password: str | None = PASSWORD) -> Member:
    return (await members.save(means, acme.id, ANA, password=password)).thing


async def test_a_member_is_stored_and_can_sign_in(means: Means, acme: Workspace) -> None:
    member = await ana(means, acme)

    assert (member.name, member.email, member.role) == ("Ana", "ana@example.com", Role.OWNER)
    assert (await reading(means)).members == {member.id: member}
    assert await members.verify(means, " ANA@example.com ", PASSWORD) == member


@pytest.mark.parametrize(("email", "password"), [("ana@example.com", "wrong"), ("ana@example.com", ""),
                                                 ("bo@example.com", PASSWORD), ("", "")])  # fmt: skip
async def test_nobody_signs_in_with_anything_else(
    means: Means, acme: Workspace, email: str, password: str
) -> None:
    await ana(means, acme)

    assert await members.verify(means, email, password) is None


async def test_who_has_no_password_cannot_sign_in(means: Means, acme: Workspace) -> None:
    await ana(means, acme, password=None)

    assert await members.verify(means, "ana@example.com", "") is None


async def test_an_unknown_address_costs_a_hash_too(means: Means, acme: Workspace) -> None:
    """Else the time of the answer would tell who is a member."""
    counting = CountingHasher(time_cost=1, memory_cost=8, parallelism=1)
    means = msgspec.structs.replace(means, passwords=counting)
    await ana(means, acme)

    for email in ("ana@example.com", "nobody@example.com"):
        counting.verified = 0
        await members.verify(means, email, "wrong")
        assert counting.verified == 1


class CountingHasher(PasswordHasher):
    verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.verified += 1
        return super().verify(hash, password)


async def test_a_hash_of_yesterday_is_made_anew_at_the_next_sign_in(means: Means, acme: Workspace) -> None:
    async def stored() -> str | None:
        async with means.database.read() as connection:
            return (await accounts.credentials(connection, "ana@example.com"))[0].password_hash

    await ana(means, acme)
    before = await stored()
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    later = msgspec.structs.replace(means, passwords=stronger)

    assert await members.verify(later, "ana@example.com", PASSWORD) is not None
    assert await stored() != before
    assert not stronger.check_needs_rehash(await stored() or "")
    assert await members.verify(later, "ana@example.com", PASSWORD) is not None


async def test_the_first_member_makes_the_first_workspace(means: Means) -> None:
    first = (await members.save(means, None, ANA)).thing
    second = (await members.save(means, None, MemberWish(email="luis@example.com"))).thing

    assert [one.name for one in (await reading(means)).workspaces.values()] == [workspaces.FIRST_NAME]
    assert first.workspace_id == second.workspace_id
    assert (second.name, second.role) == ("luis", Role.AGENT)


async def test_which_of_several_workspaces_must_be_said(means: Means, acme: Workspace) -> None:
    other = (await workspaces.save(means, WorkspaceWish(name="Other"))).thing

    with pytest.raises(members.SeveralWorkspaces, match="say which: Acme, Other"):
        await members.save(means, None, ANA)
    assert (await members.save(means, other.id, ANA)).thing.workspace_id == other.id


@pytest.mark.parametrize(
    ("wish", "password", "fields"),
    [
        (MemberWish(email="ana"), PASSWORD, ["email"]),
        (MemberWish(email="ana@example.com", name=" "), "short", ["name", "password"]),
        (MemberWish(email="ana@example.com"), "x" * 201, ["password"]),
    ],
)
async def test_what_cannot_be_is_refused_by_field(
    means: Means, acme: Workspace, wish: MemberWish, password: str, fields: list[str]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await members.save(means, acme.id, wish, password=password)

    assert list(refusal.value.errors) == fields
    assert password not in str(refusal.value.errors)
    assert (await reading(means)).members == {}


async def test_an_address_is_one_member_of_a_workspace(means: Means, acme: Workspace) -> None:
    await ana(means, acme)

    with pytest.raises(InvalidInput, match=r"there is already a member ana@example\.com"):
        await members.save(means, acme.id, MemberWish(email="ANA@example.com"))


async def test_what_is_left_out_of_a_change_stays(means: Means, acme: Workspace) -> None:
    before = await ana(means, acme)

    wish = MemberWish(email="ana@example.com", role=Role.ADMIN)
    changed = await members.save(means, acme.id, wish, member_id=before.id)

    assert changed.changed == ("role",)
    assert (changed.thing.name, changed.thing.role) == ("Ana", Role.ADMIN)
    assert await members.verify(means, "ana@example.com", PASSWORD) == changed.thing
    with pytest.raises(NotFound):
        await members.save(means, acme.id, wish, member_id=MemberId(99))


async def test_a_session_lasts_two_weeks_or_until_it_is_closed(means: Means, acme: Workspace) -> None:
    assert isinstance(means.clock, FakeClock)
    member = await ana(means, acme)
    kept, closed = await members.open_session(means, member.id), await members.open_session(means, member.id)
    assert await members.session_member(means, kept) == member

    await members.close_session(means, closed)
    assert await members.session_member(means, closed) is None
    assert await members.session_member(means, "made up") is None

    means.clock.advance(members.SESSION_FOR - timedelta(seconds=1))
    assert await members.session_member(means, kept) == member
    means.clock.advance(timedelta(seconds=1))
    assert await members.session_member(means, kept) is None


async def test_another_password_ends_every_session(means: Means, acme: Workspace) -> None:
    member = await ana(means, acme)
    token = await members.open_session(means, member.id)

    await members.set_password(means, member.id, "another password")

    assert await members.session_member(means, token) is None
    assert await members.verify(means, member.email, PASSWORD) is None
    assert await members.verify(means, member.email, "another password") == member
    with pytest.raises(InvalidInput):
        await members.set_password(means, member.id, "short")


@pytest.mark.parametrize("count", [1, 20, 60, 500])
def test_letters_and_digits_are_drawn_from_chance(count: int) -> None:
    chance = FakeChance()
    first, second = members.alphanumerics(chance, count), members.alphanumerics(chance, count)

    assert len(first) == len(second) == count
    assert (first + second).isalnum()
    assert (first + second).isascii()
    assert count == 1 or first != second
