"""Every page of the console, as the router has them, with what stands for their ids."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import msgspec

from relevo.admin.broadcasts import BroadcastWish, begin, with_tags
from relevo.domain.agent_groups import AgentGroup, GroupId
from relevo.domain.broadcasts import Says
from relevo.domain.canned import ClosingNote, Shortcut
from relevo.domain.emails import Mailbox
from relevo.domain.ids import ConversationId, DeliveryId, InboundWebhookId
from relevo.domain.inbound_webhooks import InboundWebhook
from relevo.domain.redeliveries import EVERYTHING, RedeliveryId, Selection
from relevo.store import (
    accounts,
    agent_groups,
    canned,
    custom_events,
    deliveries,
    directory,
    inbound_webhooks,
    mailboxes,
    redeliveries,
    secrets,
    tables,
)
from relevo.testing.builders import Company, World
from relevo.web.front_door import FrontDoor

OPEN = frozenset({"/console/sign-in", "/console/set-up", "/console/static/{name}"})
"""What a stranger may see."""


class Place(NamedTuple):
    method: str
    path: str
    """With its parameters: `/console/endpoints/{endpoint_id}`."""


class Sample(msgspec.Struct, frozen=True):
    """One of everything that a workspace has."""

    company: Company
    conversation: ConversationId
    delivery: DeliveryId
    key: int
    redelivery: RedeliveryId
    inbound: InboundWebhookId
    broadcast: int
    segment: int
    group: int
    shortcut: int
    closing_note: int
    event: int

    def address(self, path: str) -> str:
        """A path with this sample's ids."""
        company = self.company
        values = {
            "{user_ns}": f"f{company.flow.id}u{self.conversation}",
            "{endpoint_id}": str(company.endpoint.id),
            "{channel_id}": str(company.web.id),
            "{flow_id}": str(company.flow.id),
            "{number}": "1",
            "{delivery_id}": str(self.delivery),
            "{key_id}": str(self.key),
            "{broadcast_id}": str(self.broadcast),
            "{segment_id}": str(self.segment),
            "{redelivery_id}": str(self.redelivery),
            "{inbound_id}": str(self.inbound),
            "{member_id}": str(company.agent.id),
            "{group_id}": str(self.group),
            "{shortcut_id}": str(self.shortcut),
            "{note_id}": str(self.closing_note),
            "{event_id}": str(self.event),
            "{secret_name}": secret_of(company),
        }
        for parameter, value in values.items():
            path = path.replace(parameter, value)
        assert "{" not in path, path
        return path


def places(app: FrontDoor) -> Iterator[Place]:
    """Everything under `/console` that the application answers."""
    for route in app.inside.routes:
        if route.path.startswith("/console"):
            path = route.path
            for parameter in route.path_parameters.values():
                path = path.replace(f"{{{parameter.full}}}", f"{{{parameter.name}}}")
            for method in sorted(route.methods - {"OPTIONS", "HEAD"}):
                yield Place(method, path)


def secret_of(company: Company) -> str:
    return f"{company.workspace.name}_KEY"


async def sample_of(world: World, company: Company | None = None) -> Sample:
    """Ana has asked for an agent there."""
    there = company or world.company
    await world.says("Hello", channel=there.web)
    result = await world.says("agent", channel=there.web)
    await world.says("Where is my order?", channel=there.web)
    await world.says("agent", channel=there.apichat)
    await world.add_token(there)
    async with world.database.read() as connection:
        log = await deliveries.listing(
            connection, there.workspace.id, Selection(conversation_id=result.conversation_id)
        )
        keys = await accounts.list_api_keys(connection, there.workspace.id)
    async with world.database.write() as connection:
        redelivery = await redeliveries.insert_new(
            connection, there.workspace.id, EVERYTHING, by=there.owner.name, now=world.clock.now()
        )
    async with world.database.write() as connection:
        webhook = InboundWebhook(
            id=InboundWebhookId(0),
            workspace_id=there.workspace.id,
            flow_id=there.flow.id,
            name=f"orders of {there.workspace.name}",
            key=world.chance.token(16),
        )
        inbound = await inbound_webhooks.save(connection, webhook, world.clock.now())
    await world.catalog.refresh(at_once=True)
    delivery, key = DeliveryId(log[0].id), keys[-1].key.id
    await add_secret_and_mailbox(world, there)
    more = *await add_broadcast_and_segment(world, there), *await make_ready(world, there)
    return Sample(there, result.conversation_id, delivery, key, redelivery, inbound.id, *more)


async def add_secret_and_mailbox(world: World, there: Company) -> None:
    now, here = world.clock.now(), there.workspace.id
    box = Mailbox(host="smtp.example.com", sender=f"{there.workspace.name} <hello@example.com>")
    async with world.database.write() as connection:
        await secrets.put(connection, world.cipher, here, secret_of(there), "k-123456", now)
        await mailboxes.put(connection, world.cipher, here, box, now)


async def add_broadcast_and_segment(world: World, there: Company) -> tuple[int, int]:
    now, here, flow = world.clock.now(), there.workspace.id, there.flow.id
    at, says = now + timedelta(days=1), Says(subflow="welcome")
    wish = BroadcastWish(workspace_id=here, flow_id=flow, to=with_tags(["vip"]), says=says, at=at)
    row = {"workspace_id": here, "flow_id": flow, "name": "Regulars", "source": "{tag: vip}"}
    async with world.database.write() as connection:
        begun = await begin(connection, now, wish, by="Olga")
        rows = tables.segments
        made = await connection.execute(rows.insert().values(**row, created_at=now).returning(rows.c.id))
        await directory.touch(connection)
        return begun, int(made.scalar_one())


async def make_ready(world: World, there: Company) -> tuple[int, int, int, int]:
    """The ids of an agent group, a shortcut, a closing note and a custom event."""
    name, flow_id = there.workspace.name, there.flow.id
    wanted = AgentGroup(id=GroupId(0), workspace_id=there.workspace.id, name=f"{name} group")
    answer = Shortcut(id=0, flow_id=flow_id, name=f"{name} bye", value=f"{name} says bye")
    async with world.database.write() as connection:
        group = await agent_groups.insert_new(connection, wanted, world.clock.now())
        shortcut = await canned.save(connection, answer)
        note = await canned.save(connection, ClosingNote(id=0, flow_id=flow_id, name=f"{name} note"))
        event = await custom_events.ensure(
            connection, there.workspace.id, flow_id, f"{name} order", world.clock.now()
        )
        await directory.touch(connection)
    await world.catalog.refresh(at_once=True)
    return group.id, shortcut.id, note.id, event.id
