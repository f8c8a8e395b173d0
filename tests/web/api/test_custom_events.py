"""Custom events over the API: logged, listed, counted and read again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from relevo.store import tables
from relevo.testing.builders import World
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api, Json

LOG = "/subscriber/log-custom-event"
DATA, SUMMARY = "/flow/custom-events/data", "/flow/custom-events/summary"


async def log(api: Api, ana: Ana, name: str = "bought", **values: Any) -> None:
    answer = await api.post(LOG, {"user_ns": ana.user_ns, "event_name": name, **values})
    assert answer.json() == {"status": "ok"}


async def listed(api: Api, **query: Any) -> list[Json]:
    rows: list[Json] = (await api.get("/flow/custom-events", **query)).json()["data"]
    return rows


async def ns_of(api: Api, name: str) -> str:
    return str(next(row["event_ns"] for row in await listed(api) if row["name"] == name))


async def test_an_event_exists_once_it_is_named(api: Api, ana: Ana) -> None:
    assert await listed(api) == []

    for name in ("bought", "left", "bought"):
        await log(api, ana, name)

    assert [row["name"] for row in await listed(api)] == ["bought", "left"]
    assert [row["name"] for row in await listed(api, name="EF")] == ["left"]
    assert (await listed(api))[0]["event_ns"].startswith("f1001e")


async def test_what_was_logged_is_read_again_as_it_was_said(api: Api, ana: Ana) -> None:
    await log(api, ana, text_value="mug", price_value="9.90", number_value=2)
    await log(api, ana)

    rows = (await api.get(DATA, event_ns=await ns_of(api, "bought"))).json()["data"]

    assert [(row["text_value"], row["price_value"], row["number_value"]) for row in rows] == [
        ("mug", "9.9", "2"),
        ("", "", ""),
    ]
    assert {row["user_ns"] for row in rows} == {ana.user_ns}


async def test_a_cursor_goes_through_all_of_it(api: Api, ana: Ana) -> None:
    for number in range(5):
        await log(api, ana, number_value=number)
    ns, seen, start = await ns_of(api, "bought"), list[str](), 0

    while start is not None:
        answer = (await api.get(DATA, event_ns=ns, limit=2, start_id=start)).json()
        seen += [row["number_value"] for row in answer["data"]]
        start = answer["next_start_id"]

    assert seen == ["0", "1", "2", "3", "4"]


async def test_a_span_of_time_is_taken_as_it_is_given(api: Api, ana: Ana, world: World) -> None:
    at = int(world.clock.now().timestamp())
    for number in range(3):
        await log(api, ana, number_value=number)
        world.clock.advance(timedelta(hours=1))

    ns, hour = await ns_of(api, "bought"), at + 3600
    found = (await api.get(DATA, event_ns=ns, start_time=hour, end_time=hour)).json()["data"]

    assert [row["number_value"] for row in found] == ["1"]


@pytest.mark.parametrize("days", [1, 183])
async def test_half_a_year_back_can_be_asked_for(api: Api, ana: Ana, world: World, days: int) -> None:
    await log(api, ana)
    world.clock.advance(timedelta(days=days))

    found = await api.get(DATA, event_ns=await ns_of(api, "bought"))

    assert len(found.json()["data"]) == 1


async def test_more_than_half_a_year_back_is_refused(api: Api, ana: Ana, world: World) -> None:
    await log(api, ana)
    ns, now = await ns_of(api, "bought"), int(world.clock.now().timestamp())

    for wrong, query in (
        ("start_time", {"start_time": now - 190 * 86400}),
        ("end_time", {"start_time": now - 10, "end_time": now - 20}),
        ("limit", {"limit": 101}),
        ("limit", {"limit": 0}),
    ):
        answer = await api.get(DATA, event_ns=ns, **query)
        assert (answer.status_code, [*answer.json()["errors"]]) == (422, [wrong])


async def test_a_summary_counts_by_day_and_by_text(api: Api, ana: Ana, world: World) -> None:
    bob = Ana(world, (await world.says("Hello", user_id="bob")).conversation_id)
    for whom, text in ((ana, "mug"), (ana, "cup"), (bob, "mug")):
        await log(api, whom, text_value=text)
    world.clock.advance(timedelta(days=1))
    await log(api, ana, text_value="of today")

    told = (await api.get(SUMMARY, event_ns=await ns_of(api, "bought"))).json()
    week = (await api.get(SUMMARY, event_ns=await ns_of(api, "bought"), range="last_7_days")).json()

    yesterday = (world.clock.now() - timedelta(days=1)).date().isoformat()
    assert told["stats"] == [{"num": 3, "unique_user_num": 2, "start_date": yesterday}]
    assert told["total"] == week["total"] == {"num": 3, "unique_user_num": 2}
    assert (told["start_date"], told["end_date"]) == (f"{yesterday} 00:00:00", f"{yesterday} 23:59:59")
    assert told["text_values"] == [
        {"num": 2, "unique_user_num": 2, "text_value": "mug"},
        {"num": 1, "unique_user_num": 1, "text_value": "cup"},
    ]
    assert [one["num"] for one in week["stats"]] == [0, 0, 0, 0, 0, 0, 3]


async def test_nobody_elses_events_are_there(api: Api, ana: Ana, world: World) -> None:
    await log(api, ana)
    stranger = api.with_token(await world.add_token(await world.add_company("Bolt")))
    ns = await ns_of(api, "bought")

    assert await listed(stranger) == []
    for path in (DATA, SUMMARY):
        for wrong in (ns, ns.replace("f1001", "f1002"), "f1002e999", "bought"):
            answer = await stranger.get(path, event_ns=wrong)
            words = f"The selected event ns is invalid: there is no custom event in this flow {wrong!r}."
            assert (answer.status_code, answer.json()["message"]) == (422, words)


async def test_a_refused_call_declares_nothing(api: Api, ana: Ana) -> None:
    for wrong in (
        {"event_name": "bought"},
        {"user_ns": ana.user_ns},
        {"user_ns": ana.user_ns, "event_name": "x" * 201},
        {"user_ns": ana.user_ns, "event_name": "bought", "price_value": "much"},
        {"user_ns": ana.user_ns, "event_name": "bought", "number_value": 1e16},
    ):
        assert (await api.post(LOG, wrong)).status_code == 422
    assert (await api.post(LOG, {"user_ns": "f1001u99", "event_name": "bought"})).status_code == 404

    assert await listed(api) == []


async def test_many_who_name_an_event_first_name_the_same(api: Api, ana: Ana, world: World) -> None:
    await asyncio.gather(*(log(api, ana) for _ in range(5)))

    async with world.database.read() as connection:
        rows = (await connection.execute(tables.custom_event_log.select())).all()
    assert len(await listed(api)) == 1
    assert len(rows) == 5
