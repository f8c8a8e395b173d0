"""What is written of a company's setting up is read again, and noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import pytest

from relevo.domain.ids import ApiKeyId, ChannelId, EndpointId, FlowId, FlowVersionId, MemberId, WorkspaceId
from relevo.domain.workspaces import (
    ApiKey,
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
    Scope,
    Workspace,
)
from relevo.store import accounts, configuring, directory
from relevo.store.database import Connection, Database, StoreFault
from relevo.store.directory import Directory
from relevo.store.encryption import Cipher
from relevo.testing.clock import NOON

CIPHER = Cipher(b"a secret key that only tests use")

ACME = Workspace(
    id=WorkspaceId(0),
    name="Acme",
    timezone="Europe/Madrid",
    agent_reply_pauses_for=timedelta(minutes=7),
    paused_automation=PausedAutomation.AGENT_TRIGGERS_AND_DELAYS,
)


class Made(msgspec.Struct, frozen=True):
    """One of each, as they came back from being written."""

    workspace: Workspace
    endpoint: Endpoint
    flow: FlowEntry
    channel: Channel
    member: Member
    key: ApiKey


async def make(connection: Connection) -> Made:
    workspace = await configuring.insert_workspace(connection, ACME, NOON)
    desk = Endpoint(
        id=EndpointId(0),
        workspace_id=workspace.id,
        name="desk",
        url="https://desk.example.com",
        headers={"X-Key": "k"},
        secrets=("whsec_new", "whsec_old"),
        events=frozenset({EventType.TYPING, EventType.MESSAGE_SENT}),
        channels=frozenset({ChannelId(7), ChannelId(12)}),
        disabled_reason="gone",
    )
    endpoint = await configuring.insert_endpoint(connection, CIPHER, desk, NOON)
    entry = await configuring.insert_flow(connection, workspace.id, "support", NOON)
    flow = await configuring.publish(connection, entry, "text", ["a", "b"], NOON)
    site = Channel(
        id=ChannelId(0),
        workspace_id=workspace.id,
        flow_id=flow.id,
        name="site",
        type="web",
        key="key",
        live_chat=LiveChat(LiveChatMode.WEBHOOK, endpoint.id),
        config={"title": "Acme", "deep": [1, {"a": None}]},
        disabled_reason="moving",
    )
    channel = await configuring.insert_channel(connection, CIPHER, site, NOON)
    luis = Member(
        id=MemberId(0), workspace_id=workspace.id, name="Luis", email="luis@example.com", role=Role.ADMIN
    )
    member = await accounts.insert_member(connection, luis, NOON)
    token = ApiKey(
        id=ApiKeyId(0),
        workspace_id=workspace.id,
        flow_id=flow.id,
        name="desk",
        scopes=frozenset(Scope),
        member_id=member.id,
        created_at=NOON,
    )
    key = await accounts.insert_api_key(connection, token, token_hash="hash", hint="hint")
    return Made(workspace, endpoint, flow, channel, member, key)


async def load(database: Database) -> Directory:
    async with database.read() as connection:
        return await directory.load(connection, CIPHER)


@pytest.fixture
async def made(database: Database) -> Made:
    async with database.write() as connection:
        return await make(connection)


async def test_everything_is_read_as_it_was_written(database: Database, made: Made) -> None:
    found = await load(database)

    assert found.workspaces == {made.workspace.id: made.workspace}
    assert found.endpoints == {made.endpoint.id: made.endpoint}
    assert found.flows == {made.flow.id: made.flow}
    assert found.channels == {made.channel.id: made.channel}
    assert found.members == {made.member.id: made.member}
    assert (made.flow.id, made.flow.subflows) == (1001, {"a": 1, "b": 2})
    async with database.read() as connection:
        assert await accounts.find_api_key(connection, "hash") == made.key
        assert await directory.flow_source(connection, made.flow.version_id) == (made.flow.id, "text")


async def test_what_is_updated_is_read_as_it_is_now(database: Database, made: Made) -> None:
    replace = msgspec.structs.replace
    workspace = replace(
        made.workspace, name="Other", timezone="UTC", agent_reply_pauses_for=timedelta(hours=1)
    )
    endpoint = replace(
        made.endpoint, url="https://x.example", headers={}, secrets=("whsec_x",), disabled_reason=""
    )
    channel = replace(made.channel, live_chat=LiveChat(), config={}, disabled_reason="")
    member = replace(made.member, name="Ana", role=Role.OWNER)

    async with database.write() as connection:
        await configuring.update_workspace(connection, workspace)
        await configuring.update_endpoint(connection, CIPHER, endpoint)
        await configuring.update_channel(connection, CIPHER, channel)
        await configuring.rename_flow(connection, made.flow.id, "sales")
        await accounts.update_member(connection, member)

    found = await load(database)
    assert found.workspaces == {workspace.id: workspace}
    assert found.endpoints == {endpoint.id: endpoint}
    assert found.channels == {channel.id: channel}
    assert found.flows[made.flow.id].name == "sales"
    assert found.members == {member.id: member}


@pytest.mark.parametrize("channels", ["all", frozenset()])
async def test_an_endpoint_listens_to_all_channels_or_to_none(
    database: Database, made: Made, channels: Listening
) -> None:
    endpoint = msgspec.structs.replace(made.endpoint, channels=channels)
    async with database.write() as connection:
        await configuring.update_endpoint(connection, CIPHER, endpoint)

    assert (await load(database)).endpoints[endpoint.id].channels == channels


CHANGES: dict[str, Callable[[Connection, Made], Awaitable[object]]] = {
    "insert_workspace": lambda c, _: configuring.insert_workspace(
        c, msgspec.structs.replace(ACME, name="B"), NOON
    ),
    "update_workspace": lambda c, made: configuring.update_workspace(c, made.workspace),
    "insert_endpoint": lambda c, made: configuring.insert_endpoint(
        c, CIPHER, msgspec.structs.replace(made.endpoint, name="b"), NOON
    ),
    "update_endpoint": lambda c, made: configuring.update_endpoint(c, CIPHER, made.endpoint),
    "insert_channel": lambda c, made: configuring.insert_channel(
        c, CIPHER, msgspec.structs.replace(made.channel, name="b", key="b"), NOON
    ),
    "update_channel": lambda c, made: configuring.update_channel(c, CIPHER, made.channel),
    "insert_flow": lambda c, made: configuring.insert_flow(c, made.workspace.id, "b", NOON),
    "rename_flow": lambda c, made: configuring.rename_flow(c, made.flow.id, "b"),
    "publish": lambda c, made: configuring.publish(c, made.flow, "new text", [], NOON),
    "insert_member": lambda c, made: accounts.insert_member(
        c, msgspec.structs.replace(made.member, email="b@example.com"), NOON
    ),
    "update_member": lambda c, made: accounts.update_member(c, made.member),
    "insert_api_key": lambda c, made: accounts.insert_api_key(c, made.key, token_hash="b", hint="b"),
    "revoke_api_key": lambda c, made: accounts.revoke_api_key(c, made.key.id, NOON),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_every_change_is_noticed(database: Database, made: Made, change: str) -> None:
    async with database.write() as connection:
        before = await directory.version(connection)
        await CHANGES[change](connection, made)
        assert await directory.version(connection) > before


@pytest.mark.parametrize("change", ["insert_workspace", "insert_endpoint", "insert_channel", "insert_flow"])
async def test_the_database_itself_refuses_a_name_that_is_taken(
    database: Database, made: Made, change: str
) -> None:
    async with database.write() as connection:
        await CHANGES[change](connection, made)

    with pytest.raises(StoreFault):
        async with database.write() as connection:
            await CHANGES[change](connection, made)


async def test_versions_are_numbered_within_their_flow_newest_first(database: Database, made: Made) -> None:
    async with database.write() as connection:
        other = await configuring.insert_flow(connection, made.workspace.id, "other", NOON)
        await configuring.publish(connection, other, "its text", ["z"], NOON)
        flow = await configuring.publish(connection, made.flow, "text 2", ["b", "c"], NOON)
        versions = await configuring.versions_of(connection, flow.id)
        others = await configuring.versions_of(connection, other.id)

    assert [version.number for version in versions] == [2, 1]
    assert [version.number for version in others] == [1]
    assert versions[0].id == flow.version_id
    assert flow.subflows == {"a": 1, "b": 2, "c": 3}


async def test_a_flow_without_a_text_has_no_version(database: Database, made: Made) -> None:
    async with database.write() as connection:
        entry = await configuring.insert_flow(connection, made.workspace.id, "b", NOON)

    assert entry == FlowEntry(
        id=FlowId(1002), workspace_id=made.workspace.id, name="b", version_id=FlowVersionId(0)
    )
    assert (await load(database)).flows[entry.id] == entry


@pytest.mark.parametrize("database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def test_who_holds_the_lock_changes_alone(database: Database) -> None:
    async with database.write() as connection:
        await configuring.lock(connection)
        second = asyncio.create_task(lock_and_leave(database))
        done, _ = await asyncio.wait([second], timeout=0.1)
        assert not done
    await second


async def lock_and_leave(database: Database) -> None:
    async with database.write() as connection:
        await configuring.lock(connection)


async def test_sessions_that_are_over_are_cleared_away_when_one_begins(
    database: Database, made: Made
) -> None:
    hour = timedelta(hours=1)
    async with database.write() as connection:
        for token, at in (("old", NOON - hour), ("new", NOON)):
            await accounts.insert_session(connection, token, made.member.id, now=at, expires_at=at + hour)
        late = NOON - timedelta(minutes=1)
        assert await accounts.session_member(connection, "old", late) is None
        assert await accounts.session_member(connection, "new", late) == made.member
        await accounts.delete_sessions(connection, made.member.id)
        assert await accounts.session_member(connection, "new", late) is None


async def test_a_token_is_revoked_once(database: Database, made: Made) -> None:
    async with database.write() as connection:
        assert await accounts.revoke_api_key(connection, made.key.id, NOON)
        assert not await accounts.revoke_api_key(connection, made.key.id, NOON)
        assert not await accounts.revoke_api_key(connection, ApiKeyId(99), NOON)
        assert await accounts.find_api_key(connection, "hash") is None


async def test_credentials_are_found_in_every_workspace(database: Database, made: Made) -> None:
    async with database.write() as connection:
        other = await configuring.insert_workspace(connection, msgspec.structs.replace(ACME, name="B"), NOON)
        twin = msgspec.structs.replace(made.member, workspace_id=other.id)
        second = await accounts.insert_member(connection, twin, NOON, "hash")
        found = await accounts.credentials(connection, made.member.email)

    assert [(one.member, one.password_hash) for one in found] == [(made.member, None), (second, "hash")]
    assert "hash" not in repr(found)
