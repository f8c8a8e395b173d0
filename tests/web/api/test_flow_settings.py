"""What starts, what is deleted, and what went wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.domain.events import ByUser, ConversationOpened
from relevo.domain.messages import plain_text
from relevo.store import directory, problems, tables
from relevo.store.problems import Problem
from relevo.testing.builders import World
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api, Json

START, WIDGET = "/flow/set-default-start-flow", "/flow/set-web-chat-widget-default-start-flow"
DELETE, ERRORS = "/flow/delete-sub-flow", "/flow/error-logs/data"
HANDED_OVER = "I am getting somebody for you."

FLOW = """\
version: 1
flow: support
start: welcome
subflows:
  # The first words.
  welcome:
    - send: Hello
    - go: person
  # What is to go.
  spare:
    - send: "Spare: part"
    - send: And another
  # A person answers.
  person:
    - pause_bot: {minutes: 30}
"""


async def first_words(world: World, user_id: str) -> str:
    to = (await world.says("Hello", user_id=user_id)).conversation_id
    return plain_text((await world.messages(to))[1].content)


async def greeting(world: World, user_id: str) -> list[str]:
    result = await world.submit(ConversationOpened(to=ByUser(world.company.web.id, user_id)))
    return [plain_text(one.content) for one in await world.messages(result.conversation_id)]


async def test_another_subflow_starts_until_it_is_reset(api: Api, world: World) -> None:
    assert (await first_words(world, "a")).startswith("Hello")

    assert (await api.post(START, {"sub_flow_ns": "f1001s2"})).status_code == 200
    await world.catalog.refresh(at_once=True)
    assert await first_words(world, "b") == HANDED_OVER
    assert await greeting(world, "c") == [HANDED_OVER]

    assert (await api.post(START, {"sub_flow_ns": "main"})).status_code == 200
    await world.catalog.refresh(at_once=True)
    assert (await first_words(world, "d")).startswith("Hello")


async def test_the_web_chat_may_greet_with_another(api: Api, world: World) -> None:
    assert (await api.post(WIDGET, {"sub_flow_ns": "f1001s2"})).status_code == 200
    await world.catalog.refresh(at_once=True)

    assert await greeting(world, "a") == [HANDED_OVER]
    assert (await first_words(world, "b")).startswith("Hello")


@pytest.mark.parametrize("path", [START, WIDGET, DELETE])
async def test_a_subflow_that_there_is_not_is_refused(api: Api, path: str) -> None:
    for wrong in ("f1001s9", "f1002s1", "person", "main" if path == DELETE else "Main"):
        answer = await api.write("DELETE" if path == DELETE else "POST", path, {"sub_flow_ns": wrong})
        words = f"The selected sub flow ns is invalid: there is no subflow in this flow {wrong!r}."
        assert (answer.status_code, answer.json()["message"]) == (422, words)


async def publish(world: World, source: str) -> None:
    """As the flow's text, with numbers for what it has."""
    flow = world.company.flow
    async with world.database.write() as connection:
        versions, rows = tables.flow_versions, tables.subflows
        row = {"flow_id": flow.id, "number": 2, "source": source, "created_at": world.clock.now()}
        id_ = (await connection.execute(versions.insert().values(row).returning(versions.c.id))).scalar_one()
        await connection.execute(tables.flows.update().values(version_id=id_))
        await connection.execute(rows.insert().values(flow_id=flow.id, name="spare", number=3))
        await directory.touch(connection)
    await world.catalog.refresh(at_once=True)


async def running(world: World) -> str:
    async with world.database.read() as connection:
        await world.catalog.refresh(at_once=True)
        version = world.catalog.current_version(world.company.flow.id)
        assert version is not None
        found = await directory.flow_source(connection, version)
    assert found is not None
    return found[1]


async def test_a_subflow_is_deleted_and_the_rest_stays_as_it_was_written(api: Api, world: World) -> None:
    await publish(world, FLOW)

    for _ in range(2):
        answer = await api.write("DELETE", DELETE, {"sub_flow_ns": "f1001s3"})
        assert answer.json() == {"status": "ok"}

    gone = '  spare:\n    - send: "Spare: part"\n    - send: And another\n'
    assert await running(world) == FLOW.replace(gone, "")
    names = [row["name"] for row in (await api.get("/flow/subflows")).json()["data"]]
    assert names == ["welcome", "person"]


async def test_a_subflow_that_something_leads_to_stays(api: Api, world: World) -> None:
    await publish(world, FLOW)

    for ns in ("f1001s1", "f1001s2"):  # the start, and where it goes on
        answer = await api.write("DELETE", DELETE, {"sub_flow_ns": ns})
        assert answer.status_code == 422
        assert "cannot be deleted" in answer.json()["message"]
    assert await running(world) == FLOW


async def test_a_text_that_cannot_be_taken_apart_stays(api: Api, world: World) -> None:
    flat = "{version: 1, flow: support, start: a, subflows: {a: [end], spare: [end], b: [end]}}"
    await publish(world, flat)

    answer = await api.write("DELETE", DELETE, {"sub_flow_ns": "f1001s3"})

    assert answer.status_code == 422
    assert await running(world) == flat


# What went wrong


async def note(world: World, ana: Ana, detail: str, code: str = "stale_timer") -> None:
    one = Problem(
        workspace_id=world.company.workspace.id,
        conversation_id=ana.id,
        flow_id=world.company.flow.id,
        code=code,
        detail=detail,
        at=world.clock.now(),
    )
    async with world.database.write() as connection:
        await problems.insert_new(connection, [one])


async def listed(api: Api, **query: object) -> list[Json]:
    rows: list[Json] = (await api.get(ERRORS, **query)).json()["data"]
    return rows


async def test_what_went_wrong_is_listed_newest_first_and_found_by_its_words(
    api: Api, ana: Ana, world: World
) -> None:
    for number in range(3):
        await note(world, ana, f"the {number}th step", "lost_place" if number else "stale_timer")
        world.clock.advance(timedelta(seconds=1))

    assert [row["description"] for row in await listed(api)] == [f"the {n}th step" for n in (2, 1, 0)]
    assert [row["description"] for row in await listed(api, limit=2, page=2)] == ["the 0th step"]
    assert [row["description"] for row in await listed(api, search="1TH")] == ["the 1th step"]
    assert [row["code"] for row in await listed(api, search="stale_")] == ["stale_timer"]
    assert {row["user_ns"] for row in await listed(api, user_ns=ana.user_ns)} == {ana.user_ns}
    assert await listed(api, user_ns="f1001u99") == []


async def test_a_month_back_can_be_asked_for(api: Api, ana: Ana, world: World) -> None:
    await note(world, ana, "long ago")
    at = int(world.clock.now().timestamp())
    world.clock.advance(timedelta(days=31))
    assert len(await listed(api)) == 1
    assert len(await listed(api, start_time=at, end_time=at)) == 1

    world.clock.advance(timedelta(days=1))
    assert await listed(api) == []
    for wrong in ({"start_time": at}, {"node_ns": "f1001n1"}, {"user_ns": "f1002u1"}, {"limit": 1001}):
        assert [*(await api.get(ERRORS, **wrong)).json()["errors"]] == [*wrong]


async def test_what_a_decision_reports_is_there_for_its_flow_only(api: Api, ana: Ana, world: World) -> None:
    stranger = api.with_token(await world.add_token(await world.add_company("Bolt")))
    await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns})
    await api.post("/subscriber/send-content", {"user_ns": ana.user_ns, "data": {"goto": "person"}})

    assert [row["code"] for row in await listed(api)] == ["bot_is_paused"]
    assert await listed(stranger) == []
