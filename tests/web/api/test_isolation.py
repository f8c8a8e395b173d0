"""A token sees its flow and nothing else: every operation, tried with another flow's subscriber."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from relevo.domain.ids import FlowId, user_ns
from relevo.store import directory, tables
from relevo.testing.builders import Company, World
from tests.web.api.conftest import BOTH, READY, Ana, make_ready, park
from tests.web.api.validating import Api, Json

ABOUT_A_SUBSCRIBER: dict[str, Json] = {
    "/subscriber/get-info": {},
    "/subscriber/chat-messages": {},
    "/subscriber/send-text": {"content": "Hi"},
    "/subscriber/send-content": {"data": {"messages": [{"type": "text", "text": "Hi"}]}},
    "/subscriber/send-email": {"content": "Hi"},
    "/subscriber/send-whatsapp-template": {"content": {"name": "order_sent", "lang": "en_US"}},
    "/subscriber/pause-bot": {},
    "/subscriber/resume-bot": {},
    "/subscriber/assign-agent": {"agent_id": 1},
    "/subscriber/unassign-agent": {},
    "/subscriber/assign-agent-group": {"agent_group_id": 1},
    "/subscriber/move-chat-to": {"status": "done"},
    "/subscriber/log-custom-event": {"event_name": "Order placed"},
    "/subscriber/send-sms": {"content": "Hi"},
    "/subscriber/send-main-flow": {},
    "/subscriber/send-sub-flow": {"sub_flow_ns": "f1002s1"},
    "/subscriber/send-sub-flow-by-flow-name": {"flow_name": "person"},
    "/subscriber/send-node": {"node_ns": "person"},
    "/subscriber/update": {"first_name": "Bo"},
    "/subscriber/delete": {},
    "/subscriber/subscribe-to-bot": {},
    "/subscriber/unsubscribe-from-bot": {},
    "/subscriber/opt-in-sms": {},
    "/subscriber/opt-out-sms": {},
    "/subscriber/opt-in-email": {},
    "/subscriber/opt-out-email": {},
    "/subscriber/add-tag": {"tag_ns": "f1001t1"},
    "/subscriber/add-tags": {"data": [{"tag_ns": "f1001t1"}]},
    "/subscriber/add-tag-by-name": {"tag_name": "lead"},
    "/subscriber/add-tags-by-name": {"data": [{"tag_name": "lead"}]},
    "/subscriber/remove-tag": {"tag_ns": "f1001t1"},
    "/subscriber/remove-tags": {"data": [{"tag_ns": "f1001t1"}]},
    "/subscriber/remove-tag-by-name": {"tag_name": "lead"},
    "/subscriber/remove-tags-by-name": {"data": [{"tag_name": "lead"}]},
    "/subscriber/add-labels-by-name": {"data": [{"label_name": "VIP"}]},
    "/subscriber/remove-labels-by-name": {"data": [{"label_name": "VIP"}]},
    "/subscriber/set-user-field": {"var_ns": "f1001v1", "value": "42"},
    "/subscriber/set-user-fields": {"data": [{"var_ns": "f1001v1", "value": "42"}]},
    "/subscriber/set-user-field-by-name": {"field_name": "size", "value": "42"},
    "/subscriber/set-user-fields-by-name": {"data": [{"name": "size", "value": "42"}]},
    "/subscriber/clear-user-field": {"var_ns": "f1001v1"},
    "/subscriber/clear-user-fields": {"data": [{"var_ns": "f1001v1"}]},
    "/subscriber/clear-user-field-by-name": {"field_name": "size"},
    "/subscriber/clear-user-fields-by-name": {"data": [{"name": "size"}]},
    "/handoff/accept": {},
    "/handoff/return": {},
    "/handoff/typing": {},
    "/handoff/seen": {},
    "/handoff/events": {},
    "/handoff/deliveries": {},
    "/handoff/redeliver-many": {},
    "/flow/conversations/data": {},
    "/flow/agent-activity-log/data": {},
}
"""The operations that name a subscriber, with what else they need."""

ABOUT_A_DELIVERY: dict[str, Json] = {
    "/handoff/delivery": {"delivery_id": 0},
    "/handoff/redeliver": {"delivery_id": 0},
    "/handoff/skip": {"delivery_id": 0, "reason": "x"},
    "/handoff/redeliver-many": {"from_delivery_id": 0},
    "/handoff/redelivery": {"redelivery_id": 0},
    "/handoff/stop-redelivery": {"redelivery_id": 0},
}
"""The operations that name a delivery or a redelivery."""

ABOUT_WORDS = {
    "/flow/tags",
    "/flow/create-tag",
    "/flow/delete-tag",
    "/flow/delete-tag-by-name",
    "/flow/user-fields",
    "/flow/create-user-field",
    "/flow/update-user-field",
    "/flow/delete-user-field",
    "/flow/delete-user-field-by-name",
    "/flow/bot-fields",
    "/flow/create-bot-field",
    "/flow/set-bot-field",
    "/flow/set-bot-field-by-name",
    "/flow/set-bot-fields",
    "/flow/set-bot-fields-by-name",
    "/flow/delete-bot-field",
    "/flow/delete-bot-field-by-name",
    "/team/labels",
    "/team/create-label",
    "/team/delete-label",
    "/team/delete-label-by-name",
}
"""Tags, fields and labels: tried below."""

ABOUT_WHAT_IS_READY: dict[str, Json] = {
    "/flow/shortcuts/{id}": {},
    "/flow/update-shortcut": {"id": READY, "name": "mine"},
    "/flow/delete-shortcut": {"id": READY},
    "/flow/closing-notes/{id}": {},
    "/flow/update-closing-note": {"id": READY, "name": "mine"},
    "/flow/delete-closing-note": {"id": READY},
}
"""The operations that name a shortcut or a closing note: of one flow."""

ABOUT_A_GROUP: dict[str, Json] = {
    "/team/agent-group/{id}": {},
    "/team/update-agent-group/{id}": {"name": "mine"},
    "/team/update-agent-group-users/{id}": {"members": [1]},
    "/team/delete-agent-group/{id}": {},
}
"""The operations that name a group: of one workspace."""

TOLD_BELOW = {
    "/handoff/redeliveries",
    "/subscriber/create",
    "/team-bot-users",
    "/subscriber/create-many",
    "/flow/shortcuts",
    "/flow/create-shortcut",
    "/flow/closing-notes",
    "/flow/create-closing-note",
    "/flow-summary",
    "/flow-agent-summary",
    "/team-info",
    "/team-flows",
    "/team-members",
    "/workspace-settings/channels",
    "/workspace-settings/update-channels",
    "/workspace-settings/live-chat-sidebar",
    "/workspace-settings/update-live-chat-sidebar",
    "/team/agent-groups",
    "/team/create-agent-group",
    "/handoff/presence",
    "/subscriber/send-sub-flow-by-user-id",
    "/subscriber/send-whatsapp-template-by-user-id",
    "/subscriber/broadcast",
    "/subscriber/broadcast-by-user-id",
    "/subscriber/broadcast-by-tag",
    "/subscriber/broadcast-by-segment",
    "/subscriber/broadcast-whatsapp-template-by-user-id",
    "/subscriber/broadcast-whatsapp-template-by-tag",
    "/subscriber/broadcasts",
    "/subscriber/broadcast/cancel",
    "/subscriber/broadcast/delete",
    "/flow/segments",
    "/flow/segment-bot-users-count",
    "/me",
    "/subscribers",
    "/subscriber/get-info-by-user-id",
    "/subscriber/chat-messages-by-mids",
    "/flow/agents",
    "/flow/subflows",
    "/flow/bot-users-count",
    "/flow/inbound-webhooks",
    "/media-library",
    "/media-library/upload",
    "/media-library/delete",
    "/flow/set-default-start-flow",
    "/flow/set-web-chat-widget-default-start-flow",
    "/flow/delete-sub-flow",
    "/flow/error-logs/data",
    "/flow/custom-events",
    "/flow/custom-events/summary",
    "/flow/custom-events/data",
    "/whatsapp-template/list",
    "/whatsapp-template/create",
    "/whatsapp-template/delete",
    "/whatsapp-template/sync",
}


@pytest.fixture
async def stranger(api: Api, world: World) -> Api:
    """Somebody else's token: of the flow of another company."""
    bolt = await world.add_company("Bolt")
    return api.with_token(await world.add_token(bolt, scopes=BOTH))


async def own_agent(api: Api) -> dict[str, Json]:
    """The operations, with an agent, a tag and a field that are there for this token: it is the subscriber
    who is not."""
    agent_id = (await api.get("/flow/agents")).json()["data"][0]["id"]
    group = (await api.post("/team/create-agent-group", {"name": f"group {agent_id}"}, key="g")).json()
    tag = (await api.post("/flow/create-tag", {"name": "own"})).json()["tag_ns"]
    field = (await api.post("/flow/create-user-field", {"name": "own", "var_type": "text"})).json()
    names = {"f1001t1": tag, "f1001v1": field["data"]["var_ns"]}
    text = msgspec.json.encode(ABOUT_A_SUBSCRIBER).decode()
    for before, after in names.items():
        text = text.replace(before, after)
    told: dict[str, Json] = msgspec.json.decode(text)
    return told | {
        "/subscriber/assign-agent": {"agent_id": agent_id},
        "/subscriber/assign-agent-group": {"agent_group_id": group["id"]},
    }


async def test_every_operation_is_tried_here(api: Api) -> None:
    paths = {path.removeprefix("/api") for path in api.told.document["paths"]}

    assert paths == set(TOLD_BELOW).union(
        ABOUT_A_SUBSCRIBER, ABOUT_A_DELIVERY, ABOUT_WHAT_IS_READY, ABOUT_A_GROUP, ABOUT_WORDS
    )


async def test_another_flows_deliveries_are_not_there_for_any_operation(
    api: Api, ana: Ana, stranger: Api, world: World
) -> None:
    numbers = await park(world)
    neighbour = api.with_token(await world.add_token(await second_flow(world)))
    before = await everything(world)

    for caller in (stranger, neighbour):
        for path, example in ABOUT_A_DELIVERY.items():
            (name,) = example.keys() & numbers.keys()
            refused = await caller.call(path, example | {name: numbers[name]})
            nobody = await caller.call(path, example | {name: 999_999})

            assert refused.status_code == nobody.status_code == 404, path
            said = refused.json()["message"].replace(f" {numbers[name]} ", " 999999 ")
            assert said == nobody.json()["message"], path
    assert await everything(world) == before


async def test_what_is_selected_and_begun_is_of_the_own_flow(
    api: Api, ana: Ana, stranger: Api, world: World
) -> None:
    await park(world)
    neighbour = api.with_token(await world.add_token(await second_flow(world)))
    many = "/handoff/redeliver-many"
    assert (await api.post(many, {"dry_run": 1})).json()["data"]["count"] > 0

    for caller in (stranger, neighbour):
        assert (await caller.get("/handoff/deliveries")).json()["data"] == []
        assert (await caller.post(many, {"dry_run": 1})).json()["data"]["count"] == 0
        begun = (await caller.post(many, {"state": "finished"})).json()["data"]
        whose = {"redelivery_id": begun["redelivery_id"]}
        assert (await caller.get("/handoff/redelivery", **whose)).status_code == 200
        assert (await api.get("/handoff/redelivery", **whose)).status_code == 404
        shown = (await caller.get("/handoff/redeliveries")).json()["data"]
        assert [one["id"] for one in shown] == [begun["redelivery_id"]]
    assert [one["state"] for one in (await api.get("/handoff/redeliveries")).json()["data"]] == ["running"]


async def second_flow(world: World) -> Company:
    """Another flow of the same workspace."""
    async with world.database.write() as connection:
        first = (await connection.execute(tables.flows.select())).first()
        assert first is not None
        another = first._asdict() | {"id": 7777, "name": "sales"}
        await connection.execute(tables.flows.insert().values(another))
        await directory.touch(connection)
    await world.catalog.refresh(at_once=True)
    flow = world.catalog.directory.flows[FlowId(7777)]
    return msgspec.structs.replace(world.company, flow=flow)


async def everything(world: World) -> list[str]:
    kept = (tables.deliveries, tables.interventions, tables.redeliveries)
    async with world.database.read() as connection:
        return [repr(sorted((await connection.execute(one.select())).all())) for one in kept]


async def test_another_flows_subscriber_is_not_there_for_any_operation(
    api: Api, ana: Ana, stranger: Api
) -> None:
    before = await ana.state(), await ana.said()

    for path, more in (await own_agent(stranger)).items():
        refused = await stranger.call(path, {"user_ns": ana.user_ns, **more})
        nobody = await stranger.call(path, {"user_ns": "f1001u999999", **more})

        assert refused.status_code == nobody.status_code == 404, path
        # Not a word more than of one whom nobody knows.
        assert refused.json()["message"].replace(ana.user_ns, "") == nobody.json()["message"].replace(
            "f1001u999999", ""
        )
    assert (await ana.state(), await ana.said()) == before


async def test_the_right_number_under_the_wrong_flow_is_not_there_either(
    api: Api, ana: Ana, stranger: Api, world: World
) -> None:
    """`f1002u1`: the flow of the token, and the number of somebody else's subscriber."""
    disguised = user_ns((await stranger_flow(stranger)), ana.id)

    for path, more in (await own_agent(stranger)).items():
        assert (await stranger.call(path, {"user_ns": disguised, **more})).status_code == 404, path
    assert len(await ana.said()) == 2


async def stranger_flow(stranger: Api) -> Any:
    return int((await stranger.get("/me")).json()["data"]["flow_ns"][1:])


async def test_no_list_and_no_search_shows_another_flow(
    api: Api, ana: Ana, stranger: Api, world: World
) -> None:
    await world.says("One", mid="wamid.1")

    nothing: Any = []
    assert (await stranger.get("/subscribers")).json()["data"] == nothing
    assert (await stranger.get("/team-bot-users")).json()["data"] == nothing
    assert (await stranger.get("/subscribers", name="Ana")).json()["data"] == nothing
    assert (await stranger.get("/subscribers", is_channel="web")).json()["data"] == nothing
    assert (await stranger.get("/subscriber/get-info-by-user-id", user_id="visitor-1")).status_code == 404
    assert (await stranger.get("/subscriber/chat-messages", user_id="visitor-1")).status_code == 404
    found = await stranger.post("/subscriber/chat-messages-by-mids", {"mids": ["wamid.1"]})
    assert found.json()["data"] == nothing
    assert (await stranger.get("/flow/bot-users-count")).json()["data"] == nothing


async def test_people_and_names_are_those_of_the_own_workspace(api: Api, stranger: Api, world: World) -> None:
    ours = {row["id"] for row in (await api.get("/flow/agents")).json()["data"]}
    theirs = {row["id"] for row in (await stranger.get("/flow/agents")).json()["data"]}

    assert not ours & theirs
    assert (await stranger.get("/me")).json()["data"]["team_name"] == "Bolt"
    numbers = {row["sub_flow_ns"] for row in (await stranger.get("/flow/subflows")).json()["data"]}
    assert numbers == {"f1002s1", "f1002s2"}


async def test_what_agents_have_ready_is_of_one_flow(api: Api, ana: Ana, stranger: Api, world: World) -> None:
    await make_ready(world)
    neighbour = api.with_token(await world.add_token(await second_flow(world), scopes=BOTH))
    before = [(await api.get(path)).json() for path in ("/flow/shortcuts", "/flow/closing-notes")]

    for caller in (stranger, neighbour):
        assert await answers_of(caller, ABOUT_WHAT_IS_READY, READY) == {404}
        assert await answers_of(caller, ABOUT_WHAT_IS_READY, 999_999) == {404}
        for path in ("/flow/shortcuts", "/flow/closing-notes"):
            assert (await caller.get(path)).json()["data"] == []
    assert [(await api.get(path)).json() for path in ("/flow/shortcuts", "/flow/closing-notes")] == before


async def test_groups_and_settings_are_of_one_workspace(
    api: Api, ana: Ana, stranger: Api, world: World
) -> None:
    await make_ready(world)
    await api.post("/workspace-settings/update-live-chat-sidebar", {"data": ["hide_spam"]})
    await api.post("/workspace-settings/update-channels", {"sms": 0})

    assert await answers_of(stranger, ABOUT_A_GROUP, READY) == {404}
    assert (await stranger.get("/team/agent-groups")).json()["data"] == []
    assert (await stranger.get("/workspace-settings/live-chat-sidebar")).json()["data"] == []
    assert (await stranger.get("/workspace-settings/channels")).json()["data"]["sms"] == 1
    assert (await stranger.get("/team-info")).json()["data"]["name"] == "Bolt"
    assert [one["flow_ns"] for one in (await stranger.get("/team-flows")).json()["data"]] == ["f1002"]
    theirs = {one["flow_ns"] for one in (await stranger.get("/flow-summary")).json()["data"]}
    assert theirs == {"f1002"}
    assert (await stranger.get("/flow-summary", flow_ns="f1001")).status_code == 422
    assert (await stranger.get("/flow-agent-summary", flow_ns="f1001")).status_code == 422
    ours = {one["id"] for one in (await api.get("/team-members")).json()["data"]}
    assert not ours & {one["id"] for one in (await stranger.get("/team-members")).json()["data"]}
    refused = await stranger.post("/handoff/presence", {"agent_id": min(ours)})
    assert refused.status_code == 422
    ready = {"user_ns": ana.user_ns, "agent_group_id": READY}
    assert (await stranger.post("/subscriber/assign-agent-group", ready)).status_code in (404, 422)
    assert (await api.get(f"/team/agent-group/{READY}")).json()["name"] == "Ready"


async def test_tags_and_fields_are_of_one_flow_and_labels_of_one_workspace(
    api: Api, ana: Ana, stranger: Api, world: World
) -> None:
    neighbour = api.with_token(await world.add_token(await second_flow(world), scopes=BOTH))
    tag = (await api.post("/flow/create-tag", {"name": "lead"})).json()["tag_ns"]
    field, bot_field = [
        (await api.post(path, {"name": "size", "var_type": "text"})).json()["data"]["var_ns"]
        for path in ("/flow/create-user-field", "/flow/create-bot-field")
    ]
    label = (await api.post("/team/create-label", {"name": "VIP"})).json()["data"]["id"]
    lists = ("/flow/tags", "/flow/user-fields", "/flow/bot-fields", "/team/labels")
    before = [(await api.get(path)).json() for path in lists]
    of_a_flow: list[tuple[str, str, Json]] = [
        ("DELETE", "/flow/delete-tag", {"tag_ns": tag}),
        ("DELETE", "/flow/delete-tag-by-name", {"name": "lead"}),
        ("POST", "/flow/update-user-field", {"var_ns": field, "name": "mine"}),
        ("DELETE", "/flow/delete-user-field", {"var_ns": field}),
        ("DELETE", "/flow/delete-user-field-by-name", {"name": "size"}),
        ("PUT", "/flow/set-bot-field", {"var_ns": bot_field, "value": "x"}),
        ("PUT", "/flow/set-bot-field-by-name", {"name": "size", "value": "x"}),
        ("PUT", "/flow/set-bot-fields", {"data": [{"var_ns": bot_field, "value": "x"}]}),
        ("PUT", "/flow/set-bot-fields-by-name", {"data": [{"name": "size", "value": "x"}]}),
        ("DELETE", "/flow/delete-bot-field", {"var_ns": bot_field}),
        ("DELETE", "/flow/delete-bot-field-by-name", {"name": "size"}),
    ]

    for caller in (stranger, neighbour):
        for path in lists[:3]:
            assert (await caller.get(path)).json()["data"] == [], path
        for method, path, body in of_a_flow:
            assert (await caller.write(method, path, body)).status_code == 404, path
    assert (await stranger.get("/team/labels")).json()["data"] == []
    assert [one["name"] for one in (await neighbour.get("/team/labels")).json()["data"]] == ["VIP"]
    for path, gone in (("delete-label", {"id": label}), ("delete-label-by-name", {"name": "VIP"})):
        assert (await stranger.write("DELETE", f"/team/{path}", gone)).status_code == 404, path
    assert [(await api.get(path)).json() for path in lists] == before


async def answers_of(caller: Api, operations: dict[str, Json], id_: int) -> set[int]:
    found = set()
    for path, sent in operations.items():
        body = {**sent, "id": id_} if "id" in sent else sent
        found.add((await caller.call(path.replace("{id}", f"{id_}"), body)).status_code)
    return found


async def test_broadcasts_segments_and_ids_of_another_flow_are_not_there(
    api: Api, ana: Ana, stranger: Api, world: World
) -> None:
    there = await park(world)
    sent = {"name": "order_sent", "lang": "en_US"}
    names = {"broadcast_ns": there["broadcast_ns"]}
    before = await ana.said()

    for path in ("/subscriber/broadcast/cancel", "/subscriber/broadcast/delete"):
        assert (await stranger.write("DELETE", path, names)).status_code == 404
    refused: list[tuple[str, Json]] = [
        ("/subscriber/broadcast-by-segment", {"segment_ns": "f1001sg1", "sub_flow_ns": "f1002s1"}),
        ("/subscriber/broadcast-by-tag", {"tags": ["vip"], "sub_flow_ns": "f1001s1"}),
        ("/subscriber/broadcast-by-tag", {"tags": ["f1001t1"], "sub_flow_ns": "f1002s1"}),
        ("/subscriber/broadcast-whatsapp-template-by-tag", {"tags": ["f1001t1"], "wa_template": sent}),
        ("/subscriber/broadcast", {"user_ns_list": ana.user_ns, "sub_flow_ns": "f1001s1"}),
    ]
    for path, more in refused:
        assert (await stranger.post(path, more)).status_code == 422, path
    assert (await stranger.get("/flow/segment-bot-users-count", segment_ns="f1001sg1")).status_code == 422
    assert (await stranger.get("/flow/segments")).json()["data"] == []
    absent: list[tuple[str, Json]] = [
        ("/subscriber/send-sub-flow-by-user-id", {"user_id": "visitor-1", "sub_flow_ns": "f1002s1"}),
        ("/subscriber/send-whatsapp-template-by-user-id", {"user_id": "61400000000", "content": sent}),
    ]
    for path, more in absent:
        assert (await stranger.post(path, more)).status_code == 404, path
    to_ana = {"user_ns_list": ana.user_ns, "sub_flow_ns": "f1002s1"}
    assert (await stranger.post("/subscriber/broadcast", to_ana)).status_code == 200
    own = (await stranger.get("/subscriber/broadcasts")).json()["data"]
    assert [(one["total"], one["counts"]) for one in own] == [(None, {"unknown": 1})]
    nobody: list[tuple[str, Json]] = [
        ("/subscriber/broadcast-by-user-id", {"user_id_list": "visitor-1", "sub_flow_ns": "f1002s1"}),
        (
            "/subscriber/broadcast-whatsapp-template-by-user-id",
            {"user_id_list": "1", "wa_template": sent},
        ),
    ]
    for path, more in nobody:
        assert (await stranger.post(path, more)).status_code == 200, path
    assert await ana.said() == before
