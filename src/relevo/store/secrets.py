"""Secrets of workspaces as rows: what flows send elsewhere, and what nobody is shown again."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select

from relevo.domain.ids import WorkspaceId
from relevo.store import directory
from relevo.store.database import Connection
from relevo.store.directory import FLOW_SECRET_LABEL
from relevo.store.encryption import Cipher
from relevo.store.tables import flow_secrets

_rows = flow_secrets.c


class ListedSecret(msgspec.Struct, frozen=True):
    """A secret as a list shows it: without it."""

    name: str
    updated_at: datetime


async def listing(connection: Connection, workspace_id: WorkspaceId) -> list[ListedSecret]:
    """By name."""
    query = (
        select(_rows.name, _rows.updated_at).where(_rows.workspace_id == workspace_id).order_by(_rows.name)
    )
    return [ListedSecret(row.name, row.updated_at) for row in (await connection.execute(query)).all()]


async def put(
    connection: Connection, cipher: Cipher, workspace_id: WorkspaceId, name: str, value: str, now: datetime
) -> None:
    """Have a secret be this, whatever it was."""
    await _remove(connection, workspace_id, name)
    row = {
        "workspace_id": workspace_id,
        "name": name,
        "value_encrypted": cipher.seal(value, FLOW_SECRET_LABEL),
        "updated_at": now,
    }
    await connection.execute(insert(flow_secrets).values(row))
    await directory.touch(connection)


async def remove(connection: Connection, workspace_id: WorkspaceId, name: str) -> bool:
    """Forget a secret; False when there was none."""
    found = await _remove(connection, workspace_id, name)
    if found:
        await directory.touch(connection)
    return found


async def _remove(connection: Connection, workspace_id: WorkspaceId, name: str) -> bool:
    one = delete(flow_secrets).where(_rows.workspace_id == workspace_id, _rows.name == name)
    return bool((await connection.execute(one)).rowcount)
