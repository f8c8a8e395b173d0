"""What real clients of UChat send: each way of sending is tried with every operation that it concerns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from relevo.domain.conversations import Control
from relevo.testing.builders import World
from relevo.web.app import create_app
from tests.web.api.conftest import READY, Ana, park
from tests.web.api.preparing import Preparing
from tests.web.api.validating import Api, Json, Told
from tests.web.exchanges import client_of

Sending = Callable[[str, Json], Json]


def with_header(method: str, body: Json) -> Json:
    return {"json": body, "headers": {"X-HTTP-Method-Override": method.lower()}}


def with_field(method: str, body: Json) -> Json:
    return {"json": body | {"_method": method}}


def with_field_of_a_form(method: str, body: Json) -> Json:
    return {"data": {"_method": method, **body}}


@pytest.mark.parametrize("sending", [with_header, with_field, with_field_of_a_form])
async def test_a_post_stands_for_each_operation_that_it_names(
    api: Api, ana: Ana, world: World, sending: Sending
) -> None:
    tried = 0
    async for method, path, body in (await Preparing.of(world, ana)).each(api, besides=set()):
        is_flat = all(isinstance(value, str | int) for value in body.values())
        if method == "POST" or (sending is with_field_of_a_form and not is_flat):
            continue
        tried += 1
        answer = await api.send("POST", path, **sending(method, body))
        assert answer.status_code == 200, (path, answer.text)
    assert tried >= 25


async def test_a_post_that_names_another_method_does_nothing_anywhere(
    api: Api, ana: Ana, world: World
) -> None:
    tried = 0
    async for method, path, body in (await Preparing.of(world, ana)).each(api, besides=set()):
        if method == "POST":
            before = len(await ana.said())
            for other in ("DELETE", "PUT", "PATCH"):
                headers = {"authorization": f"Bearer {api.token}", "x-http-method-override": other}
                answer = await api.http.post(f"/api{path}", json=body, headers=headers)
                assert answer.status_code == 405, (path, other, answer.text)
            assert len(await ana.said()) == before
            tried += 1
    assert tried > 50


async def test_every_delete_takes_a_json_body(api: Api, ana: Ana, world: World) -> None:
    tried = 0
    async for method, path, body in (await Preparing.of(world, ana)).each(api, besides=set()):
        if method == "DELETE":
            tried += 1
            assert (await api.write("DELETE", path, body)).status_code == 200, path
    assert tried > 20


def readings(told: Told) -> list[tuple[str, set[str]]]:
    """Path and parameters of every GET."""
    return [
        (path.removeprefix("/api"), {one["name"] for one in item["get"].get("parameters", [])})
        for path, item in told.document["paths"].items()
        if "get" in item and "{id}" not in path
    ]


async def test_every_list_takes_its_page_from_the_query_or_from_the_body(
    api: Api, ana: Ana, world: World
) -> None:
    await park(world)
    needed = {"user_ns": ana.user_ns, "segment_ns": "f1001sg1", "event_ns": "f1001e1"}
    lists = [(path, has) for path, has in readings(api.told) if {"limit", "page"} <= has]
    for path, has in lists:
        sent: Json = {"limit": 1, "page": 2}
        if path == "/subscriber/chat-messages":
            sent |= {name: value for name, value in needed.items() if name in has}
        in_query = await api.send("GET", path, params=sent)
        in_body = await api.send("GET", path, json=sent)
        twice = await api.send("GET", path, params=sent, json=sent | {"page": 3})

        assert in_query.status_code == in_body.status_code == 200, (path, in_body.text)
        assert in_query.json().get("data") == in_body.json().get("data"), path
        assert twice.status_code == 422, path
    assert len(lists) >= 15
    for about in ({"params": {"limit": 1, "page": 1}}, {"json": {"limit": 1, "page": 1}}):
        answer = await api.send("POST", "/whatsapp-template/list", **about)
        assert answer.json()["meta"]["per_page"] == 1


async def test_every_get_takes_a_content_type_and_headers_that_nobody_knows(
    api: Api, ana: Ana, world: World
) -> None:
    await park(world)
    headers = {"content-type": "application/json", "x-workspace-id": "7", "x-nobody-knows": "é".encode()}
    for path, has in readings(api.told):
        sent = {"user_ns": ana.user_ns} if "user_ns" in has else {}
        plain = await api.send("GET", path, params=sent)
        typed = await api.send("GET", path, params=sent, headers=headers)

        assert typed.status_code == plain.status_code, (path, typed.text)
        assert typed.json() == plain.json(), path


async def test_lists_are_taken_as_php_writes_them(api: Api, ana: Ana, world: World) -> None:
    await park(world)
    await world.says("One", mid="wamid.1")
    one = [("mids[]", "wamid.1"), ("mids[]", "wamid.2")]
    form = {"content-type": "application/x-www-form-urlencoded"}
    for about in ({"params": one}, {"content": urlencode(one), "headers": form}):
        answer = await api.send("POST", "/subscriber/chat-messages-by-mids", **about)
        assert [row["content"] for row in answer.json()["data"]] == ["One"]

    flags = [("data[]", "hide_spam"), ("data[]", "hide_unread")]
    await api.send("POST", "/workspace-settings/update-live-chat-sidebar", params=flags)
    assert (await api.get("/workspace-settings/live-chat-sidebar")).json()["data"] == [
        "hide_spam", "hide_unread",
    ]  # fmt: skip
    members = [("members[]", str(world.company.agent.id))]
    answer = await api.send("POST", f"/team/update-agent-group-users/{READY}", params=members)
    assert answer.status_code == 200, answer.text


async def test_words_are_taken_under_the_name_that_clients_use(api: Api, ana: Ana) -> None:
    for body in ({"content": "Hi"}, {"text": "Hi"}, {"content": "Hi", "text": "Ho"}):
        assert (await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, **body})).status_code == 200

    assert [text for _, text, _ in (await ana.said())[-3:]] == ["Hi", "Hi", "Hi"]
    assert (await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "txt": "x"})).status_code == 422


@pytest.mark.parametrize(
    ("path", "sent", "expected"),
    [
        ("/subscriber/pause-bot", {}, Control.AGENT),
        ("/subscriber/pause-bot", {"minutes": 0}, Control.AGENT),
        ("/subscriber/move-chat-to", {"status": "closed"}, Control.BOT),
    ],
)
async def test_what_is_left_out_or_called_otherwise_is_understood(
    api: Api, ana: Ana, path: str, sent: Json, expected: Control
) -> None:
    assert (await api.post(path, {"user_ns": ana.user_ns, **sent})).json() == {"status": "ok"}

    state = await ana.state()
    assert state.control is expected
    assert state.pause is None or state.pause.until is None
    if "status" in sent:
        assert state.status == "done"


async def test_a_template_takes_an_empty_list_for_no_places(api: Api, ana: Ana, world: World) -> None:
    await park(world)
    content: Json = {"name": "order_sent", "lang": "en_US", "params": []}
    filled = content | {"params": {}}
    refusals = [
        await api.post(
            "/subscriber/send-whatsapp-template-by-user-id",
            {"user_id": "61400000000", "create_if_not_found": "yes", "content": one},
        )
        for one in (content, filled)
    ]

    assert refusals[0].status_code == refusals[1].status_code
    assert refusals[0].json() == refusals[1].json()


@pytest.mark.parametrize("base", ["", "/api"])
async def test_every_reading_operation_is_there_with_and_without_the_name_of_the_api(
    api: Api, ana: Ana, world: World, base: str
) -> None:
    headers = {"authorization": f"Bearer {api.token}"}
    async with client_of(create_app(world.services())) as client:
        for path, has in readings(api.told):
            sent: dict[str, Any] = {"user_ns": ana.user_ns} if "user_ns" in has else {}
            answer = await client.get(f"{base}{path}", params=sent, headers=headers)
            assert answer.status_code in (200, 422), (path, answer.text)
            assert answer.headers["content-type"] == "application/json", path
