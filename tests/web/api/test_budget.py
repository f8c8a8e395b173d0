"""How many statements each call asks of the database: as many for thirty rows as for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import event

from relevo.domain.events import AnyEvent
from relevo.domain.ids import ConversationId
from relevo.domain.vocabulary import Names
from relevo.engine.batches import Result
from relevo.store.database import Database
from relevo.testing.builders import World
from tests.web.api.conftest import READY, Ana, app_of, park
from tests.web.api.preparing import Preparing
from tests.web.api.validating import Api
from tests.web.exchanges import client_of

BUDGET: dict[str, int] = {
    "/me": 0,
    "/subscribers": 3,
    "/subscribers?name=a": 3,
    "/team-bot-users": 2,
    "/subscribers?phone=1": 3,
    "/subscriber/get-info": 1,
    "/subscriber/get-info-by-user-id": 1,
    "/subscriber/chat-messages": 3,
    "/subscriber/chat-messages-by-mids": 2,
    "/flow/agents": 1,
    "/flow/shortcuts": 1,
    "/flow/shortcuts/{id}": 1,
    "/flow/closing-notes": 1,
    "/flow/closing-notes/{id}": 1,
    "/flow/conversations/data": 2,
    "/flow/agent-activity-log/data": 2,
    "/flow-summary": 2,
    "/flow-agent-summary": 1,
    "/team-info": 0,
    "/team-flows": 0,
    "/team-members": 1,
    "/workspace-settings/channels": 0,
    "/workspace-settings/live-chat-sidebar": 0,
    "/team/agent-groups": 0,
    "/team/agent-group/{id}": 2,
    "/subscriber/assign-agent-group": 0,
    "/flow/subflows": 0,
    "/flow/bot-users-count": 3,
    "/subscriber/send-text": 0,
    "/subscriber/send-content": 0,
    "/subscriber/send-whatsapp-template": 0,
    "/subscriber/send-email": 0,
    "/subscriber/send-whatsapp-template-by-user-id": 1,
    "/subscriber/send-sms": 1,
    "/subscriber/send-main-flow": 0,
    "/subscriber/send-sub-flow": 0,
    "/subscriber/send-sub-flow-by-flow-name": 0,
    "/subscriber/send-sub-flow-by-user-id": 1,
    "/subscriber/send-node": 0,
    "/subscriber/broadcasts": 2,
    "/flow/segments": 2,
    "/flow/segment-bot-users-count": 2,
    "/subscriber/pause-bot": 0,
    "/subscriber/resume-bot": 0,
    "/subscriber/assign-agent": 0,
    "/subscriber/unassign-agent": 0,
    "/subscriber/move-chat-to": 0,
    "/subscriber/log-custom-event": 0,
    "/whatsapp-template/list": 0,
    "/flow/inbound-webhooks": 0,
    "/media-library": 2,
    "/flow/error-logs/data": 1,
    "/flow/custom-events": 0,
    "/flow/custom-events/summary": 3,
    "/flow/custom-events/data": 1,
    "/handoff/accept": 0,
    "/handoff/return": 0,
    "/flow/tags": 0,
    "/flow/user-fields": 0,
    "/flow/bot-fields": 0,
    "/team/labels": 0,
    "/subscriber/update": 1,
    "/subscriber/subscribe-to-bot": 0,
    "/subscriber/unsubscribe-from-bot": 0,
    "/subscriber/opt-in-sms": 0,
    "/subscriber/opt-out-sms": 0,
    "/subscriber/opt-in-email": 0,
    "/subscriber/opt-out-email": 0,
    "/subscriber/add-tag": 0,
    "/subscriber/add-tags": 0,
    "/subscriber/add-tag-by-name": 0,
    "/subscriber/add-tags-by-name": 0,
    "/subscriber/remove-tag": 0,
    "/subscriber/remove-tags": 0,
    "/subscriber/remove-tag-by-name": 0,
    "/subscriber/remove-tags-by-name": 0,
    "/subscriber/add-labels-by-name": 0,
    "/subscriber/remove-labels-by-name": 0,
    "/subscriber/set-user-field": 0,
    "/subscriber/set-user-fields": 0,
    "/subscriber/set-user-field-by-name": 0,
    "/subscriber/set-user-fields-by-name": 0,
    "/subscriber/clear-user-field": 0,
    "/subscriber/clear-user-fields": 0,
    "/subscriber/clear-user-field-by-name": 0,
    "/subscriber/clear-user-fields-by-name": 0,
    "/handoff/typing": 0,
    "/handoff/seen": 0,
    "/handoff/events": 2,
    "/handoff/deliveries": 2,
    "/handoff/deliveries?state=parked": 1,
    "/handoff/delivery": 4,
    "/handoff/redeliveries": 1,
    "/handoff/redelivery": 1,
}
"""Beside the token (once a second) and the configuration (four times a second), and beside the commit, which
is shared by all that happens together."""


BY_THEMSELVES = {
    "/media-library/upload",
    "/media-library/delete",
    "/handoff/presence",
    "/flow/create-shortcut",
    "/flow/update-shortcut",
    "/flow/delete-shortcut",
    "/flow/create-closing-note",
    "/flow/update-closing-note",
    "/flow/delete-closing-note",
    "/team/create-agent-group",
    "/team/update-agent-group/{id}",
    "/team/update-agent-group-users/{id}",
    "/team/delete-agent-group/{id}",
    "/workspace-settings/update-channels",
    "/workspace-settings/update-live-chat-sidebar",
    "/flow/set-default-start-flow",
    "/flow/set-web-chat-widget-default-start-flow",
    "/flow/delete-sub-flow",
    "/subscriber/create",
    "/subscriber/create-many",
    "/subscriber/delete",
    "/flow/create-tag",
    "/flow/delete-tag",
    "/flow/delete-tag-by-name",
    "/flow/create-user-field",
    "/flow/update-user-field",
    "/flow/delete-user-field",
    "/flow/delete-user-field-by-name",
    "/flow/create-bot-field",
    "/flow/set-bot-field",
    "/flow/set-bot-field-by-name",
    "/flow/set-bot-fields",
    "/flow/set-bot-fields-by-name",
    "/flow/delete-bot-field",
    "/flow/delete-bot-field-by-name",
    "/team/create-label",
    "/team/delete-label",
    "/team/delete-label-by-name",
    "/handoff/redeliver",
    "/handoff/skip",
    "/handoff/redeliver-many",
    "/handoff/stop-redelivery",
    "/whatsapp-template/create",
    "/whatsapp-template/delete",
    "/whatsapp-template/sync",
    "/subscriber/broadcast",
    "/subscriber/broadcast-by-user-id",
    "/subscriber/broadcast-by-tag",
    "/subscriber/broadcast-by-segment",
    "/subscriber/broadcast-whatsapp-template-by-user-id",
    "/subscriber/broadcast-whatsapp-template-by-tag",
    "/subscriber/broadcast/cancel",
    "/subscriber/broadcast/delete",
}
"""What a person does now and then, each in a transaction of its own."""


def parameters(ana: Ana, world: World, numbers: dict[str, int]) -> dict[str, dict[str, Any]]:
    whom = {"user_ns": ana.user_ns}
    return {
        "/handoff/delivery": {"delivery_id": numbers["delivery_id"]},
        "/handoff/redelivery": {"redelivery_id": numbers["redelivery_id"]},
        "/subscribers": {"limit": 20},
        "/subscriber/get-info-by-user-id": {"user_id": "visitor-1"},
        "/subscriber/chat-messages": {**whom, "include_bot": 1, "limit": 20},
        "/subscriber/chat-messages-by-mids": {"mids": [f"mid-{n}" for n in range(30)]},
        "/subscriber/send-text": {**whom, "content": "Hi"},
        "/subscriber/send-content": {**whom, "data": {"goto": "person"}},
        "/subscriber/send-email": {**whom, "content": "Hi"},
        "/subscriber/send-whatsapp-template": {**whom, "content": {"name": "order_sent", "lang": "en_US"}},
        "/subscriber/send-whatsapp-template-by-user-id": {
            "user_id": "61400000000",
            "create_if_not_found": "yes",
            "content": {"name": "order_sent", "lang": "en_US"},
        },
        "/subscriber/send-sms": {**whom, "content": "Hi"},
        "/subscriber/send-sub-flow": {**whom, "sub_flow_ns": "f1001s2"},
        "/subscriber/send-sub-flow-by-flow-name": {**whom, "flow_name": "person"},
        "/subscriber/send-sub-flow-by-user-id": {"user_id": "visitor-1", "sub_flow_ns": "f1001s2"},
        "/subscriber/send-node": {**whom, "node_ns": "f1001n2001"},
        "/flow/segment-bot-users-count": {"segment_ns": "f1001sg1"},
        "/subscriber/assign-agent": {**whom, "agent_id": world.company.agent.id},
        "/subscriber/assign-agent-group": {**whom, "agent_group_id": READY},
        "/flow-summary": {},
        "/flow-agent-summary": {},
        "/subscriber/move-chat-to": {**whom, "status": "done"},
        "/subscriber/log-custom-event": {**whom, "event_name": "Order placed"},
        "/flow/custom-events/summary": {"event_ns": "f1001e1"},
        "/flow/custom-events/data": {"event_ns": "f1001e1"},
    }


async def described(api: Api, ana: Ana, world: World) -> dict[str, dict[str, Any]]:
    """The examples that speak of tags, labels and fields, which there are."""
    paths = [path for path in BUDGET if "tag" in path or "label" in path or "field" in path]
    preparing = await Preparing.of(world, ana)
    await preparing.register(Names(frozenset({"lead", "newsletter"}), {"size": "number"}))
    await preparing.label("VIP", by_id=False)
    return {
        path: await preparing.ready(path, example["value"])
        for _, path, operation in api.told.writing()
        if path in paths
        for example in operation["requestBody"]["content"]["application/json"]["examples"].values()
    }


class Accepting:
    """An engine that takes everything and asks nothing of the database."""

    async def submit(self, event: AnyEvent) -> Result:
        return Result(getattr(event.to, "id", ConversationId(0)), world_flow)


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
    await log_events(api, ana, world)
    whom, sent = {"user_ns": ana.user_ns}, parameters(ana, world, await park(world))
    sent |= await described(api, ana, world)
    engine: Any = Accepting()
    async with client_of(app_of(msgspec.structs.replace(world.services(), engine=engine))) as client:
        quick = Api(client, api.told, api.token)
        await quick.get("/me")
        asked = {
            call: await statements_of(world.database, quick, call, sent.get(call.partition("?")[0], whom))
            for call in BUDGET
        }

    assert {call: len(statements) for call, statements in asked.items()} == BUDGET


async def add_people_and_messages(world: World) -> None:
    for number in range(30):
        world.clock.advance(timedelta(seconds=1))
        await world.says("Hello", user_id=f"user-{number}", name=f"Ana {number}", mid=f"mid-{number}")
        await world.says(f"message {number}")
    await world.catalog.refresh(at_once=True)


async def log_events(api: Api, ana: Ana, world: World) -> None:
    """Of the kind that is there afterwards, yesterday."""
    for number in range(3):
        body = {"user_ns": ana.user_ns, "event_name": "Order placed", "text_value": f"mug {number}"}
        await api.post("/subscriber/log-custom-event", body)
    world.clock.advance(timedelta(days=1))
    await world.catalog.refresh(at_once=True)


async def statements_of(database: Database, api: Api, call: str, sent: dict[str, Any]) -> list[str]:
    path = call.partition("?")[0]
    with counted(database) as statements:
        if "?" in call:
            answer = await api.send("GET", call)
        else:
            answer = await api.call(path.replace("{id}", f"{READY}"), sent)
    assert answer.status_code == 200, answer.text
    return statements


async def test_every_operation_has_a_budget(api: Api) -> None:
    assert {call.partition("?")[0] for call in BUDGET} | BY_THEMSELVES == {
        path.removeprefix("/api") for path in api.told.document["paths"]
    }
