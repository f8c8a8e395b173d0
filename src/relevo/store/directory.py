"""What a company has set up, read as a whole: small, and needed for every decision."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import select, update

from relevo.domain import segments
from relevo.domain.agent_groups import AgentGroup, GroupId
from relevo.domain.approved_templates import Templates
from relevo.domain.custom_events import CustomEvent
from relevo.domain.emails import Mailbox
from relevo.domain.errors import InvalidInput, VersionChanged
from relevo.domain.flows.model import DEFAULTS, Condition
from relevo.domain.hours import Hours
from relevo.domain.ids import (
    ChannelId,
    CustomEventId,
    EndpointId,
    FlowId,
    FlowVersionId,
    InboundWebhookId,
    MemberId,
    WorkspaceId,
)
from relevo.domain.inbound_webhooks import InboundWebhook, Mapped
from relevo.domain.sealing import KeptSecrets
from relevo.domain.vocabulary import NO_WORDS, Label, Vocabulary
from relevo.domain.workspaces import (
    Channel,
    Endpoint,
    EventType,
    FlowEntry,
    Listening,
    LiveChat,
    LiveChatMode,
    Member,
    PausedAutomation,
    Role,
    Workspace,
)
from relevo.store import agent_groups, notices, tables, templates, vocabulary
from relevo.store.database import AnyRow, Connection
from relevo.store.encryption import Cipher

HEADERS_LABEL, SECRETS_LABEL, CONFIG_LABEL = "endpoint.headers", "endpoint.secrets", "channel.config"
FLOW_SECRET_LABEL, MAILBOX_LABEL = "flow.secret", "mailbox"


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """All workspaces with what they have set up, as of `version`.

    What is deleted is apart: nothing goes there any more, but deliveries and conversations name it.
    """

    version: int
    workspaces: Mapping[WorkspaceId, Workspace] = {}
    endpoints: Mapping[EndpointId, Endpoint] = {}
    flows: Mapping[FlowId, FlowEntry] = {}
    defaults: Mapping[WorkspaceId, FlowVersionId] = {}
    """The running versions of the flows that are named for it."""
    channels: Mapping[ChannelId, Channel] = {}
    members: Mapping[MemberId, Member] = {}
    custom_events: Mapping[CustomEventId, CustomEvent] = {}
    leaving_events: tuple[CustomEventId, ...] = ()
    templates: Mapping[ChannelId, Templates] = {}
    secrets: Mapping[WorkspaceId, KeptSecrets] = {}
    mailboxes: Mapping[WorkspaceId, Mailbox] = {}
    inbound_webhooks: Mapping[InboundWebhookId, InboundWebhook] = {}
    deleted_endpoints: Mapping[EndpointId, Endpoint] = {}
    deleted_channels: Mapping[ChannelId, Channel] = {}
    segments: Mapping[FlowId, Mapping[str, Condition]] = {}
    agent_groups: Mapping[GroupId, AgentGroup] = {}

    vocabularies: Mapping[FlowId, Vocabulary] = {}
    labels: Mapping[WorkspaceId, Mapping[str, Label]] = {}

    def vocabulary(self, flow_id: FlowId) -> Vocabulary:
        """The tags and fields of a flow."""
        return self.vocabularies.get(flow_id, NO_WORDS)

    def member_of(self, workspace_id: WorkspaceId, name: str) -> MemberId | None:
        """The member with this e-mail address, or else the only one with this name."""
        people = [one for one in self.members.values() if one.workspace_id == workspace_id]
        by_address = [one.id for one in people if one.email.casefold() == name.casefold()]
        found = by_address or [one.id for one in people if one.name.casefold() == name.casefold()]
        return found[0] if len(found) == 1 else None

    def custom_event(self, flow_id: FlowId, name: str) -> CustomEvent | None:
        """The custom event of a flow with this name."""
        everything = self.custom_events.values()
        return next((one for one in everything if one.flow_id == flow_id and one.name == name), None)

    def inbound_webhook(self, key: str) -> InboundWebhook | None:
        """The inbound webhook with this address."""
        return next((one for one in self.inbound_webhooks.values() if one.key == key), None)

    def any_endpoint(self, id_: EndpointId) -> Endpoint | None:
        """One of this id, deleted or not."""
        return self.endpoints.get(id_) or self.deleted_endpoints.get(id_)

    def any_channel(self, id_: ChannelId) -> Channel | None:
        """One of this id, deleted or not."""
        return self.channels.get(id_) or self.deleted_channels.get(id_)


async def version(connection: Connection) -> int:
    """The version of the configuration; it grows with each change."""
    return int((await connection.execute(select(tables.configuration.c.version))).scalar_one())


async def touch(connection: Connection) -> None:
    """Say, in the transaction of a change, that the configuration has changed."""
    table = tables.configuration
    await connection.execute(update(table).values(version=table.c.version + 1))
    await notices.tell_configured(connection)


async def load(connection: Connection, cipher: Cipher) -> Directory:
    """Everything, in one transaction."""
    endpoints = await _all(connection, tables.endpoints)
    channels = await _all(connection, tables.channels)
    flows = await _flows(connection)
    events = await _all(connection, tables.custom_events)
    return Directory(
        version=await version(connection),
        workspaces={
            one.id: one for one in map(workspace_from_row, await _all(connection, tables.workspaces))
        },
        endpoints=_endpoints([row for row in endpoints if row.deleted_at is None], cipher),
        flows=flows,
        defaults={
            one.workspace_id: one.version_id
            for one in flows.values()
            if one.name == DEFAULTS and one.version_id
        },
        channels=_channels([row for row in channels if row.deleted_at is None], cipher),
        members={one.id: one for one in map(member_from_row, await _all(connection, tables.members))},
        custom_events={row.id: event_from_row(row) for row in events if row.deleted_at is None},
        leaving_events=tuple(row.id for row in events if row.deleted_at is not None),
        templates=await templates.load_all(connection),
        secrets=await _secrets(connection, cipher),
        mailboxes=await _mailboxes(connection, cipher),
        inbound_webhooks={
            one.id: one for one in map(inbound_from_row, await _all(connection, tables.inbound_webhooks))
        },
        vocabularies=await vocabulary.vocabularies(connection),
        labels=await vocabulary.all_labels(connection),
        deleted_endpoints=_endpoints([row for row in endpoints if row.deleted_at is not None], cipher),
        deleted_channels=_channels([row for row in channels if row.deleted_at is not None], cipher),
        segments=await _segments(connection),
        agent_groups=await agent_groups.load(connection),
    )


def _endpoints(rows: list[AnyRow], cipher: Cipher) -> dict[EndpointId, Endpoint]:
    return {EndpointId(row.id): endpoint_from_row(row, cipher) for row in rows}


def _channels(rows: list[AnyRow], cipher: Cipher) -> dict[ChannelId, Channel]:
    return {ChannelId(row.id): channel_from_row(row, cipher) for row in rows}


async def flow_source(connection: Connection, version_id: FlowVersionId) -> tuple[FlowId, str] | None:
    """The flow and the text of a version. Raises `VersionChanged` when it is not what was published."""
    query = select(tables.flow_versions).where(tables.flow_versions.c.id == version_id)
    row = (await connection.execute(query)).first()
    if row is not None and row.hash is not None and row.hash != hash_of(row.source):
        raise VersionChanged(version=version_id)
    return (FlowId(row.flow_id), row.source) if row else None


def hash_of(source: str) -> str:
    """By which a text is known to be the one that was published."""
    return sha256(source.encode()).hexdigest()


def workspace_from_row(row: AnyRow) -> Workspace:
    return Workspace(
        id=WorkspaceId(row.id),
        name=row.name,
        timezone=row.timezone,
        agent_reply_pauses_for=timedelta(seconds=row.agent_reply_pauses_for_seconds),
        paused_automation=PausedAutomation(row.paused_automation),
        operations_url=row.operations_url or "",
        written_hours=msgspec.json.decode(row.hours, type=Hours) if row.hours else None,
        channels_off=_names(row.channels_off),
        sidebar=_names(row.sidebar),
    )


def _names(text: str | None) -> frozenset[str]:
    return frozenset(msgspec.json.decode(text)) if text else frozenset()


def endpoint_from_row(row: AnyRow, cipher: Cipher) -> Endpoint:
    return Endpoint(
        id=EndpointId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        name=row.name,
        url=row.url,
        headers=cipher.open(row.headers_encrypted, HEADERS_LABEL),
        secrets=tuple(cipher.open(row.secrets_encrypted, SECRETS_LABEL)),
        events=frozenset(EventType(name) for name in msgspec.json.decode(row.events)),
        channels=_listening(row.channels),
        old_secret_until=row.old_secret_until,
        max_in_flight=row.max_in_flight or 0,
        max_per_second=row.max_per_second or 0,
        disabled_reason=row.disabled_reason,
    )


def listening_to_text(channels: Listening) -> str | None:
    """As a row keeps it."""
    if not channels:
        return None
    return msgspec.json.encode("all" if channels == "all" else sorted(channels)).decode()


def _listening(text: str | None) -> Listening:
    found = msgspec.json.decode(text) if text else ()
    return "all" if found == "all" else frozenset(map(ChannelId, found))


def channel_from_row(row: AnyRow, cipher: Cipher) -> Channel:
    endpoint_id = EndpointId(row.endpoint_id) if row.endpoint_id is not None else None
    return Channel(
        id=ChannelId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        flow_id=FlowId(row.flow_id),
        name=row.name,
        type=row.type,
        key=row.key,
        live_chat=LiveChat(LiveChatMode(row.live_chat_mode), endpoint_id),
        config=cipher.open(row.config_encrypted, CONFIG_LABEL),
        disabled_reason=row.disabled_reason,
    )


def member_from_row(row: AnyRow) -> Member:
    return Member(
        id=MemberId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        name=row.name,
        email=row.email,
        role=Role(row.role),
    )


def event_from_row(row: AnyRow) -> CustomEvent:
    return CustomEvent(
        id=CustomEventId(row.id),
        flow_id=FlowId(row.flow_id),
        name=row.name,
        description=row.description,
        text_label=row.text_label,
        price_label=row.price_label,
        number_label=row.number_label,
    )


async def _segments(connection: Connection) -> dict[FlowId, dict[str, Condition]]:
    """By flow and name; what an older Relevo let pass and this one does not, has nobody."""
    found: dict[FlowId, dict[str, Condition]] = {}
    for row in await _all(connection, tables.segments):
        with contextlib.suppress(InvalidInput):
            found.setdefault(FlowId(row.flow_id), {})[row.name] = segments.read(row.source)
    return found


def inbound_from_row(row: AnyRow) -> InboundWebhook:
    return InboundWebhook(
        id=InboundWebhookId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        flow_id=FlowId(row.flow_id),
        name=row.name,
        key=row.key,
        channel_id=ChannelId(row.channel_id) if row.channel_id is not None else None,
        mappings=msgspec.json.decode(row.mappings, type=tuple[Mapped, ...]),
        tags=msgspec.json.decode(row.tags, type=tuple[str, ...]),
        start=row.start,
        key_path=row.key_path,
        disabled_reason=row.disabled_reason,
    )


async def _flows(connection: Connection) -> dict[FlowId, FlowEntry]:
    numbers: dict[int, dict[str, int]] = {}
    for row in await _all(connection, tables.subflows):
        numbers.setdefault(row.flow_id, {})[row.name] = row.number
    return {
        FlowId(row.id): FlowEntry(
            id=FlowId(row.id),
            workspace_id=WorkspaceId(row.workspace_id),
            name=row.name,
            version_id=FlowVersionId(row.version_id or 0),
            subflows=numbers.get(row.id, {}),
            start=row.start or "",
            widget_start=row.widget_start or "",
        )
        for row in await _all(connection, tables.flows)
    }


async def _mailboxes(connection: Connection, cipher: Cipher) -> dict[WorkspaceId, Mailbox]:
    return {
        WorkspaceId(row.workspace_id): msgspec.convert(
            cipher.open(row.config_encrypted, MAILBOX_LABEL), type=Mailbox
        )
        for row in await _all(connection, tables.mailboxes)
    }


async def _secrets(connection: Connection, cipher: Cipher) -> dict[WorkspaceId, KeptSecrets]:
    found: dict[WorkspaceId, KeptSecrets] = {}
    for row in await _all(connection, tables.flow_secrets):
        of = found.setdefault(WorkspaceId(row.workspace_id), KeptSecrets())
        of[row.name] = cipher.open(row.value_encrypted, FLOW_SECRET_LABEL)
    return found


async def _all(connection: Connection, table: Any) -> list[AnyRow]:
    return list((await connection.execute(select(table))).all())


async def disable_endpoint(connection: Connection, id_: EndpointId, reason: str) -> None:
    """Stop posting to an endpoint, and say why."""
    table = tables.endpoints
    await connection.execute(update(table).where(table.c.id == id_).values(disabled_reason=reason))
    await touch(connection)
