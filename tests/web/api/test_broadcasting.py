"""Saying one thing to many, starting subflows, and reaching people where they never wrote."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.admin import broadcasts as administration
from relevo.domain.broadcasts import Broadcast, BroadcastState, Listed, Matching, parse_ns
from relevo.domain.events import BotPaused, BotResumed, ByConversation, ByUser, SubscriberChanged
from relevo.domain.flows.runs import AddTag
from relevo.domain.messages import Other, Text
from relevo.domain.subscribers import Profile
from relevo.engine.broadcasting import Broadcasting
from relevo.store import broadcasts, conversations
from relevo.testing.builders import World, add_channel
from tests.clocks import let_pass
from tests.web.api.conftest import NUMBER, Ana, add_tags, park
from tests.web.api.validating import Api, Json

SUBFLOW = {"sub_flow_ns": "f1001s1"}
TEMPLATE = {"name": "order_sent", "lang": "en_US", "params": {"BODY_{{1}}": "Ana"}}


async def begun(world: World, api: Api, path: str, body: Json) -> Broadcast:
    answer = await api.post(path, body)
    assert answer.status_code == 200, answer.text
    flow_id, id_ = parse_ns(answer.json()["data"]["broadcast_ns"]) or (0, 0)
    assert flow_id == world.company.flow.id
    async with world.database.read() as connection:
        found = await broadcasts.find(connection, id_)  # type: ignore[arg-type]
    assert found is not None
    return found


async def work(world: World) -> None:
    sending = Broadcasting(
        database=world.database, engine=world.engine, catalog=world.catalog, hub=world.hub, clock=world.clock
    )
    while await sending.step():
        await let_pass(world.database, world.clock, timedelta(minutes=1))


async def test_everybody_of_a_list_is_told_and_the_list_says_how_many(
    api: Api, ana: Ana, world: World
) -> None:
    body = {"user_ns_list": f"{ana.user_ns}, f1001u999", **SUBFLOW, "max_per_minute": 600}

    one = await begun(world, api, "/subscriber/broadcast", body)
    await work(world)

    assert (one.to, one.per_minute) == (Listed((ana.id,), unknown=1), 600)
    row = (await api.get("/subscriber/broadcasts", status="Completed")).json()["data"][0]
    assert (row["total"], row["sent"], row["skipped"]) == (2, 1, 1)
    assert row["counts"] == {"unknown": 1, "sent": 1}
    assert (await api.get("/subscriber/broadcasts", status="Scheduled")).json()["data"] == []
    assert len(await ana.said()) == 3


async def test_one_is_for_later_and_can_be_cancelled_and_deleted(api: Api, ana: Ana, world: World) -> None:
    at = int(world.clock.now().timestamp()) + 3600
    body = {"user_id_list": "visitor-1", **SUBFLOW, "scheduled_time": at}
    one = await begun(world, api, "/subscriber/broadcast-by-user-id", body)
    listed = (await api.get("/subscriber/broadcasts")).json()["data"][0]
    assert (listed["status"], listed["scheduled_time"]) == ("Scheduled", at)

    gone = {"broadcast_ns": one.ns}
    assert (await api.write("DELETE", "/subscriber/broadcast/cancel", gone)).json() == {"status": "ok"}
    world.clock.advance(timedelta(hours=2))
    await work(world)
    assert (await api.get("/subscriber/broadcasts")).json()["data"][0]["status"] == "Cancelled"
    assert len(await ana.said()) == 2

    assert (await api.write("DELETE", "/subscriber/broadcast/delete", gone)).status_code == 200
    assert (await api.get("/subscriber/broadcasts")).json()["data"] == []
    assert (await api.write("DELETE", "/subscriber/broadcast/cancel", gone)).status_code == 404


async def test_those_with_a_tag_or_in_a_segment_are_chosen_when_it_is_their_turn(
    api: Api, ana: Ana, world: World
) -> None:
    await park(world)
    by_tag = {"tags": ["vip"], "exclude_tags": ["asleep"], "name": "Sale", **SUBFLOW}
    one = await begun(world, api, "/subscriber/broadcast-by-tag", by_tag)
    other = await begun(world, api, "/subscriber/broadcast-by-segment", {"segment_ns": "f1001sg1", **SUBFLOW})

    assert isinstance(one.to, Matching)
    assert (one.name, one.to.named) == ("Sale", "tag vip, without asleep")
    assert isinstance(other.to, Matching)
    assert other.to.named == "segment Regulars"

    bob = (await world.says("Hi", user_id="bob")).conversation_id
    await world.submit(SubscriberChanged(to=ByConversation(bob), acts=(AddTag("vip"),)))
    await work(world)
    async with world.database.read() as connection:
        counts = [(await broadcasts.find(connection, each.id)).counts for each in (one, other)]  # type: ignore[union-attr]
    assert counts == [{"sent": 1}, {"sent": 1}]
    counted = (await api.get("/flow/segment-bot-users-count", segment_ns="f1001sg1")).json()["data"]
    assert counted == {"num": 1, "is_all": True}


async def test_tags_and_fields_are_meant_by_number_or_by_name(api: Api, ana: Ana, world: World) -> None:
    await park(world)
    await world.submit(BotResumed(to=ByConversation(ana.id), by="api"))
    vip = (await api.post("/subscriber/add-tag-by-name", {"user_ns": ana.user_ns, "tag_name": "vip"})).json()
    numbers = {one["name"]: one["tag_ns"] for one in (await api.get("/flow/tags")).json()["data"]}
    size = (await api.post("/flow/create-user-field", {"name": "size", "var_type": "number"})).json()
    await api.post("/flow/create-user-field", {"name": "plan", "var_type": "text"})
    price = (await api.post("/flow/create-bot-field", {"name": "price", "var_type": "number"})).json()
    assert vip == {"status": "ok"}

    sizes = [{"var_ns": size["data"]["var_ns"], "value": "42"}, {"var_ns": "plan", "value": "pro"}]
    by_tag = {"tags": [numbers["vip"], "vip"], "exclude_tags": [numbers["asleep"]], "user_fields": sizes}
    one = await begun(world, api, "/subscriber/broadcast-by-tag", {**by_tag, **SUBFLOW})
    prices = [{"var_ns": price["data"]["var_ns"], "value": "9.5"}]
    by_segment = {"segment_ns": "f1001sg1", "bot_fields": prices, **SUBFLOW}
    other = await begun(world, api, "/subscriber/broadcast-by-segment", by_segment)
    await work(world)

    assert one.to == administration.with_tags(["vip"], ["asleep"])
    assert (one.says.fields, other.says.bot_fields) == ({"size": 42, "plan": "pro"}, {"price": 9.5})
    assert (await ana.state()).subscriber.fields == {"size": 42, "plan": "pro"}
    (told,) = (await api.get("/flow/bot-fields")).json()["data"]
    assert told["value"] == "9.5"


async def test_a_template_goes_to_numbers(api: Api, world: World) -> None:
    channel = await add_channel(world, "whatsapp", NUMBER)
    await world.says("Hi", user_id="61400000000", channel=channel)

    body = {"user_id_list": "61400000000,1", "wa_template": TEMPLATE}
    one = await begun(world, api, "/subscriber/broadcast-whatsapp-template-by-user-id", body)
    await work(world)

    async with world.database.read() as connection:
        done = await broadcasts.find(connection, one.id)
    assert done is not None
    assert (done.state, done.counts) == (BroadcastState.DONE, {"unknown": 1, "sent": 1})


WRONG: list[tuple[str, Json, str]] = [
    ("broadcast", {"user_ns_list": ",".join(f"f1001u{n}" for n in range(201)), **SUBFLOW}, "user_ns_list"),
    ("broadcast", {"user_ns_list": " , ", **SUBFLOW}, "user_ns_list"),
    ("broadcast", {"user_ns_list": "ana", **SUBFLOW}, "user_ns_list"),
    ("broadcast", {"user_ns_list": "f1001u1", "sub_flow_ns": "f1001s99"}, "sub_flow_ns"),
    ("broadcast", {"user_ns_list": "f1001u1", **SUBFLOW, "max_per_minute": 0}, "max_per_minute"),
    ("broadcast", {"user_ns_list": "f1001u1", **SUBFLOW, "scheduled_time": 99_999_999_999}, "scheduled_time"),
    ("broadcast", {"user_ns_list": "f1001u1", **SUBFLOW, "type": "FAX"}, "type"),
    ("broadcast-by-tag", {"tags": [f"t{n}" for n in range(11)], **SUBFLOW}, "tags"),
    ("broadcast-by-tag", {"tags": [], **SUBFLOW}, "tags"),
    ("broadcast-by-tag", {"tags": ["nothing"], **SUBFLOW}, "tags"),
    ("broadcast-by-tag", {"tags": ["f1001t77"], **SUBFLOW}, "tags"),
    ("broadcast-by-tag", {"tags": ["a"], "exclude_tags": ["f1001t77"], **SUBFLOW}, "exclude_tags"),
    ("broadcast-by-tag", {"tags": ["a"], "user_fields": [{"var_ns": "f1001v77"}], **SUBFLOW},
     "user_fields.0.var_ns"),
    ("broadcast-by-tag", {"tags": ["a"], "user_fields": [{"var_ns": "size", "value": "big"}], **SUBFLOW},
     "user_fields.0.value"),
    ("broadcast-by-segment", {"segment_ns": "f1001sg1", "bot_fields": [{"var_ns": "price"}], **SUBFLOW},
     "bot_fields.0.var_ns"),
    ("broadcast-by-tag", {"tags": ["a"], **SUBFLOW, "message_tag": "ACCOUNT_UPDATE"}, "message_tag"),
    ("broadcast-by-segment", {"segment_ns": "f1001sg77", **SUBFLOW}, "segment_ns"),
    ("broadcast-by-segment", {"segment_ns": ",".join(f"f1001sg{n}" for n in range(11)), **SUBFLOW},
     "segment_ns"),
    ("broadcast-whatsapp-template-by-tag", {"tags": ["a"], "wa_template": {"name": "x"}}, "wa_template"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "field"), WRONG)
async def test_what_is_wrong_begins_nothing(
    api: Api, world: World, path: str, body: Json, field: str
) -> None:
    await add_tags(world, "a")
    await api.post("/flow/create-user-field", {"name": "size", "var_type": "number"})
    if field.startswith("bot_fields"):
        await park(world)
    answer = await api.post(f"/subscriber/{path}", body)

    assert answer.status_code == 422
    assert [*answer.json()["errors"]] == [field]
    begun = (await api.get("/subscriber/broadcasts")).json()["data"]
    assert [one["name"] for one in begun if one["name"] != "welcome"] == []


# Starting subflows


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("send-sub-flow", {"sub_flow_ns": "f1001s2"}),
        ("send-sub-flow-by-flow-name", {"flow_name": "person"}),
        ("send-node", {"node_ns": "f1001n2001"}),
        ("send-node", {"node_ns": "person"}),
    ],
)
async def test_a_subflow_begins(api: Api, ana: Ana, path: str, body: Json) -> None:
    assert (await api.post(f"/subscriber/{path}", {"user_ns": ana.user_ns, **body})).status_code == 200

    assert (await ana.said())[-1][1] == "I am getting somebody for you."
    assert (await ana.state()).control == "agent"


async def test_a_step_in_the_middle_leaves_out_what_is_before(api: Api, ana: Ana) -> None:
    await api.post("/subscriber/send-node", {"user_ns": ana.user_ns, "node_ns": "f1001n2002"})

    assert len(await ana.said()) == 2
    assert (await ana.state()).control == "agent"


async def test_the_flow_begins_anew_by_both_ids(api: Api, ana: Ana) -> None:
    await api.post("/subscriber/send-main-flow", {"user_ns": ana.user_ns})
    body = {"user_id": "visitor-1", "sub_flow_ns": "f1001s1"}
    await api.post("/subscriber/send-sub-flow-by-user-id", body)

    said = [text for _, text, _ in await ana.said()]
    assert said.count("Hello Ana. Write *agent* to talk to a person.") == 3


async def test_the_flow_is_silent_where_an_agent_has_control(api: Api, ana: Ana, world: World) -> None:
    await world.submit(BotPaused(to=ByConversation(ana.id), minutes=None, by="member"))

    await api.post("/subscriber/send-main-flow", {"user_ns": ana.user_ns})

    assert len(await ana.said()) == 2


# Reaching people elsewhere


async def test_a_text_message_goes_to_the_telephone(api: Api, ana: Ana, world: World) -> None:
    body = {"user_ns": ana.user_ns, "content": "On its way"}
    assert (await api.post("/subscriber/send-sms", body)).status_code == 422
    config = {"account_sid": "AC1", "auth_token": "t", "from": "+61400000001"}
    channel = await add_channel(world, "sms", config)
    assert "phone number" in (await api.post("/subscriber/send-sms", body)).json()["message"]

    there = ByUser(world.company.web.id, "visitor-1")
    await world.submit(SubscriberChanged(to=there, profile=Profile(phone="+61 400 000-000")))
    assert (await api.post("/subscriber/send-sms", body)).status_code == 200

    async with world.database.read() as connection:
        found = await conversations.find_by_user(connection, channel.id, "+61400000000")
    assert found is not None
    assert [one.content for one in await world.messages(found.id)] == [Text("On its way")]


async def test_a_template_goes_to_a_number_that_never_wrote_if_that_is_wanted(api: Api, world: World) -> None:
    channel = await add_channel(world, "whatsapp", NUMBER)
    body = {"user_id": "+61 400 000 000", "content": TEMPLATE, "contact": {"user_name": "Ana Diaz"}}
    path = "/subscriber/send-whatsapp-template-by-user-id"

    assert (await api.post(path, body)).status_code == 404
    assert (await api.post(path, {**body, "create_if_not_found": "yes"})).status_code == 200
    assert (await api.post(path, body)).status_code == 200

    async with world.database.read() as connection:
        found = await conversations.find_by_user(connection, channel.id, "61400000000")
    assert found is not None
    assert (found.subscriber.profile.name, found.subscriber.profile.phone) == ("Ana Diaz", "+61400000000")
    said = await world.messages(found.id)
    assert [isinstance(one.content, Other) for one in said] == [True, True]
