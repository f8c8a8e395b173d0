"""Mail servers of workspaces as rows: everything about one is encrypted."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import delete, insert

from relevo.domain.emails import Mailbox
from relevo.domain.ids import WorkspaceId
from relevo.store import directory
from relevo.store.database import Connection
from relevo.store.directory import MAILBOX_LABEL
from relevo.store.encryption import Cipher
from relevo.store.tables import mailboxes

_rows = mailboxes.c


async def put(
    connection: Connection, cipher: Cipher, workspace_id: WorkspaceId, box: Mailbox, now: datetime
) -> None:
    """Have this be the workspace's."""
    await connection.execute(delete(mailboxes).where(_rows.workspace_id == workspace_id))
    sealed = cipher.seal(msgspec.to_builtins(box), MAILBOX_LABEL)
    row = {"workspace_id": workspace_id, "config_encrypted": sealed, "updated_at": now}
    await connection.execute(insert(mailboxes).values(row))
    await directory.touch(connection)


async def remove(connection: Connection, workspace_id: WorkspaceId) -> bool:
    """Forget it; False when there was none."""
    gone = await connection.execute(delete(mailboxes).where(_rows.workspace_id == workspace_id))
    if gone.rowcount:
        await directory.touch(connection)
    return bool(gone.rowcount)
