"""How many statements each call asks of the database: as many for thirty rows as for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import event

from relevo.domain.events import AnyEvent
from relevo.engine.batches import Result
from relevo.store.database import Database
from relevo.testing.builders import World
from tests.web.api.conftest import Ana, app_of
from tests.web.api.validating import Api
from tests.web.exchanges import client_of

BUDGET: dict[str, int] = {
    "/me": 0,
    "/subscribers": 2,
    "/subscribers?name=a": 3,
    "/subscribers?phone=1": 3,
    "/subscriber/get-info": 1,
    "/subscriber/get-info-by-user-id": 1,
    "/subscriber/chat-messages": 3,
    "/subscriber/chat-messages-by-mids": 2,
    "/flow/agents": 0,
    "/flow/subflows": 0,
    "/flow/bot-users-count": 2,
    "/subscriber/send-text": 0,
    "/subscriber/send-content": 0,
    "/subscriber/pause-bot": 0,
    "/subscriber/resume-bot": 0,
    "/subscriber/assign-agent": 0,
    "/subscriber/unassign-agent": 0,
    "/subscriber/move-chat-to": 0,
    "/handoff/typing": 0,
    "/handoff/seen": 0,
    "/handoff/events": 2,
}
"""Beside the token (once a second) and the configuration (four times a second), and beside the commit, which
is shared by all that happens together."""


def parameters(ana: Ana, world: World) -> dict[str, dict[str, Any]]:
    whom = {"user_ns": ana.user_ns}
    return {
        "/subscribers": {"limit": 20},
        "/subscriber/get-info-by-user-id": {"user_id": "visitor-1"},
        "/subscriber/chat-messages": {**whom, "include_bot": 1, "limit": 20},
        "/subscriber/chat-messages-by-mids": {"mids": [f"mid-{n}" for n in range(30)]},
        "/subscriber/send-text": {**whom, "content": "Hi"},
        "/subscriber/send-content": {**whom, "data": {"goto": "person"}},
        "/subscriber/assign-agent": {**whom, "agent_id": world.company.agent.id},
        "/subscriber/move-chat-to": {**whom, "status": "done"},
    }


class Accepting:
    """An engine that takes everything and asks nothing of the database."""

    async def submit(self, event: AnyEvent) -> Result:
        return Result(event.to.id, world_flow)  # type: ignore[union-attr]


world_flow: Any = 1001


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are executed in the block."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    engine = database._reader.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_no_call_asks_more_than_its_budget_however_many_rows_there_are(
    api: Api, ana: Ana, world: World
) -> None:
    await add_people_and_messages(world)
    engine: Any = Accepting()
    async with client_of(app_of(msgspec.structs.replace(world.services(), engine=engine))) as client:
        quick = Api(client, api.told, api.token)
        await quick.get("/me")
        asked = {call: await statements_of(quick, call, ana, world) for call in BUDGET}

    assert {call: len(statements) for call, statements in asked.items()} == BUDGET


async def add_people_and_messages(world: World) -> None:
    for number in range(30):
        world.clock.advance(timedelta(seconds=1))
        await world.says("Hello", user_id=f"user-{number}", name=f"Ana {number}", mid=f"mid-{number}")
        await world.says(f"message {number}")
    await world.catalog.refresh(at_once=True)


async def statements_of(api: Api, call: str, ana: Ana, world: World) -> list[str]:
    path = call.partition("?")[0]
    sent = parameters(ana, world).get(path, {"user_ns": ana.user_ns})
    with counted(world.database) as statements:
        if api.told.operation("GET", path) is not None:
            answer = await api.send("GET", call, params=sent if "?" not in call else None)
        else:
            answer = await api.post(path, sent)
    assert answer.status_code == 200, answer.text
    return statements


async def test_every_operation_has_a_budget(api: Api) -> None:
    assert {call.partition("?")[0] for call in BUDGET} == {
        path.removeprefix("/api") for path in api.told.document["paths"]
    }
