"""What Meta posts of templates changes what we know of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
import pytest

from relevo.channels.whatsapp.adapter import signature
from relevo.domain.approved_templates import Template
from relevo.domain.deliveries import Unreachable
from relevo.domain.workspaces import Channel
from relevo.store import problems, tables, templates
from relevo.testing.builders import World, add_channel
from relevo.web.app import create_app
from relevo.web.services import Services
from tests.web.exchanges import Client, client_of

ACCOUNT, NUMBER = "102290129340398", "106540352242922"
CONFIG = {"access_token": "EAAJB" + "x" * 40, "app_secret": "0123456789abcdef" * 2}
BODY = ({"type": "BODY", "text": "Hi"},)
SENT = Template(
    name="order_sent", lang="en_US", category="UTILITY", components=({"type": "BODY", "text": "Hi"},)
)
SALE = Template(name="sale", lang="de", components=({"type": "BODY", "text": "Nur heute"},))


class Meta:
    """Tells of these templates, when it is asked."""

    def __init__(self, *there: Template) -> None:
        self.there, self.asked = there, 0
        self.said: Any = None

    async def __call__(self, dialogue: object, hidden: tuple[str, ...], /) -> Any:
        self.asked += 1
        return self.said or self.there


@pytest.fixture
async def meta(services: Services) -> Meta:
    meta = Meta(SENT, SALE)
    msgspec.structs.force_setattr(cast(Any, services), "ask_vendor", meta)
    return meta


@pytest.fixture
async def client(services: Services) -> AsyncIterator[Client]:
    async with client_of(create_app(services)) as client:
        yield client


async def number(world: World, *known: Template, id_: str = NUMBER, account: str = ACCOUNT) -> Channel:
    config = {**CONFIG, "phone_number_id": id_, "waba_id": account}
    channel = await add_channel(world, "whatsapp", config)
    async with world.database.write() as connection:
        own = tables.channels.c.id == channel.id
        await connection.execute(tables.channels.update().where(own).values(name=id_))
        await templates.replace(connection, channel.id, known)
    return channel


async def posts(client: Client, channel: Channel, field: str, **value: Any) -> int:
    named = {"message_template_name": "order_sent", "message_template_language": "en_US", **value}
    change = {"field": field, "value": named}
    entry = {"id": ACCOUNT, "changes": [change]}
    body = msgspec.json.encode({"object": "whatsapp_business_account", "entry": [entry]})
    headers = {"x-hub-signature-256": signature(channel, body)}
    said = await client.post(f"/hooks/whatsapp/{channel.key}", content=body, headers=headers)
    return int(said.status_code)


async def known(world: World, channel: Channel) -> dict[str, Template]:
    async with world.database.read() as connection:
        found = (await templates.load_all(connection)).get(channel.id, {})
    return {one.name: one for one in found.values()}


async def test_news_change_the_list_of_every_number_of_the_account(
    world: World, client: Client, meta: Meta
) -> None:
    asked, other = await number(world, SENT), await number(world, SENT, SALE, id_="206540352242922")
    elsewhere = await number(world, SENT, id_="306540352242922", account="999")

    assert await posts(client, asked, "message_template_status_update", event="PAUSED", reason="NONE") == 200
    assert await posts(client, asked, "template_category_update", new_category="MARKETING") == 200
    assert await posts(client, asked, "message_template_quality_update", new_quality_score="RED") == 200

    now = msgspec.structs.replace(SENT, status="PAUSED", category="MARKETING", quality="RED")
    assert await known(world, asked) == {"order_sent": now}
    assert await known(world, other) == {"order_sent": now, "sale": SALE}
    assert await known(world, elsewhere) == {"order_sent": SENT}
    assert meta.asked == 0


async def test_a_deleted_template_is_gone(world: World, client: Client, meta: Meta) -> None:
    channel = await number(world, SENT, SALE)

    await posts(client, channel, "message_template_status_update", event="DELETED")

    assert await known(world, channel) == {"sale": SALE}
    assert meta.asked == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_template_status_update", {"event": "APPROVED", "message_template_name": "sale"}),
        ("message_template_components_update", {"message_template_element": "Nur heute"}),
    ],
)
async def test_of_what_is_not_known_well_enough_meta_is_asked(
    world: World, client: Client, meta: Meta, field: str, value: dict[str, str]
) -> None:
    channel = await number(world, SENT)

    assert await posts(client, channel, field, **value) == 200

    assert await known(world, channel) == {"order_sent": SENT, "sale": SALE}
    assert meta.asked == 1


async def test_where_nobody_has_synced_a_list_of_one_is_not_begun(
    world: World, client: Client, meta: Meta
) -> None:
    channel = await number(world)

    await posts(client, channel, "message_template_status_update", event="APPROVED")

    assert await known(world, channel) == {}
    assert meta.asked == 0


async def test_that_meta_did_not_answer_is_kept_as_a_problem(
    world: World, client: Client, meta: Meta
) -> None:
    channel = await number(world, SENT)
    meta.said = Unreachable("timeout")

    assert await posts(client, channel, "message_template_components_update") == 200

    async with world.database.read() as connection:
        (found,) = await problems.listing(connection, world.company.workspace.id)
    assert (found.code, await known(world, channel)) == ("templates_not_synced", {"order_sent": SENT})
