"""People, how they sign in, and the tokens of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update

from relevo.domain.ids import ApiKeyId, FlowId, MemberId, WorkspaceId
from relevo.domain.workspaces import ApiKey, Member, Scope
from relevo.store import directory, tables
from relevo.store.database import AnyRow, Connection
from relevo.store.directory import member_from_row


class Credentials(msgspec.Struct, frozen=True):
    """A member and the hash of their password; None: they cannot sign in."""

    member: Member
    password_hash: str | None

    def __repr__(self) -> str:
        return f"Credentials({self.member!r})"


class ListedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A token as a list shows it: `hint` is its last characters."""

    key: ApiKey
    hint: str
    last_used_at: datetime | None
    revoked_at: datetime | None


# Members


async def insert_member(
    connection: Connection, new: Member, now: datetime, password_hash: str | None = None
) -> Member:
    """Its id is made here, and is in what comes back."""
    row = {**_member_row(new), "password_hash": password_hash, "created_at": now}
    query = insert(tables.members).values(row).returning(tables.members.c.id)
    id_ = MemberId((await connection.execute(query)).scalar_one())
    await directory.touch(connection)
    return msgspec.structs.replace(new, id=id_)


async def update_member(connection: Connection, member: Member) -> None:
    table = tables.members
    await connection.execute(update(table).where(table.c.id == member.id).values(_member_row(member)))
    await directory.touch(connection)


async def set_password(connection: Connection, member_id: MemberId, password_hash: str | None) -> None:
    """None: they cannot sign in."""
    table = tables.members
    await connection.execute(update(table).where(table.c.id == member_id).values(password_hash=password_hash))


async def credentials(connection: Connection, email: str) -> list[Credentials]:
    """Those of everybody with this address: the same person may belong to several workspaces."""
    table = tables.members
    rows = (await connection.execute(select(table).where(table.c.email == email).order_by(table.c.id))).all()
    return [Credentials(member_from_row(row), row.password_hash) for row in rows]


async def who_can_sign_in(connection: Connection, workspace_id: WorkspaceId | None = None) -> set[MemberId]:
    """The members, of a workspace or of all of them, who have a password."""
    table = tables.members
    query = select(table.c.id).where(table.c.password_hash.is_not(None))
    if workspace_id is not None:
        query = query.where(table.c.workspace_id == workspace_id)
    return {MemberId(row.id) for row in (await connection.execute(query)).all()}


# Console sessions


async def insert_session(
    connection: Connection, token_hash: str, member_id: MemberId, *, now: datetime, expires_at: datetime
) -> None:
    """Begin a session; those that ended by themselves are cleared away on the way."""
    table = tables.console_sessions
    await connection.execute(delete(table).where(table.c.expires_at <= now))
    row = {"token_hash": token_hash, "member_id": member_id, "created_at": now, "expires_at": expires_at}
    await connection.execute(insert(table).values(row))


async def session_member(connection: Connection, token_hash: str, now: datetime) -> Member | None:
    """Whose session this is, while it lasts."""
    sessions, members = tables.console_sessions, tables.members
    query = (
        select(members)
        .join(sessions, sessions.c.member_id == members.c.id)
        .where(sessions.c.token_hash == token_hash, sessions.c.expires_at > now)
    )
    row = (await connection.execute(query)).first()
    return member_from_row(row) if row else None


async def delete_session(connection: Connection, token_hash: str) -> None:
    table = tables.console_sessions
    await connection.execute(delete(table).where(table.c.token_hash == token_hash))


async def delete_sessions(connection: Connection, member_id: MemberId) -> None:
    """Sign a member out everywhere."""
    table = tables.console_sessions
    await connection.execute(delete(table).where(table.c.member_id == member_id))


# Tokens of the API


async def insert_api_key(connection: Connection, new: ApiKey, *, token_hash: str, hint: str) -> ApiKey:
    """Its id is made here, and is in what comes back."""
    row = {
        "workspace_id": new.workspace_id,
        "flow_id": new.flow_id,
        "name": new.name,
        "token_hash": token_hash,
        "token_hint": hint,
        "scopes": msgspec.json.encode(sorted(new.scopes)).decode(),
        "member_id": new.member_id,
        "created_at": new.created_at,
    }
    query = insert(tables.api_keys).values(row).returning(tables.api_keys.c.id)
    id_ = ApiKeyId((await connection.execute(query)).scalar_one())
    await directory.touch(connection)
    return msgspec.structs.replace(new, id=id_)


async def find_api_key(connection: Connection, token_hash: str) -> ApiKey | None:
    """The token with this hash, unless it was revoked."""
    table = tables.api_keys
    query = select(table).where(table.c.token_hash == token_hash, table.c.revoked_at.is_(None))
    row = (await connection.execute(query)).first()
    return _api_key(row) if row else None


async def list_api_keys(connection: Connection, workspace_id: WorkspaceId | None = None) -> list[ListedKey]:
    """All tokens, revoked ones too, oldest first."""
    table = tables.api_keys
    query = select(table).order_by(table.c.id)
    if workspace_id is not None:
        query = query.where(table.c.workspace_id == workspace_id)
    return [_listed(row) for row in (await connection.execute(query)).all()]


async def revoke_api_key(connection: Connection, id_: ApiKeyId, now: datetime) -> bool:
    """Whether it could still be used before."""
    table = tables.api_keys
    query = update(table).where(table.c.id == id_, table.c.revoked_at.is_(None)).values(revoked_at=now)
    revoked = (await connection.execute(query)).rowcount > 0
    await directory.touch(connection)
    return revoked


async def note_use(connection: Connection, id_: ApiKeyId, at: datetime) -> None:
    table = tables.api_keys
    await connection.execute(update(table).where(table.c.id == id_).values(last_used_at=at))


def _member_row(member: Member) -> dict[str, Any]:
    return {
        "workspace_id": member.workspace_id,
        "name": member.name,
        "email": member.email,
        "role": member.role.value,
    }


def _api_key(row: AnyRow) -> ApiKey:
    return ApiKey(
        id=ApiKeyId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        flow_id=FlowId(row.flow_id),
        name=row.name,
        scopes=frozenset(Scope(name) for name in msgspec.json.decode(row.scopes)),
        member_id=MemberId(row.member_id) if row.member_id is not None else None,
        created_at=row.created_at,
    )


def _listed(row: AnyRow) -> ListedKey:
    return ListedKey(
        key=_api_key(row), hint=row.token_hint, last_used_at=row.last_used_at, revoked_at=row.revoked_at
    )
