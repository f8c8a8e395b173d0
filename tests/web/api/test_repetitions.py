"""Idempotency-Key: a write happens once, and is answered as the first time."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import delete, select

from relevo.engine.housekeeping import Housekeeping
from relevo.store import applied, conversations, tables
from relevo.testing.builders import World
from tests.couriers.test_two_processes import until_one_waits
from tests.store.test_outbox import another_engine
from tests.web.api.conftest import Ana, app_of, park
from tests.web.api.preparing import Preparing
from tests.web.api.validating import Api, Json
from tests.web.exchanges import client_of

OK = {"status": "ok"}
REUSED = "This Idempotency-Key was used before with a different request. Use a new key."


LOOK_UPS = {"/subscriber/chat-messages-by-mids", "/whatsapp-template/list"}
"""POSTs that only ask: they need no key."""


async def everything(world: World) -> Json:
    """All rows that a write may make or change."""
    kept = (
        tables.conversations,
        tables.messages,
        tables.deliveries,
        tables.interventions,
        tables.redeliveries,
        tables.problems,
        tables.media,
        tables.flows,
        tables.flow_versions,
        tables.custom_events,
        tables.custom_event_log,
        tables.custom_event_subscribers,
        tables.agent_groups,
        tables.agent_group_members,
        tables.presence,
        tables.shortcuts,
        tables.closing_notes,
        tables.assignments,
        tables.cases,
        tables.activities,
        tables.workspaces,
        tables.applied,
        tables.broadcasts,
        tables.tags,
        tables.fields,
        tables.labels,
        tables.traits,
        tables.erasures,
    )
    async with world.database.read() as connection:
        return {
            table.name: sorted(map(repr, (await connection.execute(table.select())).all())) for table in kept
        }


def changed(body: Json) -> Json:
    """Another request: it says the same, and would be taken."""
    return {**body, "x": 1}


async def test_every_write_takes_a_key_and_nothing_else_does(api: Api) -> None:
    with_key = {
        path
        for _, path, operation in api.told.writing()
        if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", []))
    }

    assert with_key == {path for _, path, _ in api.told.writing()} - LOOK_UPS
    assert len(with_key) >= 9


async def test_every_write_happens_once_for_a_key(api: Api, ana: Ana, world: World) -> None:
    number, preparing = 0, await Preparing.of(world, ana)
    async for method, path, body in preparing.each(api, besides=LOOK_UPS):
        number += 1
        first = await api.write(method, path, body, key=f"{number}")
        after_first = await everything(world)
        world.clock.advance(timedelta(hours=1))
        again = await api.write(method, path, body, key=f"{number}")

        assert (first.status_code, first.json()) == (again.status_code, again.json()), path
        assert (first.status_code, first.json()["status"]) == (200, "ok"), path
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert await everything(world) == after_first, path
    assert await everything(world)


async def test_every_write_refuses_its_key_for_another_request(api: Api, ana: Ana, world: World) -> None:
    number, preparing = 0, await Preparing.of(world, ana)
    async for method, path, body in preparing.each(api, besides=LOOK_UPS):
        number += 1
        await api.write(method, path, body, key=f"{number}")
        after_first = await everything(world)

        answer = await api.write(method, path, changed(body), key=f"{number}")

        assert (answer.status_code, answer.headers["relevo-error"]) == (422, "idempotency_key_reused"), path
        assert await everything(world) == after_first, path


async def test_every_write_happens_once_however_many_twins_come_at_once(
    api: Api, ana: Ana, world: World
) -> None:
    number, preparing = 0, await Preparing.of(world, ana)
    async for method, path, body in preparing.each(api, besides=LOOK_UPS):
        number += 1
        answers = await asyncio.gather(*(api.write(method, path, body, key=f"{number}") for _ in range(4)))

        assert [answer.json() for answer in answers] == [answers[0].json()] * 4, path
        assert answers[0].json()["status"] == "ok", path
        assert Counter("idempotent-replayed" in one.headers for one in answers) == {True: 3, False: 1}, path
    sent = [text for type_, text, _ in await ana.said() if type_ == "agent"]
    assert sent.count("Yes, two left.") == 1


async def test_twins_in_two_processes_happen_once(api: Api, ana: Ana, world: World) -> None:
    """Each answered by an engine of its own, on one database."""
    async with another_engine(world) as engine:
        app = app_of(msgspec.structs.replace(world.services(), engine=engine))
        async with client_of(app) as http:
            twin = Api(http, api.told, api.token)
            number, preparing = 0, await Preparing.of(world, ana)
            async for method, path, body in preparing.each(api, besides=LOOK_UPS):
                number += 1
                same = await asyncio.gather(
                    *(one.write(method, path, body, key=f"{number}") for one in (api, twin, api, twin))
                )
                await park(world)
                body = await preparing.ready(path, body)
                other = await asyncio.gather(
                    api.write(method, path, body, key=f"{number}-other"),
                    twin.write(method, path, changed(body), key=f"{number}-other"),
                )

                assert [answer.json() for answer in same] == [same[0].json()] * 4, path
                assert same[0].json()["status"] == "ok", path
                assert Counter("idempotent-replayed" in one.headers for one in same)[False] == 1, path
                assert sorted(answer.status_code for answer in other) == [200, 422], path


async def test_a_key_of_two_processes_belongs_to_one_conversation(api: Api, ana: Ana, world: World) -> None:
    bob = (await world.says("Hello", user_id="bob")).conversation_id
    said = "/subscriber/send-text"
    async with another_engine(world) as engine:
        app = app_of(msgspec.structs.replace(world.services(), engine=engine))
        async with client_of(app) as http:
            twin = Api(http, api.told, api.token)
            for number in range(5):
                to = [{"user_ns": one, "content": "Hi"} for one in (ana.user_ns, Ana(world, bob).user_ns)]
                answers = await asyncio.gather(
                    api.post(said, to[0], key=f"{number}"), twin.post(said, to[1], key=f"{number}")
                )

                assert sorted(answer.status_code for answer in answers) == [200, 422]


@pytest.mark.parametrize("database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        ("POST", "/handoff/redeliver", ("delivery_id",)),
        ("POST", "/handoff/skip", ("delivery_id", "reason")),
        ("DELETE", "/subscriber/delete", ("user_ns",)),
    ],
)
async def test_a_write_about_lanes_and_an_event_under_one_key_do_not_wait_for_each_other(
    api: Api, ana: Ana, world: World, method: str, path: str, names: tuple[str, ...]
) -> None:
    """Both lock the conversation, and then take the key, or PostgreSQL would break one of them off."""
    there = {"user_ns": ana.user_ns, "reason": "x", **await park(world)}
    body = {name: there[name] for name in names}
    async with world.database.read() as connection:
        key = (await connection.execute(select(tables.api_keys.c.id))).scalar_one()
    async with world.database.write() as event:
        await conversations.load_and_lock(event, {ana.id}, set())
        writing = asyncio.create_task(api.write(method, path, body, key="k"))
        await until_one_waits(world.database)
        await applied.take(event, f"api:{key}:k", "an event", world.clock.now())

    answer = await writing

    assert (answer.status_code, answer.headers["relevo-error"]) == (422, "idempotency_key_reused")


async def test_the_answer_is_kept_for_a_day_and_over_a_restart(api: Api, ana: Ana, world: World) -> None:
    keeping = Housekeeping(database=world.database, clock=world.clock, retention=timedelta(days=30))
    body = {"user_ns": ana.user_ns, "content": "Hi"}
    await api.post("/subscriber/send-text", body, key="k")

    async with another_engine(world) as engine:
        app = app_of(msgspec.structs.replace(world.services(), engine=engine))
        async with client_of(app) as http:
            restarted, replayed = Api(http, api.told, api.token), []
            for hours in (0, 23.5, 1):
                world.clock.advance(timedelta(hours=hours))
                await keeping.tidy()
                answer = await restarted.post("/subscriber/send-text", body, key="k")
                assert answer.json() == OK
                replayed.append("idempotent-replayed" in answer.headers)

    assert replayed == [True, True, False]
    assert [text for _, text, _ in await ana.said()].count("Hi") == 2


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
