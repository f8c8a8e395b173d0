"""Tokens of the API."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from relevo.admin import flows, members, tokens, workspaces
from relevo.admin.changing import Means
from relevo.domain.configuring import MemberWish, WorkspaceWish
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import ApiKeyId, MemberId
from relevo.domain.workspaces import FlowEntry, Scope, Workspace
from relevo.store import accounts, tables

FLOW = "version: 1\nflow: support\nstart: a\nsubflows: {a: [end]}\n"


@pytest.fixture
async def support(means: Means, acme: Workspace) -> FlowEntry:
    return (await flows.publish(means, acme.id, FLOW)).thing


async def test_a_token_is_sixty_letters_and_digits_and_is_found_again(
    means: Means, acme: Workspace, support: FlowEntry
) -> None:
    new = await tokens.create(means, acme.id, support.id)

    assert len(new.token) == 60
    assert new.token.isalnum()
    assert new.token.isascii()
    assert await tokens.find(means, new.token) == new.key
    assert (new.key.flow_id, new.key.scopes, new.key.created_at) == (
        support.id,
        frozenset({Scope.MANAGE_FLOW}),
        means.clock.now(),
    )


async def test_no_two_tokens_are_alike_and_none_is_kept(
    means: Means, acme: Workspace, support: FlowEntry
) -> None:
    made = {(await tokens.create(means, acme.id, support.id)).token for _ in range(5)}

    assert len(made) == 5
    async with means.database.read() as connection:
        rows = str((await connection.execute(select(tables.api_keys))).all())
    assert not any(token in rows for token in made)


@pytest.mark.parametrize("token", ["", "made up", "a" * 60, "é"])
async def test_what_is_no_token_is_not_found(means: Means, token: str) -> None:
    assert await tokens.find(means, token) is None


async def test_a_token_may_speak_for_a_member_with_other_scopes(
    means: Means, acme: Workspace, support: FlowEntry
) -> None:
    luis = (await members.save(means, acme.id, MemberWish(email="luis@example.com"))).thing

    key = (
        await tokens.create(means, acme.id, support.id, name="desk", scopes=list(Scope), member_id=luis.id)
    ).key

    assert (key.name, key.scopes, key.member_id) == ("desk", frozenset(Scope), luis.id)


async def test_a_revoked_token_is_nothing_any_more_but_stays_in_the_list(
    means: Means, acme: Workspace, support: FlowEntry
) -> None:
    gone = await tokens.create(means, acme.id, support.id, name="gone")
    kept = await tokens.create(means, acme.id, support.id, name="kept")
    async with means.database.write() as connection:
        await accounts.note_use(connection, kept.key.id, means.clock.now())

    for _ in range(2):
        assert await tokens.revoke(means, acme.id, gone.key.id) == gone.key

    assert await tokens.find(means, gone.token) is None
    assert await tokens.find(means, kept.token) == kept.key
    listed = await tokens.listing(means, acme.id)
    now = means.clock.now()
    assert [(one.key, one.hint, one.last_used_at, one.revoked_at) for one in listed] == [
        (gone.key, gone.token[-4:], None, now),
        (kept.key, kept.token[-4:], now, None),
    ]


async def test_tokens_flows_and_members_are_the_workspace_s_own(
    means: Means, acme: Workspace, support: FlowEntry
) -> None:
    other = (await workspaces.save(means, WorkspaceWish(name="Other"))).thing
    theirs = await tokens.create(means, acme.id, support.id)

    with pytest.raises(NotFound):
        await tokens.create(means, other.id, support.id)
    with pytest.raises(NotFound):
        await tokens.create(means, acme.id, support.id, member_id=MemberId(99))
    for workspace_id, key_id in ((other.id, theirs.key.id), (None, ApiKeyId(99))):
        with pytest.raises(NotFound):
            await tokens.revoke(means, workspace_id, key_id)
    assert await tokens.listing(means, other.id) == []
    assert [one.key for one in await tokens.listing(means)] == [theirs.key]


async def test_a_token_has_a_name_and_a_scope(means: Means, acme: Workspace, support: FlowEntry) -> None:
    with pytest.raises(InvalidInput, match="the name is empty"):
        await tokens.create(means, acme.id, support.id, name=" ")
    with pytest.raises(InvalidInput, match="the token has no scope"):
        await tokens.create(means, acme.id, support.id, scopes=[])
