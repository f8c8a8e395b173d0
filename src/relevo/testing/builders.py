"""A small company in a real database, and an engine that runs on it: where most tests above the domain begin.

    async with make_engine(database) as world:
        result = await world.says("Hello")                  # Ana, on the web channel
        assert [message.type for message in await world.messages(result.conversation_id)] == ["in", "out"]

Nothing is carried (`StillCarriers`): what is committed stays due in the database. Time stands still
until the test moves `world.clock`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from relevo.admin.connecting import AskVendor
from relevo.domain.conversations import Conversation
from relevo.domain.deliveries import Delivery, Destination
from relevo.domain.events import AnyEvent, ByUser, MessageReceived
from relevo.domain.flows.parsing import parse
from relevo.domain.ids import (
    ApiKeyId,
    ChannelId,
    ConversationId,
    EndpointId,
    FlowId,
    FlowVersionId,
    MemberId,
    WorkspaceId,
)
from relevo.domain.messages import Content, Message, MessageType, Text
from relevo.domain.subscribers import Profile
from relevo.domain.workspaces import (
    ApiKey,
    Channel,
    Endpoint,
    EventType,
    FlowEntry,
    LiveChat,
    LiveChatMode,
    Member,
    Role,
    Scope,
    Workspace,
)
from relevo.engine.batches import Carriers, Result
from relevo.engine.catalog import Catalog
from relevo.engine.engine import Engine
from relevo.engine.hub import Hub
from relevo.engine.materials import ChannelWhispering, Whispering, Workshop
from relevo.engine.naming import Naming
from relevo.engine.sweeping import Sweeping
from relevo.http_client.egress_guard import EgressGuard
from relevo.store import accounts, conversations, directory, messages, tables
from relevo.store import ids as numbers
from relevo.store.database import Connection, Database
from relevo.store.encryption import Cipher, hash_token
from relevo.store.ids import IdBlocks
from relevo.system.dns import resolve
from relevo.testing.chance import FakeChance
from relevo.testing.clock import FakeClock
from relevo.web.services import Edge, Services

PUBLIC_URL = "https://relevo.example.com"
SECRET_KEY = b"a secret key that only tests use"
SIGNING_SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
USER_ID = "visitor-1"

SUPPORT = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [agent, human], do: person}
subflows:
  welcome:
    - send: "Hello {{ first_name }}. Write *agent* to talk to a person."
  person:
    - send: "I am getting somebody for you."
    - pause_bot: {minutes: 30}
"""
"""The smallest flow with a handoff."""


class StillCarriers:
    """The engine's `Carriers`, who carry nothing; `whispered` is what they were told to whisper."""

    node = "still"

    def __init__(self) -> None:
        self.whispered: list[Whispering | ChannelWhispering] = []

    def reserve(self, destination: Destination) -> bool:
        return False

    def unreserve(self, destination: Destination) -> None:
        raise AssertionError(f"no place was reserved for {destination}")

    def is_down(self, destination: Destination) -> bool:
        return False

    def carry(self, delivery: Delivery) -> None:
        raise AssertionError(f"no place was reserved for {delivery}")

    def whisper(self, whispering: Whispering | ChannelWhispering) -> None:
        self.whispered.append(whispering)

    def lose_claims(self) -> None:
        raise AssertionError("nothing was claimed")


class NoFiles:
    """Where no files are kept; `removed` is what should not be kept any more."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    async def delete(self, media_id: str) -> None:
        self.removed.append(media_id)


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace with a flow, a channel of each kind that both hand over to `endpoint`, and two people."""

    workspace: Workspace
    flow: FlowEntry
    endpoint: Endpoint
    web: Channel
    apichat: Channel
    owner: Member
    agent: Member


class World(msgspec.Struct, kw_only=True):
    """A running engine and everything around it. `company` is the one that there is at first."""

    database: Database
    cipher: Cipher
    catalog: Catalog
    ids: IdBlocks
    workshop: Workshop
    hub: Hub
    clock: FakeClock
    chance: FakeChance
    carriers: Carriers
    engine: Engine
    naming: Naming
    sweeping: Sweeping
    company: Company
    ask_vendor: AskVendor | None = None
    """Answers for every vendor, where a test wants that."""

    async def says(
        self,
        content: Content | str,
        *,
        user_id: str = USER_ID,
        name: str = "Ana Diaz",
        channel: Channel | None = None,
        mid: str = "",
    ) -> Result:
        """A customer writes."""
        to = ByUser((channel or self.company.web).id, user_id)
        said = Text(content) if isinstance(content, str) else content
        return await self.submit(MessageReceived(to=to, content=said, profile=Profile(name=name), mid=mid))

    async def submit(self, event: AnyEvent) -> Result:
        return await self.engine.submit(event)

    async def conversation(self, id_: ConversationId) -> Conversation:
        """A conversation as it is stored."""
        async with self.database.read() as connection:
            found = await conversations.find(connection, id_)
        assert found is not None, f"there is no conversation {id_}"
        return found

    async def messages(self, id_: ConversationId) -> list[Message]:
        """The newest hundred messages of a conversation, the oldest first."""
        async with self.database.read() as connection:
            page = await messages.page(connection, id_, types=list(MessageType), limit=100)
        return page[::-1]

    async def add_company(self, name: str, *, flow: str = SUPPORT) -> Company:
        """Another company beside the first."""
        async with self.database.write() as connection:
            company = await _add_company(connection, self, name, flow)
        await self.catalog.refresh(at_once=True)
        return company

    async def add_token(
        self,
        company: Company | None = None,
        *,
        scopes: Collection[Scope] = (Scope.MANAGE_FLOW,),
        member: Member | None = None,
        anonymous: bool = False,
    ) -> str:
        """A token of the company's flow, in the name of a member (the owner), or of nobody."""
        of, token = company or self.company, self.chance.token()
        key = ApiKey(
            id=ApiKeyId(0),
            workspace_id=of.workspace.id,
            flow_id=of.flow.id,
            name="test",
            scopes=frozenset(scopes),
            member_id=None if anonymous else (member or of.owner).id,
            created_at=self.clock.now(),
        )
        async with self.database.write() as connection:
            await accounts.insert_api_key(connection, key, token_hash=hash_token(token), hint=token[-4:])
        return token

    def services(self, *, edge: Edge | None = None, media_folder: Path = Path("no-media")) -> Services:
        """What the pages and calls of the edge get."""
        return Services(
            edge=edge or Edge(public_url=PUBLIC_URL),
            database=self.database,
            cipher=self.cipher,
            catalog=self.catalog,
            engine=self.engine,
            hub=self.hub,
            guard=EgressGuard([], resolve),
            clock=self.clock,
            chance=self.chance,
            media_folder=media_folder,
            media_key=b"media",
            visitor_key=b"visitors",
            cookie_key=b"cookies, at least thirty-two bytes",
            operations_key=b"operations",
            ask_vendor=self.ask_vendor,
        )


@asynccontextmanager
async def make_engine(
    database: Database, *, flow: str = SUPPORT, carriers: Carriers | None = None
) -> AsyncIterator[World]:
    """The company *Acme* in an empty (migrated) database, and an engine that runs until the block ends."""
    world = _assemble(database, carriers or StillCarriers())
    world.company = await world.add_company("Acme", flow=flow)
    running = asyncio.create_task(world.engine.run())
    try:
        yield world
    finally:
        world.hub.close()
        world.engine.stop()
        await running


def _assemble(database: Database, carriers: Carriers) -> World:
    clock = FakeClock()
    chance, cipher, hub, ids = FakeChance(clock=clock), Cipher(SECRET_KEY), Hub(), IdBlocks(database)
    catalog = Catalog(database, cipher, clock)
    workshop = Workshop(ids=ids, chance=chance, public_url=lambda: PUBLIC_URL, media_key=b"media")
    naming = Naming(database=database, catalog=catalog, clock=clock)
    engine = Engine(
        database=database,
        catalog=catalog,
        namer=naming,
        workshop=workshop,
        ids=ids,
        carriers=carriers,
        hub=hub,
        clock=clock,
        chance=chance,
    )
    return World(
        database=database,
        cipher=cipher,
        catalog=catalog,
        ids=ids,
        workshop=workshop,
        hub=hub,
        clock=clock,
        chance=chance,
        carriers=carriers,
        engine=engine,
        naming=naming,
        sweeping=Sweeping(engine=engine, database=database, catalog=catalog, clock=clock, files=NoFiles()),
        company=_NOBODY,
    )


_NOBODY: Any = None  # there is a company before anybody sees the world


# A company, row by row


async def _add_company(connection: Connection, world: World, name: str, source: str) -> Company:
    workspace = await _add_workspace(connection, world, name)
    endpoint = await _add_endpoint(connection, world, workspace.id)
    flow = await _add_flow(connection, world, workspace.id, source)
    web, apichat = [
        await _add_channel(connection, world, flow, endpoint, type_, config)
        for type_, config in (("web", {}), ("apichat", {"webhook_url": "https://other.example.com/in"}))
    ]
    people = [
        await _add_member(connection, world, workspace.id, who, role)
        for who, role in (("Olga", Role.OWNER), ("Luis", Role.AGENT))
    ]
    await directory.touch(connection)
    return Company(
        workspace=workspace,
        flow=flow,
        endpoint=endpoint,
        web=web,
        apichat=apichat,
        owner=people[0],
        agent=people[1],
    )


async def _add_workspace(connection: Connection, world: World, name: str) -> Workspace:
    workspace = Workspace(id=WorkspaceId(0), name=name)
    row = {
        "name": name,
        "timezone": workspace.timezone,
        "agent_reply_pauses_for_seconds": int(workspace.agent_reply_pauses_for.total_seconds()),
        "paused_automation": workspace.paused_automation.value,
    }
    id_ = await _insert(connection, world, tables.workspaces, row)
    return msgspec.structs.replace(workspace, id=WorkspaceId(id_))


async def _add_endpoint(connection: Connection, world: World, workspace_id: WorkspaceId) -> Endpoint:
    """One that has opted in to everything."""
    endpoint = Endpoint(
        id=EndpointId(0),
        workspace_id=workspace_id,
        name="desk",
        url="https://desk.example.com/uchat",
        headers={"X-Desk-Key": "k-123"},
        secrets=(SIGNING_SECRET,),
        events=frozenset(EventType),
    )
    row = {
        "workspace_id": workspace_id,
        "name": endpoint.name,
        "url": endpoint.url,
        "headers_encrypted": world.cipher.seal(endpoint.headers, directory.HEADERS_LABEL),
        "secrets_encrypted": world.cipher.seal(endpoint.secrets, directory.SECRETS_LABEL),
        "events": msgspec.json.encode(sorted(endpoint.events)).decode(),
        "disabled_reason": "",
    }
    id_ = await _insert(connection, world, tables.endpoints, row)
    return msgspec.structs.replace(endpoint, id=EndpointId(id_))


async def _add_flow(
    connection: Connection, world: World, workspace_id: WorkspaceId, source: str
) -> FlowEntry:
    id_ = FlowId(await numbers.take(connection, "flows"))
    row = {"id": id_, "workspace_id": workspace_id, "name": "support"}
    await _insert(connection, world, tables.flows, row)
    version = {"flow_id": id_, "number": 1, "source": source}
    version_id = FlowVersionId(await _insert(connection, world, tables.flow_versions, version))
    current = tables.flows.update().where(tables.flows.c.id == id_).values(version_id=version_id)
    await connection.execute(current)
    subflows = {subflow: number for number, subflow in enumerate(_subflows(source), 1)}
    rows = [{"flow_id": id_, "name": name, "number": number} for name, number in subflows.items()]
    await connection.execute(tables.subflows.insert(), rows)
    return FlowEntry(
        id=id_, workspace_id=workspace_id, name="support", version_id=version_id, subflows=subflows
    )


def _subflows(source: str) -> list[str]:
    parsed = parse(source, file="the flow of this test")
    assert parsed.flow is not None, parsed.problems
    return list(parsed.flow.subflows)


async def _add_channel(
    connection: Connection,
    world: World,
    flow: FlowEntry,
    endpoint: Endpoint,
    type_: str,
    config: dict[str, Any],
) -> Channel:
    channel = Channel(
        id=ChannelId(0),
        workspace_id=flow.workspace_id,
        flow_id=flow.id,
        name=type_,
        type=type_,
        key=world.chance.token(16),
        live_chat=LiveChat(LiveChatMode.WEBHOOK, endpoint.id),
        config=config,
    )
    row = {
        "workspace_id": flow.workspace_id,
        "flow_id": flow.id,
        "name": type_,
        "type": type_,
        "key": channel.key,
        "live_chat_mode": channel.live_chat.mode.value,
        "endpoint_id": endpoint.id,
        "config_encrypted": world.cipher.seal(config, directory.CONFIG_LABEL),
        "disabled_reason": "",
    }
    id_ = await _insert(connection, world, tables.channels, row)
    return msgspec.structs.replace(channel, id=ChannelId(id_))


async def add_channel(world: World, type_: str, config: dict[str, Any]) -> Channel:
    """One more channel of the first company, of a type and with options as the test wants it."""
    async with world.database.write() as connection:
        flow, endpoint = world.company.flow, world.company.endpoint
        channel = await _add_channel(connection, world, flow, endpoint, type_, config)
        await directory.touch(connection)
    await world.catalog.refresh(at_once=True)
    return channel


async def _add_member(
    connection: Connection, world: World, workspace_id: WorkspaceId, name: str, role: Role
) -> Member:
    email = f"{name.lower()}@example.com"
    row = {"workspace_id": workspace_id, "name": name, "email": email, "role": role.value}
    id_ = await _insert(connection, world, tables.members, row)
    return Member(id=MemberId(id_), workspace_id=workspace_id, name=name, email=email, role=role)


async def _insert(connection: Connection, world: World, table: Any, row: dict[str, Any]) -> int:
    """The id of the new row."""
    query = table.insert().values({**row, "created_at": world.clock.now()}).returning(table.c.id)
    return int((await connection.execute(query)).scalar_one())
