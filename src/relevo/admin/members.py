"""Members: who they are, and how they sign in to the console."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Sequence
from datetime import timedelta
from functools import cache

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from relevo.admin.changing import Changing, Means, Saved, changing, refuse, refuse_taken, saved
from relevo.admin.workspaces import any_or_first
from relevo.domain.configuring import MemberWish, Wrong, check_member
from relevo.domain.errors import InvalidInput
from relevo.domain.ids import MemberId, WorkspaceId
from relevo.domain.workspaces import Member, Role
from relevo.store import accounts
from relevo.store.encryption import hash_token
from relevo.system.chance import Chance

SESSION_FOR = timedelta(days=14)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
MADE_PASSWORD = 20  # letters and digits

ALPHANUMERICS = frozenset(string.ascii_letters + string.digits)

_WORDS = {"name": "name", "email": "e-mail address", "role": "role"}


class SeveralWorkspaces(InvalidInput):
    """There are several workspaces. Say which one is meant."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__({"workspace": [f"there are several workspaces; say which: {', '.join(names)}"]})


def alphanumerics(chance: Chance, count: int) -> str:
    """So many letters and digits that nobody can guess."""
    found = ""
    while len(found) < count:  # of base64's 64 characters two are no letter and no digit
        found += "".join(character for character in chance.token(count) if character in ALPHANUMERICS)
    return found[:count]


async def save(
    means: Means,
    workspace_id: WorkspaceId | None,
    wish: MemberWish,
    *,
    password: str | None = None,
    member_id: MemberId | None = None,
) -> Saved[Member]:
    """Add a member, or change the one of this id. Without a workspace: the only one that there is,
    made if there is none. Without a password they cannot sign in, or keep the one they have."""
    refuse(check_member(wish) | check_password(password))
    hashed = None if password is None else await _hashed(means, password)
    async with changing(means) as change:
        workspace = workspace_id if workspace_id is not None else await _only_workspace(change)
        old = None if member_id is None else change.get(Member, workspace, member_id)
        refuse_taken("a member", _folded(wish.email), change.of(Member, workspace), old, by="email")
        result = await _write(change, workspace, wish, old)
        if hashed is not None:
            await _replace_password(change, result.thing.id, hashed)
    return result


async def put(change: Changing, workspace_id: WorkspaceId, wish: MemberWish) -> Saved[Member]:
    """Have a member of this address. Who is one already keeps role and password."""
    refuse(check_member(wish))
    found = find(change.of(Member, workspace_id), wish.email)
    return await _write(change, workspace_id, wish, found)


def find(members: Sequence[Member], email: str) -> Member | None:
    return next((member for member in members if member.email == _folded(email)), None)


async def set_password(means: Means, member_id: MemberId, password: str) -> None:
    """Let a member sign in with this one from now on; they are signed out everywhere."""
    refuse(check_password(password))
    hashed = await _hashed(means, password)
    async with changing(means) as change:
        await _replace_password(change, member_id, hashed)


async def verify(means: Means, email: str, password: str) -> Member | None:
    """Who signs in with this; None for an unknown address, a wrong password, or none set, all of
    which take as long."""
    async with means.database.read() as connection:
        found = await accounts.credentials(connection, _folded(email))
    hashes = [(one.member, one.password_hash) for one in found if one.password_hash is not None]
    for member, password_hash in hashes:
        if await asyncio.to_thread(_fits, means.passwords, password_hash, password):
            await _rehash_if_outdated(means, member, password_hash, password)
            return member
    if not hashes:
        await asyncio.to_thread(_fits, means.passwords, _nobodys_hash(means.passwords), password)
    return None


# Console sessions


async def open_session(means: Means, member_id: MemberId) -> str:
    """A token for the browser's cookie; only its hash is kept."""
    token, now = means.chance.token(), means.clock.now()
    async with means.database.write() as connection:
        await accounts.insert_session(
            connection, hash_token(token), member_id, now=now, expires_at=now + SESSION_FOR
        )
    return token


async def session_member(means: Means, token: str) -> Member | None:
    """Whose session this is, while it lasts."""
    async with means.database.read() as connection:
        return await accounts.session_member(connection, hash_token(token), means.clock.now())


async def close_session(means: Means, token: str) -> None:
    async with means.database.write() as connection:
        await accounts.delete_session(connection, hash_token(token))


# Inside


async def _only_workspace(change: Changing) -> WorkspaceId:
    workspace = await any_or_first(change)
    if workspace is None:
        raise SeveralWorkspaces([one.name for one in change.directory.workspaces.values()])
    return workspace.id


async def _write(
    change: Changing, workspace_id: WorkspaceId, wish: MemberWish, old: Member | None
) -> Saved[Member]:
    email = _folded(wish.email)
    if old is None:
        name, role = wish.name or email.partition("@")[0], wish.role or Role.AGENT
        blank = Member(id=MemberId(0), workspace_id=workspace_id, name=name, email=email, role=role)
        new = await accounts.insert_member(change.connection, blank, change.means.clock.now())
    else:
        new = msgspec.structs.replace(
            old, name=wish.name or old.name, email=email, role=wish.role or old.role
        )
        if new != old:
            await accounts.update_member(change.connection, new)
    change.note(new)
    return saved(old, new, _WORDS)


async def _replace_password(change: Changing, member_id: MemberId, password_hash: str) -> None:
    await accounts.set_password(change.connection, member_id, password_hash)
    await accounts.delete_sessions(change.connection, member_id)


async def _rehash_if_outdated(means: Means, member: Member, password_hash: str, password: str) -> None:
    """Hashes made with yesterday's parameters are made anew when the password is at hand."""
    if means.passwords.check_needs_rehash(password_hash):
        hashed = await _hashed(means, password)
        async with means.database.write() as connection:
            await accounts.set_password(connection, member.id, hashed)


async def _hashed(means: Means, password: str) -> str:
    return await asyncio.to_thread(means.passwords.hash, password)


def _fits(passwords: PasswordHasher, password_hash: str, password: str) -> bool:
    try:
        return passwords.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash(passwords: PasswordHasher) -> str:
    return passwords.hash("nobody has this password")


def check_password(password: str | None) -> dict[str, Wrong]:
    if password is None or SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return {}
    what = f"the password has {len(password)} characters"
    return {"password": Wrong(what, f"use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}")}


def _folded(email: str) -> str:
    """An address is one, whatever the case it is written in."""
    return email.strip().lower()
