"""The flow's people, its subflows and its numbers; and whose token it is."""

from __future__ import annotations

from typing import Any

from relevo.domain.workspaces import Scope
from relevo.testing.builders import World
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api


async def names(api: Api, path: str, **query: Any) -> list[str]:
    return [row["name"] for row in (await api.get(path, **query)).json()["data"]]


async def test_a_token_tells_whose_it_is(api: Api, world: World) -> None:
    company = world.company

    told = (await api.get("/me")).json()

    assert told == {
        "id": company.owner.id,
        "name": "Olga",
        "email": "olga@example.com",
        "data": {
            "id": company.owner.id,
            "name": "Olga",
            "email": "olga@example.com",
            "flow_ns": "f1001",
            "flow_name": "support",
            "team_id": company.workspace.id,
            "team_name": "Acme",
            "scopes": ["Manage Flow", "Manage Team", "Send Message"],
        },
    }


async def test_a_token_without_a_member_has_its_own_name(api: Api, world: World) -> None:
    told = (await api.with_token(await world.add_token(anonymous=True)).get("/me")).json()

    assert (told["id"], told["name"], told["email"]) == (0, "test", "")


async def test_me_needs_no_scope(api: Api, world: World) -> None:
    other = api.with_token(await world.add_token(scopes=[Scope.SEND_MESSAGE]))

    assert (await other.get("/me")).json()["data"]["scopes"] == ["Send Message"]


async def test_agents_are_everybody_of_the_workspace(api: Api, world: World) -> None:
    await world.add_company("Bolt")

    told = (await api.get("/flow/agents")).json()

    assert told["data"] == [
        {
            "id": world.company.owner.id,
            "name": "Olga",
            "email": "olga@example.com",
            "image": "",
            "role": "owner",
            "is_online": False,
        },
        {
            "id": world.company.agent.id,
            "name": "Luis",
            "email": "luis@example.com",
            "image": "",
            "role": "agent",
            "is_online": False,
        },
    ]
    assert told["meta"]["total"] == 2


async def test_agents_are_found_by_name_and_role_and_come_in_pages(api: Api) -> None:
    assert await names(api, "/flow/agents", name="LU") == ["Luis"]
    assert await names(api, "/flow/agents", role="owner") == ["Olga"]
    assert await names(api, "/flow/agents", role="agent", name="Olga") == []
    assert await names(api, "/flow/agents", limit=1, page=2) == ["Luis"]
    assert await names(api, "/flow/agents", limit=1, page=3) == []
    assert (await api.get("/flow/agents", role="boss")).status_code == 422


async def test_subflows_have_their_numbers(api: Api) -> None:
    told = (await api.get("/flow/subflows")).json()

    assert told["data"] == [
        {"name": "welcome", "sub_flow_ns": "f1001s1"},
        {"name": "person", "sub_flow_ns": "f1001s2"},
    ]
    assert await names(api, "/flow/subflows", name="Per") == ["person"]


async def test_subscribers_are_counted_by_status(api: Api, ana: Ana, world: World) -> None:
    assert (await api.get("/flow/bot-users-count")).json() == {
        "data": [{"status": "open", "num": 1}],
        "status": "ok",
    }

    await api.post("/subscriber/move-chat-to", {"user_ns": ana.user_ns, "status": "done"})
    await world.says("Hello", user_id="bo", channel=world.company.apichat)

    told = (await api.get("/flow/bot-users-count")).json()["data"]
    assert told == [{"status": "open", "num": 1}, {"status": "done", "num": 1}]
