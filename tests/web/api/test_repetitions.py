"""Idempotency-Key: a write happens once, and is answered as the first time."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from sqlalchemy import delete

from relevo.store import tables
from relevo.testing.builders import World
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api

OK = {"status": "ok"}
REUSED = "This Idempotency-Key was used before with a different request. Use a new key."


def writes(ana: Ana, world: World) -> list[tuple[str, dict[str, Any]]]:
    whom = {"user_ns": ana.user_ns}
    luis = world.company.agent.id
    return [
        ("/subscriber/send-text", {**whom, "content": "Hi"}),
        ("/subscriber/send-content", {**whom, "data": {"messages": [{"type": "text", "text": "Hi"}]}}),
        ("/subscriber/pause-bot", {**whom, "minutes": 5}),
        ("/subscriber/resume-bot", whom),
        ("/subscriber/assign-agent", {**whom, "agent_id": luis}),
        ("/subscriber/unassign-agent", whom),
        ("/subscriber/move-chat-to", {**whom, "status": "done"}),
        ("/handoff/typing", whom),
        ("/handoff/seen", whom),
    ]


async def test_every_write_happens_once_for_a_key(api: Api, ana: Ana, world: World) -> None:
    for path, body in writes(ana, world):
        first = await api.post(path, body, key=path)
        after_first = await ana.state()
        again = await api.post(path, body, key=path)

        assert (first.status_code, first.json()) == (again.status_code, again.json()) == (200, OK), path
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert await ana.state() == after_first
    assert [text for _, text, _ in await ana.said()].count("Hi") == 2


async def test_every_write_of_the_document_is_tried_here(api: Api, ana: Ana, world: World) -> None:
    with_key = {
        path.removeprefix("/api")
        for path, item in api.told.document["paths"].items()
        for parameter in item.get("post", {}).get("parameters", [])
        if parameter["name"] == "Idempotency-Key"
    }

    assert with_key == {path for path, _ in writes(ana, world)}


async def test_many_at_once_happen_once(api: Api, ana: Ana) -> None:
    body = {"user_ns": ana.user_ns, "content": "Hi"}

    answers = await asyncio.gather(*(api.post("/subscriber/send-text", body, key="k") for _ in range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert Counter("idempotent-replayed" in answer.headers for answer in answers) == {True: 7, False: 1}
    assert [text for _, text, _ in await ana.said()].count("Hi") == 1


async def test_without_a_key_the_same_happens_again(api: Api, ana: Ana) -> None:
    for _ in range(2):
        await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi"})

    assert [text for _, text, _ in await ana.said()].count("Hi") == 2


async def test_another_request_with_the_same_key_is_refused(api: Api, ana: Ana) -> None:
    body = {"user_ns": ana.user_ns, "content": "Hi"}
    await api.post("/subscriber/send-text", body, key="k")

    for path, other in (
        ("/subscriber/send-text", {**body, "content": "Ho"}),
        ("/subscriber/send-text?x=1", body),
        ("/subscriber/pause-bot", body),
    ):
        answer = await api.post(path, other, key="k")

        assert answer.status_code == 422
        assert answer.json() == {"message": REUSED, "errors": {"Idempotency-Key": [REUSED]}}
        assert answer.headers["relevo-error"] == "idempotency_key_reused"
    assert len(await ana.said()) == 3


async def test_a_refused_write_leaves_its_key_free(api: Api, ana: Ana) -> None:
    wrong = await api.post("/subscriber/send-text", {"user_ns": ana.user_ns}, key="k")
    right = await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi"}, key="k")

    assert (wrong.status_code, right.status_code) == (422, 200)
    assert "idempotent-replayed" not in right.headers


async def test_a_repetition_is_answered_as_the_first_time_whatever_has_changed_since(
    api: Api, ana: Ana, world: World
) -> None:
    said = (
        "/subscriber/send-text",
        {"user_ns": ana.user_ns, "content": "Hi", "agent_id": world.company.agent.id},
    )
    paused = "/subscriber/pause-bot", {"user_ns": ana.user_ns}
    for path, body in (said, paused):
        await api.post(path, body, key=path)
    async with world.database.write() as connection:
        await connection.execute(delete(tables.members).where(tables.members.c.id == world.company.agent.id))
        await connection.execute(tables.configuration.update().values(version=99))
        await connection.execute(delete(tables.conversations))
    await world.catalog.refresh(at_once=True)

    assert [(await api.post(path, body)).status_code for path, body in (said, paused)] == [422, 404]
    for path, body in (said, paused):
        answer = await api.post(path, body, key=path)
        assert (answer.status_code, answer.headers["idempotent-replayed"]) == (200, "true")
    other = await api.post(said[0], {**said[1], "content": "Ho"}, key=said[0])
    assert other.json()["errors"] == {"Idempotency-Key": [REUSED]}


async def test_keys_of_two_tokens_have_nothing_to_do_with_each_other(
    api: Api, ana: Ana, world: World
) -> None:
    other = api.with_token(await world.add_token())
    body = {"user_ns": ana.user_ns, "content": "Hi"}

    for caller in (api, other):
        answer = await caller.post("/subscriber/send-text", body, key="k")
        assert "idempotent-replayed" not in answer.headers


async def test_a_key_has_1_to_255_characters(api: Api, ana: Ana) -> None:
    body = {"user_ns": ana.user_ns, "content": "Hi"}
    assert (await api.post("/subscriber/send-text", body, key="k" * 255)).status_code == 200

    for key, length in (("", 0), ("k" * 256, 256)):
        answer = await api.post("/subscriber/send-text", body, key=key)

        words = f"The Idempotency-Key must have 1 to 255 characters; it has {length}."
        assert answer.status_code == 422
        assert answer.json() == {"message": words, "errors": {"Idempotency-Key": [words]}}
    assert len(await ana.said()) == 3
