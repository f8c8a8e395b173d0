"""The installation that a command works on: its settings, and its database, opened and migrated."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import click

from relevo.admin.changing import Means, reading
from relevo.domain.ids import WorkspaceId, parse_flow_ns
from relevo.domain.inbound_webhooks import InboundWebhook
from relevo.domain.workspaces import Channel, Endpoint, FlowEntry, Workspace
from relevo.domain.yaml_reading import did_you_mean, quoted
from relevo.http_client.egress_guard import EgressGuard
from relevo.settings import SERVED_AT, Settings, load, secret_key
from relevo.store import schema
from relevo.store.database import Database
from relevo.store.directory import Directory
from relevo.store.encryption import Cipher
from relevo.system.chance import SystemChance
from relevo.system.clock import SystemClock
from relevo.system.dns import resolve

T = TypeVar("T")

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8080

workspace_option = click.option("--workspace", metavar="NAME", help="Which workspace, if there are several.")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def read_settings() -> Settings:
    return load(os.environ)


def public_url(settings: Settings) -> str:
    """Where this server is reached, as far as anybody knows."""
    noted = settings.data_dir / SERVED_AT
    if not settings.public_url and noted.is_file():
        return noted.read_text().strip()
    return settings.public_url or f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"


@asynccontextmanager
async def opened(settings: Settings | None = None) -> AsyncIterator[Means]:
    """The database, migrated, and what is needed to change what is in it."""
    settings = settings or read_settings()
    key = secret_key(settings).reveal()
    database = Database(settings.database_url.reveal())
    try:
        await schema.migrate(database)
        clock = SystemClock()
        yield Means(
            database=database,
            cipher=Cipher(key),
            clock=clock,
            chance=SystemChance(clock),
            guard=EgressGuard(settings.allowed_networks, resolve),
        )
    finally:
        await database.close()


async def everything(means: Means) -> Directory:
    return await reading(means)


# Things by the names that people give them


def workspace_named(found: Directory, name: str | None) -> Workspace:
    """The workspace of this name, or the only one there is."""
    workspaces = list(found.workspaces.values())
    names = [one.name for one in workspaces]
    if not workspaces:
        raise click.ClickException("There is no workspace yet; `relevo apply FILE` makes one.")
    if name is None and len(workspaces) > 1:
        raise click.UsageError(
            f"There are several workspaces; say --workspace with one of: {', '.join(names)}"
        )
    chosen = workspaces[0] if name is None else next((one for one in workspaces if one.name == name), None)
    if chosen is None:
        raise click.ClickException(f"There is no workspace {quoted(name)}; {did_you_mean(name or '', names)}")
    return chosen


def flow_named(found: Directory, name: str, workspace: str | None) -> FlowEntry:
    """The flow of this name, or of this number (`f1001`), in one workspace or in all."""
    within: WorkspaceId | None = workspace_named(found, workspace).id if workspace else None
    flows = [one for one in found.flows.values() if within in (None, one.workspace_id)]
    matching = [one for one in flows if one.name == name] or [
        one for one in flows if one.id == parse_flow_ns(name)
    ]
    if len(matching) > 1:
        names = [found.workspaces[one.workspace_id].name for one in matching]
        raise click.UsageError(
            f"There are several flows {quoted(name)}; say --workspace with one of: {', '.join(names)}"
        )
    if not matching:
        names = [one.name for one in flows]
        remedy = did_you_mean(name, names) if names else "`relevo apply FILE` makes one"
        raise click.ClickException(f"There is no flow {quoted(name)}; {remedy}")
    return matching[0]


N = TypeVar("N", Endpoint, Channel, InboundWebhook)


def endpoint_named(found: Directory, name: str, workspace: str | None) -> Endpoint:
    """The endpoint of this name, in one workspace or in all."""
    return _only(found, "endpoint", list(found.endpoints.values()), name, workspace)


def channel_named(found: Directory, name: str, workspace: str | None) -> Channel:
    """The channel of this name, in one workspace or in all."""
    return _only(found, "channel", list(found.channels.values()), name, workspace)


def inbound_named(found: Directory, name: str, workspace: str | None) -> InboundWebhook:
    """The inbound webhook of this name, in one workspace or in all."""
    return _only(found, "inbound webhook", list(found.inbound_webhooks.values()), name, workspace)


def _only(found: Directory, kind: str, things: list[N], name: str, workspace: str | None) -> N:
    within = workspace_named(found, workspace).id if workspace else None
    things = [one for one in things if within in (None, one.workspace_id)]
    matching = [one for one in things if one.name == name]
    if len(matching) > 1:
        workspaces = ", ".join(found.workspaces[one.workspace_id].name for one in matching)
        raise click.UsageError(
            f"There are several {kind}s {quoted(name)}; say --workspace with one of: {workspaces}"
        )
    if not matching:
        names = [one.name for one in things]
        remedy = did_you_mean(name, names) if names else "`relevo apply FILE` makes one"
        raise click.ClickException(f"There is no {kind} {quoted(name)}; {remedy}")
    return matching[0]
