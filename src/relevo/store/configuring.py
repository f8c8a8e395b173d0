"""Writing what a company has set up. Each change says, in its transaction, that there was one.

The `id` of what is inserted does not matter: it is made here, and is in what comes back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update

from relevo.domain.ids import ChannelId, EndpointId, FlowId, FlowVersionId, WorkspaceId
from relevo.domain.workspaces import Channel, Endpoint, FlowEntry, Workspace
from relevo.store import directory, ids, tables
from relevo.store.database import Connection
from relevo.store.encryption import Cipher

_KEPT_OF_NAME = 160  # characters: what is added has to fit as well


class FlowVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A published text of a flow; `number` counts up within the flow. `message` and `author`: why, and who,
    "" if nobody has said."""

    id: FlowVersionId
    number: int
    created_at: datetime
    message: str = ""
    author: str = ""


async def lock(connection: Connection) -> None:
    """Let nobody else change the configuration until this transaction ends, so that what it reads
    stays true. SQLite's writing transactions exclude each other anyway."""
    await connection.execute(select(tables.configuration.c.version).with_for_update())


async def insert_workspace(connection: Connection, new: Workspace, now: datetime) -> Workspace:
    id_ = await _insert(connection, tables.workspaces, {**_workspace_row(new), "created_at": now})
    return msgspec.structs.replace(new, id=WorkspaceId(id_))


async def get_workspace(connection: Connection, id_: WorkspaceId) -> Workspace:
    query = select(tables.workspaces).where(tables.workspaces.c.id == id_)
    return directory.workspace_from_row((await connection.execute(query)).one())


async def update_workspace(connection: Connection, workspace: Workspace) -> None:
    await _update(connection, tables.workspaces, workspace.id, _workspace_row(workspace))


async def insert_endpoint(connection: Connection, cipher: Cipher, new: Endpoint, now: datetime) -> Endpoint:
    id_ = await _insert(connection, tables.endpoints, {**_endpoint_row(new, cipher), "created_at": now})
    return msgspec.structs.replace(new, id=EndpointId(id_))


async def update_endpoint(connection: Connection, cipher: Cipher, endpoint: Endpoint) -> None:
    await _update(connection, tables.endpoints, endpoint.id, _endpoint_row(endpoint, cipher))


async def delete_endpoint(connection: Connection, cipher: Cipher, endpoint: Endpoint, now: datetime) -> None:
    """Take an endpoint out of use for good. Its name is free again; its secrets and headers are gone."""
    none: frozenset[ChannelId] = frozenset()
    gone = msgspec.structs.replace(endpoint, headers={}, secrets=(), old_secret_until=None, channels=none)
    await _delete(connection, tables.endpoints, endpoint, _endpoint_row(gone, cipher), now)


async def delete_channel(connection: Connection, cipher: Cipher, channel: Channel, now: datetime) -> None:
    """Take a channel out of use for good. Its name is free again; its credentials are gone."""
    gone = msgspec.structs.replace(channel, config={})
    await _delete(connection, tables.channels, channel, _channel_row(gone, cipher), now)


async def insert_channel(connection: Connection, cipher: Cipher, new: Channel, now: datetime) -> Channel:
    id_ = await _insert(connection, tables.channels, {**_channel_row(new, cipher), "created_at": now})
    return msgspec.structs.replace(new, id=ChannelId(id_))


async def update_channel(connection: Connection, cipher: Cipher, channel: Channel) -> None:
    await _update(connection, tables.channels, channel.id, _channel_row(channel, cipher))


async def insert_flow(
    connection: Connection, workspace_id: WorkspaceId, name: str, now: datetime
) -> FlowEntry:
    """A flow without a text: nothing runs until a version is published."""
    id_ = FlowId(await ids.take(connection, "flows"))
    row = {"id": id_, "workspace_id": workspace_id, "name": name, "created_at": now}
    await _insert(connection, tables.flows, row)
    return FlowEntry(id=id_, workspace_id=workspace_id, name=name, version_id=FlowVersionId(0))


async def set_start(connection: Connection, flow_id: FlowId, start: str) -> None:
    """Which subflow starts; "" is the text's own."""
    await _update(connection, tables.flows, flow_id, {"start": start or None})


async def set_widget_start(connection: Connection, flow_id: FlowId, start: str) -> None:
    """Which subflow greets whoever opens the web chat; "" is the one that starts elsewhere."""
    await _update(connection, tables.flows, flow_id, {"widget_start": start or None})


async def rename_flow(connection: Connection, flow_id: FlowId, name: str) -> None:
    await _update(connection, tables.flows, flow_id, {"name": name})


async def publish(
    connection: Connection,
    flow: FlowEntry,
    source: str,
    subflows: Iterable[str],
    now: datetime,
    *,
    message: str = "",
    author: str = "",
) -> FlowEntry:
    """Make `source` the text of the flow. Subflows that are new get the next numbers; those that are
    gone keep theirs, should they come back."""
    versions = tables.flow_versions
    row = {
        "flow_id": flow.id,
        "number": await _next_version(connection, flow.id),
        "source": source,
        "message": message,
        "author": author,
        "hash": directory.hash_of(source),
    }
    version_id = FlowVersionId(await _insert(connection, versions, {**row, "created_at": now}))
    await _update(connection, tables.flows, flow.id, {"version_id": version_id})
    numbers = await _number_subflows(connection, flow, subflows)
    return msgspec.structs.replace(flow, version_id=version_id, subflows=numbers)


async def versions_of(connection: Connection, flow_id: FlowId) -> list[FlowVersion]:
    """The versions of a flow, newest first."""
    table = tables.flow_versions
    columns = [table.c[name] for name in ("id", "number", "created_at", "message", "author")]
    query = select(*columns).where(table.c.flow_id == flow_id).order_by(table.c.number.desc())
    return [FlowVersion(**row._asdict()) for row in (await connection.execute(query)).all()]


async def _next_version(connection: Connection, flow_id: FlowId) -> int:
    table = tables.flow_versions
    query = select(func.max(table.c.number)).where(table.c.flow_id == flow_id)
    return ((await connection.execute(query)).scalar_one() or 0) + 1


async def _number_subflows(connection: Connection, flow: FlowEntry, names: Iterable[str]) -> dict[str, int]:
    new = [name for name in names if name not in flow.subflows]
    numbers = dict(zip(new, range(max(flow.subflows.values(), default=0) + 1, 1 << 30), strict=False))
    rows = [{"flow_id": flow.id, "name": name, "number": number} for name, number in numbers.items()]
    if rows:
        await connection.execute(insert(tables.subflows), rows)
    return flow.subflows | numbers


def _workspace_row(workspace: Workspace) -> dict[str, Any]:
    return {
        "name": workspace.name,
        "timezone": workspace.timezone,
        "agent_reply_pauses_for_seconds": int(workspace.agent_reply_pauses_for.total_seconds()),
        "paused_automation": workspace.paused_automation.value,
        "operations_url": workspace.operations_url,
        "hours": msgspec.json.encode(workspace.written_hours).decode() if workspace.written_hours else None,
        "channels_off": msgspec.json.encode(sorted(workspace.channels_off)).decode(),
        "sidebar": msgspec.json.encode(sorted(workspace.sidebar)).decode(),
    }


def _endpoint_row(endpoint: Endpoint, cipher: Cipher) -> dict[str, Any]:
    return {
        "workspace_id": endpoint.workspace_id,
        "name": endpoint.name,
        "url": endpoint.url,
        "headers_encrypted": cipher.seal(endpoint.headers, directory.HEADERS_LABEL),
        "secrets_encrypted": cipher.seal(endpoint.secrets, directory.SECRETS_LABEL),
        "events": msgspec.json.encode(sorted(endpoint.events)).decode(),
        "old_secret_until": endpoint.old_secret_until,
        "channels": directory.listening_to_text(endpoint.channels),
        "max_in_flight": endpoint.max_in_flight,
        "max_per_second": endpoint.max_per_second,
        "disabled_reason": endpoint.disabled_reason,
    }


def _channel_row(channel: Channel, cipher: Cipher) -> dict[str, Any]:
    return {
        "workspace_id": channel.workspace_id,
        "flow_id": channel.flow_id,
        "name": channel.name,
        "type": channel.type,
        "key": channel.key,
        "live_chat_mode": channel.live_chat.mode.value,
        "endpoint_id": channel.live_chat.endpoint_id,
        "config_encrypted": cipher.seal(channel.config, directory.CONFIG_LABEL),
        "disabled_reason": channel.disabled_reason,
    }


async def _insert(connection: Connection, table: Any, row: dict[str, Any]) -> int:
    id_ = (await connection.execute(insert(table).values(row).returning(table.c.id))).scalar_one()
    await directory.touch(connection)
    return int(id_)


async def _delete(
    connection: Connection, table: Any, one: Endpoint | Channel, row: dict[str, Any], now: datetime
) -> None:
    name = f"{one.name[:_KEPT_OF_NAME]} (deleted, no. {one.id})"
    gone = {**row, "name": name, "disabled_reason": "it was deleted", "deleted_at": now}
    await _update(connection, table, one.id, gone)


async def _update(connection: Connection, table: Any, id_: int, row: dict[str, Any]) -> None:
    await connection.execute(update(table).where(table.c.id == id_).values(row))
    await directory.touch(connection)
