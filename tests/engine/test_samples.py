"""Samples of events have the form of the real ones."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from relevo.domain.events import (
    AgentReplied,
    Assigned,
    BotResumed,
    ByConversation,
    ByUser,
    CustomerTyped,
    MessageEdited,
    ReceiptCame,
)
from relevo.domain.messages import MessageStatus, Text
from relevo.domain.samples import sample_body
from relevo.domain.workspaces import EventType
from relevo.engine.materials import Whispering
from relevo.store import tables
from relevo.store.database import Database
from relevo.testing.builders import USER_ID, StillCarriers, World, make_engine


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


def form(value: Any) -> Any:
    """Names and types, without values."""
    if isinstance(value, dict):
        return {name: form(inner) for name, inner in value.items()}
    return type(value).__name__


async def real_bodies(world: World, carriers: StillCarriers) -> dict[str, bytes]:
    """Of every event that can happen, one."""
    to = ByConversation((await world.says("agent")).conversation_id)
    await world.says("Is it in stock?", mid="m1")
    await world.submit(MessageEdited(to=to, mid="m1", content=Text("Is it still in stock?")))
    luis = world.company.agent.id
    reply = await world.submit(AgentReplied(to=to, contents=(Text("Yes"),), member_id=luis))
    await world.submit(Assigned(to=to, member_id=luis))
    delivered = ReceiptCame(to=to, status=MessageStatus.DELIVERED, message_ids=reply.message_ids)
    await world.submit(delivered)
    await world.submit(CustomerTyped(to=ByUser(world.company.web.id, USER_ID)))
    await world.submit(BotResumed(to=to, by="api"))
    rows = tables.deliveries
    async with world.database.read() as connection:
        found = await connection.execute(rows.select().where(rows.c.destination_kind == "endpoint"))
    told = {row.event_type: row.body for row in found.all()}
    return told | {one.event_type: one.body for one in carriers.whispered if isinstance(one, Whispering)}


async def test_a_sample_has_the_form_of_the_real_thing(database: Database) -> None:
    carriers = StillCarriers()
    async with make_engine(database, carriers=carriers) as world:
        real = await real_bodies(world, carriers)
        now, of = world.clock.now(), world.company

    assert set(real) == {event.value for event in EventType} - {"test"}
    for event_type, body in real.items():
        sample = sample_body(
            EventType(event_type), of.workspace, of.flow.id, now=now, object_id="0" * 24, by="Olga"
        )
        assert form(msgspec.json.decode(sample)) == form(msgspec.json.decode(body)), event_type
