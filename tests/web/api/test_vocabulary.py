"""Tags, fields, bot fields and labels by the API: made, put on, found by, and deleted."""

from __future__ import annotations

from typing import Any

from relevo.store import tables
from relevo.testing.builders import World
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api


async def info(api: Api, ana: Ana) -> Any:
    return (await api.get("/subscriber/get-info", user_ns=ana.user_ns)).json()["data"]


async def sweep(world: World) -> None:
    while await world.sweeping.step():
        pass


async def test_a_tag_is_put_on_found_by_and_deleted_from_everybody(api: Api, ana: Ana, world: World) -> None:
    made = (await api.post("/flow/create-tag", {"name": "lead"})).json()
    ns = made["tag_ns"]
    await api.post("/subscriber/add-tag", {"user_ns": ana.user_ns, "tag_ns": ns})

    assert (await info(api, ana))["tags"] == [{"name": "lead", "tag_ns": ns}]
    found = (await api.get("/subscribers", tag_ns=ns)).json()["data"]
    assert [one["user_ns"] for one in found] == [ana.user_ns]

    await api.write("DELETE", "/flow/delete-tag", {"tag_ns": ns})

    assert (await info(api, ana))["tags"] == (await api.get("/flow/tags")).json()["data"] == []
    again = await api.post("/flow/create-tag", {"name": "lead"})
    assert "is being deleted at this moment" in again.json()["message"]
    await sweep(world)
    assert (await ana.state()).subscriber.tags == ()
    assert (await api.post("/flow/create-tag", {"name": "lead"})).json()["tag_ns"] != ns


async def test_a_typed_field_refuses_what_is_none_and_says_what_would_be_right(api: Api, ana: Ana) -> None:
    made = await api.post("/flow/create-user-field", {"name": "size", "var_type": "number"})
    ns = made.json()["data"]["var_ns"]

    wrong = await api.write(
        "PUT", "/subscriber/set-user-field", {"user_ns": ana.user_ns, "var_ns": ns, "value": "big"}
    )
    right = await api.write(
        "PUT", "/subscriber/set-user-field", {"user_ns": ana.user_ns, "var_ns": ns, "value": "42"}
    )

    assert wrong.json()["errors"] == {"value": ["The value must be a number like 42 or 9.5; it is 'big'."]}
    assert right.status_code == 200
    assert (await ana.state()).subscriber.fields == {"size": 42}
    told = {"name": "size", "var_ns": ns, "var_type": "number", "description": "", "value": "42"}
    assert (await info(api, ana))["user_fields"] == [told]
    by_value = [(await api.get("/subscribers", user_field_ns=ns, user_field_value=v)).json() for v in "12"]
    assert [one["data"] for one in by_value] == [[], []]
    found = (await api.get("/subscribers", user_field_ns=ns, user_field_value="42.0")).json()
    assert found["meta"]["total"] == 1


async def test_a_renamed_field_takes_what_subscribers_have_along(api: Api, ana: Ana, world: World) -> None:
    await api.write(
        "PUT",
        "/subscriber/set-user-field-by-name",
        {"user_ns": ana.user_ns, "field_name": "size", "value": 42},
    )
    ns = (await api.get("/flow/user-fields")).json()["data"][0]["var_ns"]
    await api.post("/flow/update-user-field", {"var_ns": ns, "name": "shoe size"})
    await sweep(world)

    assert (await ana.state()).subscriber.fields == {"shoe size": 42}
    assert (await info(api, ana))["user_fields"][0]["var_ns"] == ns


async def test_labels_and_opt_ins_are_kept_and_found_by(api: Api, ana: Ana) -> None:
    whom = {"user_ns": ana.user_ns}
    await api.post("/subscriber/add-labels-by-name", {**whom, "data": [{"label_name": "VIP"}]})
    await api.post("/subscriber/opt-in-email", whom)

    told = await info(api, ana)
    (label,) = told["labels"]
    assert label["name"] == "VIP"
    assert (told["opted_in_through"], bool(told["opted_in_email"]), told["opted_in_sms"]) == (
        "api", True, None,
    )  # fmt: skip
    for query, total in (
        ({"label_id": label["id"]}, 1),
        ({"is_opt_in_email": "yes"}, 1),
        ({"is_opt_in_email": "no"}, 0),
        ({"is_opt_in_sms": "no"}, 1),
        ({"is_bot_interacted_in_last_24h": "yes"}, 1),
    ):
        assert (await api.get("/subscribers", **query)).json()["meta"]["total"] == total, query


async def test_a_flow_says_what_a_bot_field_holds(api: Api, ana: Ana, world: World) -> None:
    hours = {"name": "hours", "var_type": "text", "value": "9 to 5"}
    ns = (await api.post("/flow/create-bot-field", hours)).json()["data"]["var_ns"]
    await api.write("PUT", "/flow/set-bot-field", {"var_ns": ns, "value": "9 to 6"})

    assert world.catalog.directory.vocabulary(world.company.flow.id).bot == {"hours": "9 to 6"}


async def test_what_a_flow_and_its_subscribers_name_has_a_number_soon(
    api: Api, ana: Ana, world: World
) -> None:
    body = {"user_ns": ana.user_ns, "data": {"actions": [{"action": "add_tag", "tag_name": "new"}]}}
    await api.post("/subscriber/send-content", body)
    await world.naming.write()

    assert [one["name"] for one in (await api.get("/flow/tags")).json()["data"]] == ["new"]


async def test_a_deleted_subscriber_is_gone_with_everything(api: Api, ana: Ana, world: World) -> None:
    await api.write("DELETE", "/subscriber/delete", {"user_ns": ana.user_ns})
    await sweep(world)

    assert (await api.get("/subscriber/get-info", user_ns=ana.user_ns)).status_code == 404
    async with world.database.read() as connection:
        for table in (tables.messages, tables.deliveries, tables.traits, tables.erasures):
            assert (await connection.execute(table.select())).all() == [], table.name
    back = await world.says("Hello again")
    assert back.conversation_id != ana.id


async def test_nobody_is_made_twice(api: Api) -> None:
    first = await api.post("/subscriber/create", {"phone": "+61400000001", "name": "Bo"})
    again = await api.post("/subscriber/create", {"phone": "+61400000001", "name": "Bo"})
    neither = await api.post("/subscriber/create", {"name": "Bo"})

    who = first.json()["data"]["user_ns"]
    assert again.json()["message"] == f"The phone has already been taken: the subscriber {who} has it."
    assert neither.json()["errors"] == {"phone": ["The phone field is required when email is not present."]}
    users = [{"phone": "+61400000001", "email": "bo@example.com"}, {"phone": "+61400000002"}]
    assert (await api.post("/subscriber/create-many", {"users": users})).status_code == 200
    assert (await api.get("/subscribers")).json()["meta"]["total"] == 2
