"""Every operation of the vendor's document that is ours takes a request made from its schema there, and
answers what its schema there promises: with what was measured on top (wrapped answers, the paginator)."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from relevo.testing.builders import World
from tests.web.api.conftest import READY, Ana
from tests.web.api.preparing import Preparing
from tests.web.api.validating import Api, Json
from tests.web.api.vendor import Operation, nullable, operations_of, vendors_document

WRAPPED = {
    "/subscriber/get-info",
    "/subscriber/get-info-by-user-id",
    "/subscriber/create",
    "/subscriber/update",
}
"""Bare in the document, under `data` when measured."""

OBJECTS_THAT_ARE_LISTS = {
    "/flow/agent-activity-log/data",
    "/flow/conversations/data",
    "/flow/custom-events/data",
}
"""One row in the document; but with `limit` and `start_id`."""

LEFT_OUT = {"message_tag", "type", "start_id", "conv_id", "source_type", "action", "agent_id"}
"""Optional ones that choose, where nothing is to be chosen from."""


async def test_the_vendors_requests_are_taken_and_answered_as_the_vendor_says(
    api: Api, ana: Ana, world: World
) -> None:
    document = vendors_document()
    wanted = [one for one in operations_of(document) if one.is_ours]
    preparing = await Preparing.of(world, ana)
    told = await values(preparing, world, ana)
    wrong: dict[str, Any] = {}
    for one in sorted(wanted, key=lambda one: one.method == "GET"):
        sent = await preparing.ready(one.path, request_of(one, told))
        if one.method == "GET" or not one.body:
            answer = await api.send(one.method, one.path, params=sent)
        else:
            answer = await api.write(one.method, one.path, sent)
        wrong[f"{one.method} {one.path}"] = (
            [sent, answer.text] if answer.status_code != 200 else complaints(one, answer.json())
        )
        await world.catalog.refresh(at_once=True)

    complained = [f"{name}: {found}" for name, found in wrong.items() if found]
    assert not complained, "\n".join(complained)
    assert len(wrong) > 90


def complaints(operation: Operation, answer: Json) -> list[str]:
    """What is not as promised."""
    if operation.path in WRAPPED:
        answer = answer["data"]
    if operation.path in OBJECTS_THAT_ARE_LISTS:
        answer = answer | {"data": answer["data"][0]}
    validator = Draft202012Validator(nullable(operation.answer))
    errors = (one for one in validator.iter_errors(answer) if not one.json_path.endswith("msg_type"))
    found = [f"{one.json_path}: {one.message}" for one in errors]  # there are more types than are named
    if any(one.get("name") == "page" for one in operation.told.get("parameters", [])):
        found += [name for name in ("links", "meta") if name not in answer]
        found += [name for name in ("current_page", "last_page", "total") if name not in answer["meta"]]
    return found


def request_of(operation: Operation, told: Json) -> Json:
    parameters = operation.told.get("parameters", [])
    fields = {one["name"]: one["schema"] | {"example": one.get("example")} for one in parameters}
    required = {one["name"] for one in parameters if one.get("required")}
    fields |= operation.body.get("properties", {})
    required |= {*operation.body.get("required", ())}
    return {
        name: told.get(f"{operation.path} {name}", example_of(name, schema, told))
        for name, schema in fields.items()
        if name in required or name not in LEFT_OUT
    }


def example_of(name: str, schema: Json, told: Json) -> Any:
    """A value of the schema: one that means something here, its own example, or any of its type."""
    if name in told:
        return told[name]
    match schema.get("type"):
        case "array":
            return [example_of(name, schema["items"], told)]
        case "object" | None if "properties" in schema:
            return {key: example_of(key, one, told) for key, one in schema["properties"].items()}
        case "integer":
            return int(schema.get("example") or 1)
        case _:
            return schema.get("example") or (schema.get("enum") or ["a"])[0]


async def values(preparing: Preparing, world: World, ana: Ana) -> Json:
    """By name, or by path and name: what means something here."""
    now = int(world.clock.now().timestamp())
    tag, field, bot_field = [
        (await preparing.ready(path, {name: ""}))[name]
        for path, name in (("/x", "tag_ns"), ("/x", "var_ns"), ("/flow/set-bot-field", "var_ns"))
    ]
    content = {"namespace": "x", "name": "order_sent", "lang": "en_US", "params": {"BODY_{{1}}": "Ana"}}
    says = {"type": "text", "text": "Anything else?"}
    asks = {"type": "node", "caption": "A person", "target": "person"}
    act = {"action": "add_tag", "tag_name": "lead"}
    dynamic = {"messages": [says], "actions": [act], "quick_replies": [asks], "goto": "person"}
    yes = ("opt_in_email", "opt_in_sms", "interacted_in_last_24h", "bot_interacted_in_last_24h")
    return {
        "user_ns": ana.user_ns,
        "user_id": "visitor-1",
        "user_ns_list": ana.user_ns,
        "user_id_list": "visitor-1",
        "limit": 10,
        "page": 1,
        "sub_flow_ns": "f1001s1",
        "/flow/delete-sub-flow sub_flow_ns": "f1001s3",
        "node_ns": "f1001n2001",
        "flow_name": "person",
        "segment_ns": "f1001sg1",
        "event_ns": "f1001e1",
        "agent_group_id": READY,
        "mids": ["wamid.1"],
        "start_time": now - 3600,
        "end_time": now,
        "scheduled_time": now + 3600,
        "status": "done",
        "range": "yesterday",
        "phone": "+61400000077",
        "email": "ana@example.com",
        "role": "agent",
        "flow_ns": "f1001",
        "gender": "female",
        "image": "https://example.com/ana.png",
        "value": "42",
        "language": "en_US",
        "category": "UTILITY",
        "/subscriber/send-whatsapp-template content": content,
        "/subscriber/send-whatsapp-template-by-user-id content": content,
        "/subscriber/send-whatsapp-template-by-user-id user_id": "61400000000",
        "create_if_not_found": "yes",
        "/subscriber/send-content data": {"version": "v1", "content": dynamic},
        "tags": [tag],
        "exclude_tags": [tag],
        "user_fields": [{"var_ns": field, "value": "42"}],
        "bot_fields": [{"var_ns": bot_field, "value": "42"}],
        "user_field_ns": field,
        "user_field_value": "42",
        "is_channel": "web",
        "is_last_message_in_last_24h": "yes",
        **{f"is_{name}": "yes" for name in yes},
    }
