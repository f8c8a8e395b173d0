"""Groups, closing notes, presence, and what is told of the work of people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from relevo.testing.builders import World
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api


async def group_of(api: Api, *members: int, **settings: Any) -> int:
    made = (await api.post("/team/create-agent-group", {"name": "Sales", **settings})).json()
    assert made["data"]["name"] == made["name"] == "Sales"
    await api.post(f"/team/update-agent-group-users/{made['id']}", {"members": [*members]})
    return int(made["id"])


async def test_a_conversation_goes_to_whoever_of_a_group_is_online(api: Api, ana: Ana, world: World) -> None:
    luis, olga = world.company.agent.id, world.company.owner.id
    group = await group_of(api, luis, olga, assign_method="round_robin", online_first=2)
    given = {"user_ns": ana.user_ns, "agent_group_id": group}

    await api.post("/subscriber/assign-agent-group", given)
    nobody = (await ana.state()).member_id
    await api.post("/handoff/presence", {"agent_id": luis, "minutes": 5})
    await api.post("/subscriber/assign-agent-group", given)

    assert (nobody, (await ana.state()).member_id) == (None, luis)
    online = {one["id"]: one["is_online"] for one in (await api.get("/team-members")).json()["data"]}
    assert online == {luis: True, olga: False}
    world.clock.advance(timedelta(minutes=5))
    assert not any(one["is_online"] for one in (await api.get("/flow/agents")).json()["data"])


async def test_members_of_a_group_are_objects_or_plain_ids(api: Api, world: World) -> None:
    luis, olga = world.company.agent.id, world.company.owner.id
    group = await group_of(api, luis)

    body = {"members": [{"user_id": olga, "weighting": 3}, luis]}
    await api.post(f"/team/update-agent-group-users/{group}", body)
    shown = (await api.get(f"/team/agent-group/{group}")).json()

    assert shown["members"] == [{"user_id": olga, "weighting": 3}, {"user_id": luis, "weighting": 1}]
    for wrong in ([999], [{"user_id": "x"}], [luis, luis], [{"user_id": luis, "weighting": 101}]):
        refused = await api.post(f"/team/update-agent-group-users/{group}", {"members": wrong})
        assert refused.status_code == 422, wrong
    assert (await api.post(f"/team/update-agent-group-users/{group}", {})).status_code == 422
    assert (await api.get(f"/team/agent-group/{group}")).json() == shown


async def test_a_name_is_taken_once(api: Api) -> None:
    for path, body in (
        ("/team/create-agent-group", {"name": "Sales"}),
        ("/flow/create-shortcut", {"name": "bye", "value": "Bye!"}),
        ("/flow/create-closing-note", {"name": "Resolved"}),
    ):
        assert (await api.post(path, body)).status_code == 200
        refused = await api.post(path, body)
        assert refused.status_code == 422
        assert "there is already" in refused.json()["errors"]["name"][0]


async def test_what_a_closing_note_asks_for_must_be_left(api: Api, ana: Ana) -> None:
    body = {"name": "Resolved", "require_summary": 2}
    note = (await api.post("/flow/create-closing-note", body)).json()["data"]
    closing = {"user_ns": ana.user_ns, "status": "done", "closing_note_id": note["id"]}

    without = await api.post("/subscriber/move-chat-to", closing)
    unknown = await api.post("/subscriber/move-chat-to", {**closing, "closing_note_id": 999})
    done = await api.post("/subscriber/move-chat-to", {**closing, "summary": "two mugs"})

    assert (without.status_code, unknown.status_code, done.status_code) == (422, 422, 200)
    assert without.json()["errors"] == {
        "summary": ["the closing note Resolved asks for the summary; write it"]
    }
    (row,) = (await api.get("/flow/conversations/data")).json()["data"]
    assert (row["closing_note"], row["closing_summary"]) == ("Resolved", "two mugs")
    assert (await ana.said())[-1] == ("note", "Closed: Resolved\ntwo mugs", "Olga")


async def test_closed_conversations_are_read_with_a_cursor(api: Api, ana: Ana, world: World) -> None:
    people = [Ana(world, (await world.says("Hi", user_id=f"u{n}")).conversation_id) for n in range(5)]
    for one in people:
        world.clock.advance(timedelta(seconds=10))
        await api.post("/subscriber/move-chat-to", {"user_ns": one.user_ns, "status": "done"})

    first = (await api.get("/flow/conversations/data", limit=2)).json()
    rest = (await api.get("/flow/conversations/data", start_id=first["next_start_id"])).json()
    since = int(world.clock.now().timestamp()) - 15
    late = (await api.get("/flow/conversations/data", start_time=since)).json()
    hers = (await api.get("/flow/conversations/data", user_ns=people[3].user_ns)).json()

    found = [one["user_ns"] for one in first["data"] + rest["data"]]
    assert (found, rest["next_start_id"]) == ([one.user_ns for one in people], None)
    assert [one["user_ns"] for one in late["data"]] == found[3:]
    assert [one["user_ns"] for one in hers["data"]] == [people[3].user_ns]
    assert (await api.get("/flow/conversations/data", limit=1001)).status_code == 422
    assert (await api.get("/flow/conversations/data", start_time=1)).status_code == 422


async def test_the_log_is_filtered(api: Api, ana: Ana, world: World) -> None:
    luis, whom = world.company.agent.id, {"user_ns": ana.user_ns}
    await api.post("/subscriber/assign-agent", {**whom, "agent_id": luis})
    world.clock.advance(timedelta(seconds=1))
    await api.post("/subscriber/send-text", {**whom, "content": "Hi", "agent_id": luis})
    await api.post("/subscriber/move-chat-to", {**whom, "status": "done"})
    world.clock.advance(timedelta(seconds=1))
    await api.post("/subscriber/move-chat-to", {**whom, "status": "pending"})
    (case,) = (await api.get("/flow/conversations/data")).json()["data"]

    async def actions(**filters: Any) -> list[str]:
        answer = await api.get("/flow/agent-activity-log/data", **filters)
        return [one["action"] for one in answer.json()["data"]]

    assert await actions() == ["open", "assign", "reply", "close", "pending"]
    assert await actions(agent_id=luis, source_type="api") == ["assign"]
    assert await actions(action="close") == ["close"]
    assert await actions(conv_id=case["id"]) == ["open", "assign", "reply", "close"]
    assert await actions(conv_id=999) == []
    assert (await api.get("/flow/agent-activity-log/data", action="dance")).status_code == 422


async def test_summaries_have_every_day_of_the_range(api: Api, ana: Ana, world: World) -> None:
    luis, whom = world.company.agent.id, {"user_ns": ana.user_ns}
    await world.says("agent")
    world.clock.advance(timedelta(seconds=40))
    await api.post("/subscriber/assign-agent", {**whom, "agent_id": luis})
    await api.post("/subscriber/send-text", {**whom, "content": "Hi", "agent_id": luis})
    await api.post("/subscriber/move-chat-to", {**whom, "status": "done"})
    world.clock.advance(timedelta(days=1))
    await world.says("Hello", user_id="bob")
    world.clock.advance(timedelta(days=1))

    days = (await api.get("/flow-summary", range="last_7_days")).json()["data"]
    (yesterday,) = (await api.get("/flow-summary")).json()["data"]
    (agent,) = (await api.get("/flow-agent-summary", range="last_7_days", flow_ns="f1001")).json()["data"]

    assert len(days) == 7
    assert days[-1] == yesterday
    assert (yesterday["total_bot_users"], yesterday["day_new_bot_users"]) == (2, 1)
    before = days[-2]
    assert (before["total_bot_users"], before["day_in_messages"], before["day_agent_messages"]) == (1, 2, 1)
    assert (before["day_assigned"], before["day_done"], before["avg_agent_response_time"]) == (1, 1, 40)
    assert (agent["agent_id"], agent["day_reply_bot_users"], agent["avg_resolve_time"]) == (luis, 1, 40)


async def test_the_workspace_is_told(api: Api, world: World) -> None:
    info = (await api.get("/team-info")).json()["data"]
    flows = (await api.get("/team-flows", type="chat")).json()["data"]

    assert (info["name"], info["owner_email"]) == ("Acme", "olga@example.com")
    assert [one["flow_ns"] for one in flows] == ["f1001"]
    assert (await api.get("/team-flows", type="viber")).json()["data"] == []
    agents = (await api.get("/team-members", role="agent")).json()["data"]
    assert [one["id"] for one in agents] == [world.company.agent.id]


async def test_what_is_not_there_cannot_be_switched_on(api: Api) -> None:
    assert (await api.post("/workspace-settings/update-channels", {"viber": 1})).status_code == 422
    off = (await api.post("/workspace-settings/update-channels", {"viber": 0, "whatsapp": 0})).json()["data"]
    assert (off["whatsapp"], off["whatsapp_cloud"], off["telegram"], off["viber"]) == (0, 0, 1, 0)
    assert (
        await api.post("/workspace-settings/update-live-chat-sidebar", {"data": ["hide_all"]})
    ).status_code == 422


async def test_the_workspaces_calls_need_their_scope(api: Api, world: World) -> None:
    of_flow = api.with_token(await world.add_token())

    for path in ("/team-info", "/team-members", "/flow-summary", "/team/agent-groups"):
        assert (await of_flow.get(path)).json() == {"message": "Scope required: Manage Team"}
    assert (await of_flow.get("/flow/shortcuts")).status_code == 200
