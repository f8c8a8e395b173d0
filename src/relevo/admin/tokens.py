"""Tokens of the API: made and shown once, found by their hash, revoked."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from relevo.admin.changing import Means, changing, refuse
from relevo.admin.members import alphanumerics
from relevo.domain.configuring import Wrong, check_name
from relevo.domain.errors import NotFound
from relevo.domain.ids import ApiKeyId, FlowId, MemberId, WorkspaceId
from relevo.domain.workspaces import ApiKey, FlowEntry, Member, Scope
from relevo.store import accounts
from relevo.store.accounts import ListedKey
from relevo.store.encryption import hash_token

TOKEN_LENGTH = 60  # letters and digits, as UChat's are
HINT_LENGTH = 4
DEFAULT_SCOPES = frozenset({Scope.MANAGE_FLOW})
DEFAULT_NAME = "token"


class NewToken(msgspec.Struct, frozen=True):
    """A token, shown this once."""

    key: ApiKey
    token: str

    def __repr__(self) -> str:
        return f"NewToken({self.key!r})"


async def create(
    means: Means,
    workspace_id: WorkspaceId,
    flow_id: FlowId,
    *,
    name: str = DEFAULT_NAME,
    scopes: Collection[Scope] = DEFAULT_SCOPES,
    member_id: MemberId | None = None,
) -> NewToken:
    """A token for one flow. What is said with it is said in the name of the member, if there is one."""
    wrong = check_name(name)
    refuse({"name": wrong} if wrong else {})
    if not scopes:
        refuse({"scopes": Wrong("the token has no scope", f"use {', '.join(Scope)}")})
    token = alphanumerics(means.chance, TOKEN_LENGTH)
    async with changing(means) as change:
        change.get(FlowEntry, workspace_id, flow_id)
        if member_id is not None:
            change.get(Member, workspace_id, member_id)
        new = ApiKey(
            id=ApiKeyId(0),
            workspace_id=workspace_id,
            flow_id=flow_id,
            name=name,
            scopes=frozenset(scopes),
            member_id=member_id,
            created_at=means.clock.now(),
        )
        hashed, hint = hash_token(token), token[-HINT_LENGTH:]
        key = await accounts.insert_api_key(change.connection, new, token_hash=hashed, hint=hint)
    return NewToken(key, token)


async def find(means: Means, token: str) -> ApiKey | None:
    """The key of a token. It is looked up by its hash: how long that takes tells nothing of the token."""
    async with means.database.read() as connection:
        return await accounts.find_api_key(connection, hash_token(token))


async def listing(means: Means, workspace_id: WorkspaceId | None = None) -> list[ListedKey]:
    """All of a workspace, or of all of them, revoked ones too."""
    async with means.database.read() as connection:
        return await accounts.list_api_keys(connection, workspace_id)


async def revoke(means: Means, workspace_id: WorkspaceId | None, key_id: ApiKeyId) -> ApiKey:
    """Let a token mean nothing from now on; once more changes nothing. Without a workspace: of any."""
    async with means.database.write() as connection:
        keys = [one.key for one in await accounts.list_api_keys(connection, workspace_id)]
        key = next((key for key in keys if key.id == key_id), None)
        if key is None:
            raise NotFound(f"There is no token {key_id}")
        await accounts.revoke_api_key(connection, key_id, means.clock.now())
    return key
