"""Inbound webhooks: another system posts, a subscriber is changed, a subflow starts, and it is all kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response

from relevo.admin import inbound_webhooks as admin
from relevo.admin.changing import Means
from relevo.domain.configuring import InboundWish
from relevo.domain.errors import InvalidInput
from relevo.domain.ids import ConversationId
from relevo.domain.inbound_webhooks import InboundWebhook, Mapped
from relevo.domain.messages import plain_text
from relevo.engine.housekeeping import Housekeeping
from relevo.http_client.egress_guard import EgressGuard
from relevo.store import inbound_webhooks, tables
from relevo.store.inbound_webhooks import InboundCall
from relevo.system.dns import resolve
from relevo.testing.builders import PUBLIC_URL, World, add_channel
from relevo.web.app import create_app
from relevo.web.services import Edge
from tests.web.exchanges import Client, client_of

PHONE = "+61400000000"
MAP = (
    Mapped("phone", "phone"),
    Mapped("email", "email"),
    Mapped("id", "user_id"),
    Mapped("ns", "user_ns"),
    Mapped("name", "name"),
    Mapped("size", "field.size"),
    Mapped("tag", "tag"),
)


def means(world: World) -> Means:
    return Means(
        database=world.database,
        cipher=world.cipher,
        clock=world.clock,
        chance=world.chance,
        guard=EgressGuard([], resolve),
    )


async def make(world: World, **wish: Any) -> InboundWebhook:
    asked: Any = {"name": "shop", "flow": "support", "channel": "web", "mappings": MAP, **wish}
    saved = await admin.save(means(world), world.company.workspace.id, InboundWish(**asked))
    return saved.thing


async def send(client: Client, webhook: InboundWebhook, body: Any, **headers: str) -> Response:
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"/inbound/{webhook.key}", headers=named, **content)


async def log(world: World, webhook: InboundWebhook) -> list[InboundCall]:
    async with world.database.read() as connection:
        return await inbound_webhooks.calls(connection, webhook.id)


async def last(world: World, webhook: InboundWebhook) -> InboundCall:
    return (await log(world, webhook))[0]


async def ana_of(world: World) -> ConversationId:
    return (await world.says("Hello")).conversation_id


def ns(id_: ConversationId) -> str:
    return f"f1001u{id_}"


async def test_values_change_the_subscriber_and_the_subflow_starts(client: Client, world: World) -> None:
    webhook, ana = await make(world, tags=("buyer",), start="person"), await ana_of(world)

    body = {"id": "visitor-1", "name": "Ana B", "size": 42, "tag": "vip", "phone": PHONE}
    answer = await send(client, webhook, body)

    assert (answer.status_code, answer.json()) == (
        200,
        {
            "status": "ok",
            "user_ns": ns(ana),
            "wrongs": ["email: the body has nothing there", "ns: the body has nothing there"],
        },
    )
    subscriber = (await world.conversation(ana)).subscriber
    assert (subscriber.profile.name, subscriber.profile.phone) == ("Ana B", PHONE)
    assert (subscriber.fields, subscriber.tags) == ({"size": 42}, ("buyer", "vip"))
    assert plain_text((await world.messages(ana))[-1].content) == "I am getting somebody for you."


async def test_each_request_is_kept_with_what_became_of_it(client: Client, world: World) -> None:
    webhook, ana = await make(world), await ana_of(world)

    await send(client, webhook, {"id": "visitor-1", "size": 42, "password": "hush"})
    await send(client, webhook, b"hello token=hush")
    await send(client, webhook, {"id": "nobody"})

    third, second, first = await log(world, webhook)
    assert (first.status, first.code, first.conversation_id) == (200, "", ana)
    assert first.mapped == {"user_id": "visitor-1", "field.size": 42}
    assert first.body == '{"id":"visitor-1","size":42,"password":"***"}'
    assert first.size == len(b'{"id":"visitor-1","size":42,"password":"hush"}')
    assert "phone: the body has nothing there" in first.wrongs
    assert (second.status, second.code, second.body) == (400, "not_json", "hello token=***")
    assert (third.status, third.code) == (200, "")


@pytest.mark.parametrize(
    "who",
    [{"ns": "f1001u1"}, {"id": "visitor-1"}, {"phone": "61400000000"}, {"email": "ana@example.com"}],
)
async def test_somebody_is_found_in_any_of_four_ways(client: Client, world: World, who: Any) -> None:
    webhook, ana = await make(world, channel=""), await ana_of(world)
    await send(client, webhook, {"id": "visitor-1", "phone": PHONE, "email": "ana@example.com"})

    answer = await send(client, webhook, {**who, "size": 1})

    assert answer.json()["user_ns"] == ns(ana)
    assert (await world.conversation(ana)).subscriber.fields == {"size": 1}


async def test_of_two_with_a_number_the_one_on_the_channel_is_meant(client: Client, world: World) -> None:
    webhook = await make(world, channel="apichat")
    there = (await world.says("Hello", channel=world.company.apichat, user_id="on-apichat")).conversation_id
    here = (await world.says("Hello")).conversation_id
    for user_id in ("visitor-1", "on-apichat"):
        await send(client, webhook, {"id": user_id, "phone": PHONE})
    await world.says("later")

    assert here != there
    assert (await send(client, webhook, {"phone": PHONE})).json()["user_ns"] == ns(there)


async def test_somebody_new_is_made_where_the_number_is_the_id(client: Client, world: World) -> None:
    channel = await add_channel(world, "whatsapp", {})
    webhook = await make(world, channel="whatsapp")

    first = await send(client, webhook, {"phone": PHONE, "name": "Ana"})
    again = await send(client, webhook, {"phone": PHONE, "size": 1})

    assert (first.json()["created"], "created" in again.json()) == (True, False)
    assert first.json()["user_ns"] == again.json()["user_ns"]
    made = await world.conversation(ConversationId(int(first.json()["user_ns"].partition("u")[2])))
    assert (made.channel_id, made.subscriber.user_id) == (channel.id, "61400000000")
    assert made.subscriber.display_name == "Ana"


async def test_many_at_once_about_somebody_new_make_one(client: Client, world: World) -> None:
    await add_channel(world, "whatsapp", {})
    webhook = await make(world, channel="whatsapp")

    answers = await asyncio.gather(*(send(client, webhook, {"phone": PHONE}) for _ in range(5)))

    assert {one.status_code for one in answers} == {200}
    assert len({one.json()["user_ns"] for one in answers}) == 1


@pytest.mark.parametrize(
    ("channel", "body", "why"),
    [
        ("web", {"size": 1}, "The request names nobody: phone: the body has nothing there"),
        ("web", {"phone": PHONE}, "and on web nobody can be made without their user_id"),
        ("", {"id": "x"}, "this webhook makes nobody: it has no channel"),
        ("web", {"phone": "12"}, "phone: '12' is not a phone number"),
        ("web", {"ns": "f1002u1"}, "There is nobody with user_ns 'f1002u1'"),
    ],
)
async def test_who_is_not_there_and_cannot_be_made_is_refused(
    client: Client, world: World, channel: str, body: Any, why: str
) -> None:
    webhook = await make(world, channel=channel)

    answer = await send(client, webhook, body)

    assert (answer.status_code, answer.json()["code"]) == (422, "nobody_named")
    assert why in answer.json()["message"]
    kept = await last(world, webhook)
    assert (kept.status, kept.code, kept.wrongs) == (422, "nobody_named", (answer.json()["message"],))


async def test_nobody_of_another_flow_is_found(client: Client, world: World) -> None:
    bolt = await world.add_company("Bolt")
    theirs = (await world.says("Hello", channel=bolt.web, user_id="them")).conversation_id
    webhook = await make(world, channel="")

    for who in ({"ns": f"f{bolt.flow.id}u{theirs}"}, {"ns": f"f1001u{theirs}"}, {"id": "them"}):
        assert (await send(client, webhook, who)).status_code == 422


async def test_without_a_mapping_it_listens(client: Client, world: World) -> None:
    webhook = await make(world, mappings=())

    answer = await send(client, webhook, {"customer": {"phone": PHONE}})

    assert (answer.status_code, answer.json()) == (202, {"status": "listening"})
    kept = await last(world, webhook)
    assert (kept.status, kept.code, kept.body) == (202, "listening", '{"customer":{"phone":"+61400000000"}}')


async def test_a_key_makes_it_happen_once(client: Client, world: World) -> None:
    webhook, ana = await make(world, start="person", key_path="order"), await ana_of(world)
    body = {"id": "visitor-1", "order": 7}

    for headers in ({}, {}, {"Idempotency_Key": "k"}, {"Idempotency_Key": "k"}, {"webhook_id": "k"}):
        answer = await send(client, webhook, body, **headers)
        assert answer.status_code == 200

    assert [one.code for one in await log(world, webhook)] == ["duplicate", "duplicate", "", "duplicate", ""]
    said = [plain_text(one.content) for one in await world.messages(ana)]
    assert said.count("I am getting somebody for you.") == 1  # an agent has control the second time
    other = await send(client, webhook, {**body, "size": 2})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await send(client, webhook, body, Idempotency_Key="k" * 256)).json()["code"] == "bad_key"


async def test_what_is_refused_before_it_is_read_is_kept_as_well(client: Client, world: World) -> None:
    webhook = await make(world)
    await admin.disable(means(world), world.company.workspace.id, webhook.id, "by Olga")
    world.clock.advance(timedelta(seconds=1))

    off = await send(client, webhook, {"id": "visitor-1"})

    assert (off.status_code, off.json()["code"]) == (403, "switched_off")
    assert (await last(world, webhook)).code == "switched_off"


async def test_a_body_that_is_too_large_is_refused_and_kept_without_it(world: World) -> None:
    webhook = await make(world)
    app = create_app(world.services(edge=Edge(public_url=PUBLIC_URL, max_body=100)))
    async with client_of(app) as client:
        answer = await send(client, webhook, b"x" * 101)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    kept = await last(world, webhook)
    assert (kept.code, kept.body) == ("too_large", "")


async def test_an_address_that_nobody_has_is_not_there(client: Client, world: World) -> None:
    webhook = await make(world)
    before = webhook.key

    renewed = await admin.renew(means(world), world.company.workspace.id, webhook.id)
    world.clock.advance(timedelta(seconds=1))

    gone = await client.post(f"/inbound/{before}", json={})
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert (await send(client, renewed, {"id": "new"})).status_code == 200
    assert (await client.get(f"/inbound/{renewed.key}")).status_code == 405


async def test_one_takes_so_many_in_an_hour(world: World) -> None:
    webhook, other = await make(world), await make(world, name="other")
    app = create_app(world.services(edge=Edge(public_url=PUBLIC_URL, inbound_rate_limit=2)))
    async with client_of(app) as client:
        statuses = [(await send(client, webhook, {"id": "a"})) for _ in range(3)]
        assert [one.status_code for one in statuses] == [200, 200, 429]
        assert statuses[-1].headers["retry-after"] == "1800"
        assert (await send(client, other, {"id": "a"})).status_code == 200
        world.clock.advance(timedelta(minutes=30))
        assert (await send(client, webhook, {"id": "a"})).status_code == 200

    assert len(await log(world, webhook)) == 3


async def test_without_a_limit_there_is_none(world: World) -> None:
    webhook = await make(world)
    app = create_app(world.services(edge=Edge(public_url=PUBLIC_URL, inbound_rate_limit=0)))
    async with client_of(app) as client:
        assert [(await send(client, webhook, {"id": "a"})).status_code for _ in range(3)] == [200] * 3


async def test_requests_are_kept_as_long_as_attempts_are(client: Client, world: World) -> None:
    webhook = await make(world)
    keeping = Housekeeping(database=world.database, clock=world.clock, retention=timedelta(days=30))
    await send(client, webhook, {"id": "a"})
    world.clock.advance(timedelta(days=29))
    await send(client, webhook, {"id": "b"})
    await keeping.tidy()
    assert len(await log(world, webhook)) == 2

    world.clock.advance(timedelta(days=2))
    await keeping.tidy()

    assert [one.body for one in await log(world, webhook)] == ['{"id":"b"}']


async def test_a_deleted_one_leads_nowhere_and_its_log_is_gone(client: Client, world: World) -> None:
    webhook = await make(world)
    await send(client, webhook, {"id": "a"})

    await admin.delete(means(world), world.company.workspace.id, webhook.id)
    world.clock.advance(timedelta(seconds=1))

    assert (await send(client, webhook, {"id": "a"})).status_code == 404
    async with world.database.read() as connection:
        assert (await connection.execute(tables.inbound_calls.select())).all() == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"flow": "suport"}, "flow"),
        ({"channel": "wep"}, "channel"),
        ({"start": "persn"}, "start"),
        ({"key_path": "a b"}, "key"),
        ({"tags": ("",)}, "tags"),
        ({"mappings": (Mapped("a", "field.size"),)}, "map"),
        ({"mappings": (Mapped("a", "phone"), Mapped("b", "phone"))}, "map"),
        ({"mappings": (Mapped("a", "fone"), Mapped("b", "phone"))}, "map.a"),
        ({"mappings": (Mapped("a b", "phone"),)}, "map.a b"),
        ({"mappings": (Mapped("a", "field."), Mapped("b", "phone"))}, "map.a"),
    ],
)
async def test_what_cannot_be_set_up_is_refused_by_field(world: World, wrong: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await make(world, **wrong)

    assert [*refused.value.errors] == [field]


async def test_a_name_belongs_to_one_and_a_change_keeps_the_address(world: World) -> None:
    webhook = await make(world)
    with pytest.raises(InvalidInput, match="there is already an inbound webhook shop"):
        await make(world)

    wish = InboundWish(name="orders", start="person")
    saved = await admin.save(means(world), world.company.workspace.id, wish, webhook.id)

    assert (saved.action, saved.changed) == ("updated", ("name", "subflow"))
    assert (saved.thing.key, saved.thing.mappings) == (webhook.key, MAP)
