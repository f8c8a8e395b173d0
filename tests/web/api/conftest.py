"""A company, its API and a customer who has written."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar

from relevo.admin.broadcasts import BroadcastWish, begin
from relevo.channels.adapter import VendorAnswer, VendorCall
from relevo.domain.agent_groups import AgentGroup, GroupId
from relevo.domain.broadcasts import Listed, Says, broadcast_ns
from relevo.domain.deliveries import Destination
from relevo.domain.events import ByUser, SubscriberChanged
from relevo.domain.ids import ConversationId, user_ns
from relevo.domain.messages import Message, plain_text
from relevo.domain.redeliveries import UNDELIVERED, Selection
from relevo.domain.segments import Segment, SegmentId
from relevo.domain.subscribers import Profile
from relevo.domain.vocabulary import Names
from relevo.domain.workspaces import Scope
from relevo.store import agent_groups, defining, deliveries, directory, media, redeliveries, segments, tables
from relevo.store.media import MediaFile
from relevo.testing.builders import USER_ID, World, add_channel
from relevo.testing.channel_suite import play
from relevo.web.api import create_api
from relevo.web.api.media_library import MEDIA_ID
from relevo.web.errors import answer_error
from relevo.web.services import Services
from tests.web.api.validating import Api, Told, our_document
from tests.web.exchanges import Client


@pytest.fixture(scope="session")
def told() -> Told:
    return our_document()


def app_of(services: Services) -> Litestar:
    """An application that is nothing but the API."""
    return Litestar(
        create_api(services),
        exception_handlers={Exception: answer_error},
        openapi_config=None,
        logging_config=None,
    )


@pytest.fixture
def app(services: Services) -> Litestar:
    return app_of(services)


@pytest.fixture
async def api(client: Client, world: World, told: Told) -> Api:
    """With a token of the first company's flow and of its workspace, in the name of its owner, Olga."""
    return Api(client, told, await world.add_token(scopes=BOTH))


@pytest.fixture
def services(world: World, tmp_path: Path) -> Services:
    """A server whose vendors take everything."""
    world.ask_vendor = obliging
    return world.services(media_folder=tmp_path / "media")


ORDER_SENT: dict[str, Any] = {
    "name": "order_sent",
    "language": "en_US",
    "status": "APPROVED",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Hi {{1}}"}],
}


async def obliging(dialogue: Generator[VendorCall, VendorAnswer, Any], _: tuple[str, ...], /) -> Any:
    """Meta, with one template."""

    def meta(call: VendorCall) -> VendorAnswer:
        said = {"id": "7", "status": "PENDING", "success": True, "data": [ORDER_SENT]}
        return VendorAnswer(status=200, headers={}, body=msgspec.json.encode(said))

    return play(dialogue, meta)[1]


NUMBER = {
    "phone_number_id": "106540352242922",
    "waba_id": "102290129340398",
    "access_token": "EAAJB" + "x" * 40,
    "app_secret": "0123456789abcdef" * 2,
}


BOTH = (Scope.MANAGE_FLOW, Scope.MANAGE_TEAM, Scope.SEND_MESSAGE)


class Ana:
    """A customer who has written *Hello* on the web channel, and was greeted by the bot."""

    def __init__(self, world: World, id_: ConversationId) -> None:
        self.world, self.id = world, id_

    @property
    def user_ns(self) -> str:
        return user_ns(self.world.company.flow.id, self.id)

    async def said(self) -> list[tuple[str, str, str]]:
        """Who said what, in whose name."""
        return [(one.type.value, plain_text(one.content), one.username) for one in await self.messages()]

    async def messages(self) -> list[Message]:
        return await self.world.messages(self.id)

    async def last(self) -> Message:
        return (await self.messages())[-1]

    async def state(self) -> Any:
        return await self.world.conversation(self.id)


async def add_library_file(world: World) -> None:
    """The one that the example of deleting names."""
    file = MediaFile(
        id=MEDIA_ID,
        workspace_id=world.company.workspace.id,
        conversation_id=None,
        source_url="",
        state="stored",
        name="mug.png",
        mime_type="image/png",
        size=4096,
        origin="library",
        created_at=world.clock.now(),
    )
    async with world.database.write() as connection:
        if await media.find(connection, MEDIA_ID) is None:
            await media.insert_new(connection, [file])


async def add_former_subflow(world: World) -> None:
    """`f1001s3`: a number of a subflow that the running text has not any more."""
    rows, flow_id = tables.subflows, world.company.flow.id
    async with world.database.write() as connection:
        there = await connection.execute(rows.select().where(rows.c.flow_id == flow_id, rows.c.number == 3))
        if there.first() is None:
            await connection.execute(rows.insert().values(flow_id=flow_id, number=3, name="former"))
            await directory.touch(connection)
    await world.catalog.refresh(at_once=True)


async def park(world: World) -> dict[str, Any]:
    """Ana asks for an agent, and nothing arrives anywhere; a redelivery of it all is under way, and there is
    a WhatsApp number, an SMS channel, a segment and a broadcast. The numbers of these things, as operations
    call them."""
    if not any(one.type == "whatsapp" for one in world.catalog.directory.channels.values()):
        await add_channel(world, "whatsapp", NUMBER)
        await add_channel(world, "sms", {"account_sid": "AC1", "auth_token": "t", "from": "+61400000001"})
        await add_segment(world)
    await world.says("agent")
    telephone, to = Profile(phone="+61400000000"), ByUser(world.company.web.id, USER_ID)
    await world.submit(SubscriberChanged(to=to, profile=telephone))
    to_desk = Selection(destination=Destination("endpoint", world.company.endpoint.id))
    rows, begun = tables.deliveries, Selection(flow_id=world.company.flow.id, states=UNDELIVERED)
    news = {"state": "parked", "reason": "schedule_exhausted", "due_at": None, "claimed_by": None}
    await add_former_subflow(world)
    await add_tags(world, "vip", "asleep")
    await add_library_file(world)
    async with world.database.write() as connection:
        now, here = world.clock.now(), world.company.workspace.id
        await connection.execute(rows.update().values(**news, finished_at=now))
        found = await deliveries.listing(connection, here, to_desk)
        redelivery = await redeliveries.insert_new(connection, here, begun, by="Olga", now=now)
    await make_ready(world)
    return {
        "delivery_id": found[-1].id,
        "from_delivery_id": found[-1].id,
        "redelivery_id": redelivery,
        "broadcast_ns": await begin_broadcast(world),
        "segment_ns": "f1001sg1",
        "id": READY,
        "agent_group_id": READY,
    }


async def add_tags(world: World, *names: str) -> None:
    """Have the flow have these tags, numbered."""
    async with world.database.write() as connection:
        words = Names(frozenset(names))
        await defining.register(connection, world.company.flow.id, words, world.clock.now())
    await world.catalog.refresh(at_once=True)


READY = 3000
"""The id of a shortcut, a closing note and an agent group."""


async def make_ready(world: World) -> None:
    """Have these, and no others."""
    flow_id, here = world.company.flow.id, world.company.workspace.id
    group = AgentGroup(id=GroupId(0), workspace_id=here, name="Ready")
    async with world.database.write() as connection:
        for table in (
            tables.agent_group_members,
            tables.agent_groups,
            tables.shortcuts,
            tables.closing_notes,
        ):
            await connection.execute(table.delete())
        await connection.execute(
            tables.shortcuts.insert().values(id=READY, flow_id=flow_id, name="ready", value="Yes")
        )
        note = {"description": "", "require_summary": 0, "require_attachment": 0}
        await connection.execute(
            tables.closing_notes.insert().values(id=READY, flow_id=flow_id, name="Ready", **note)
        )
        made = await agent_groups.insert_new(connection, group, world.clock.now())
        rows = tables.agent_groups
        await connection.execute(rows.update().where(rows.c.id == made.id).values(id=READY))
        await directory.touch(connection)
    await world.catalog.refresh(at_once=True)


async def add_segment(world: World) -> None:
    """`f1001sg1`: everybody with the tag vip."""
    company = world.company
    one = Segment(
        id=SegmentId(0),
        workspace_id=company.workspace.id,
        flow_id=company.flow.id,
        name="Regulars",
        source="{tag: vip}",
        created_at=world.clock.now(),
    )
    async with world.database.write() as connection:
        await segments.insert_new(connection, one)
        await directory.touch(connection)
    await world.catalog.refresh(at_once=True)


async def begin_broadcast(world: World) -> str:
    """Its ns. It is for the day after tomorrow, and for nobody."""
    company, now = world.company, world.clock.now()
    wish = BroadcastWish(
        workspace_id=company.workspace.id,
        flow_id=company.flow.id,
        to=Listed(()),
        says=Says(subflow="welcome"),
        at=now + timedelta(days=2),
    )
    async with world.database.write() as connection:
        return broadcast_ns(company.flow.id, await begin(connection, now, wish, by="Olga"))


@pytest.fixture
async def ana(world: World) -> Ana:
    return Ana(world, (await world.says("Hello")).conversation_id)
