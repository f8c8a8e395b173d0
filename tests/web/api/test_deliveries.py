"""A platform looks after its own deliveries: what was parked, why, and having it made once more, or never."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from relevo.domain.ids import user_ns
from relevo.engine.redelivering import Redelivering
from relevo.store.database import Database
from relevo.testing.builders import World
from relevo.testing.fake_http import Asked, Reply, reply
from tests.couriers.carrying import carrying
from tests.web.api.conftest import Ana, app_of, park
from tests.web.api.validating import Api, Json, Told
from tests.web.exchanges import client_of

LIST, ONE, MANY = "/handoff/deliveries", "/handoff/delivery", "/handoff/redeliver-many"
REDELIVERIES = "/handoff/redeliveries"


async def listed(api: Api, **query: Any) -> list[Json]:
    answer = await api.get(LIST, **query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def one(api: Api, id_: int) -> Json:
    found: Json = (await api.get(ONE, delivery_id=id_)).json()["data"]
    return found


async def test_a_delivery_shows_every_attempt_as_it_was_made_and_answered(
    database: Database, told: Told
) -> None:
    answers = iter([reply(500, b"Oops"), reply(200, b"Thanks")])
    async with carrying(database, lambda _: next(answers)) as here:
        await here.world.says("agent")
        await here.world.says("Hello?")
        await here.settle_down()
        await here.later(timedelta(minutes=1))
        async with client_of(app_of(here.world.services())) as http:
            api = Api(http, told, await here.world.add_token())
            (short,) = await listed(api, endpoint="desk")
            whole = await one(api, short["id"])

        (first, second) = here.posted()

    assert short == {name: whole[name] for name in short}
    assert (short["kind"], short["to"], short["event"], short["seq"], short["state"]) == (
        "endpoint", "desk", "message.received", 1, "done"
    )  # fmt: skip
    assert whole["body"].encode() == first.body == second.body
    assert [(each["outcome"], each["verdict"], each["answer"]["body"]) for each in whole["attempts"]] == [
        ("refused", "retry", "Oops"),
        ("accepted", "done", "Thanks"),
    ]
    assert whole["attempts"][0]["retry_at"] is not None
    times = [(each["looked_up_ms"], each["answered_ms"]) for each in whole["attempts"]]
    assert times == [(1, 4), (1, 4)]  # as the fake client says
    assert whole["attempts"][0]["request"]["headers"]["webhook-id"] == short["webhook_id"]
    assert whole["deeds"] == []


async def test_the_list_has_what_the_filters_say_page_by_page(api: Api, ana: Ana, world: World) -> None:
    await park(world)
    await world.says("Anybody?")
    await world.says("Hello", user_id="bob")
    whole = await listed(api, limit=100)
    assert [each["id"] for each in whole] == sorted((each["id"] for each in whole), reverse=True)

    def those(**wanted: Any) -> list[Json]:
        return [each for each in whole if all(each[name] == value for name, value in wanted.items())]

    for query, wanted in (
        ({"user_ns": ana.user_ns}, those(user_ns=ana.user_ns)),
        ({"endpoint": "desk"}, those(kind="endpoint")),
        ({"state": "parked"}, those(state="parked")),
        ({"state": "undelivered"}, those(state="parked")),
        ({"state": "waiting"}, those(state="waiting")),
        ({"event": "message.received"}, those(event="message.received")),
    ):
        assert wanted
        assert await listed(api, limit=100, **query) == wanted

    paged: list[Json] = []
    place: dict[str, int] = {}
    while place is not None:
        answer = (await api.get(LIST, limit=3, **place)).json()
        paged, before = [*paged, *answer["data"]], answer["meta"]["next"]
        if before is None:
            break
        place = {"before_id": before}
    assert paged == whole


async def test_a_time_is_of_when_a_delivery_was_made(api: Api, ana: Ana, world: World) -> None:
    early = await listed(api, limit=100)
    world.clock.advance(timedelta(hours=1))
    now = int(world.clock.now().timestamp())
    await world.says("agent")
    late = [each for each in await listed(api, limit=100) if each not in early]

    assert await listed(api, limit=100, start_time=now) == late
    assert await listed(api, limit=100, end_time=now - 1) == early
    assert await listed(api, limit=100, end_time=now) == late + early


async def test_one_is_redelivered_or_skipped_and_it_is_told_who_did_it(
    api: Api, ana: Ana, world: World
) -> None:
    id_ = (await park(world))["delivery_id"]

    assert (await api.post("/handoff/redeliver", {"delivery_id": id_})).status_code == 200
    assert (await api.post("/handoff/redeliver", {"delivery_id": id_})).status_code == 200
    assert (await one(api, id_))["state"] == "waiting"
    skip = {"delivery_id": id_, "reason": "told by phone"}
    assert (await api.post("/handoff/skip", skip)).status_code == 200

    found = await one(api, id_)
    assert (found["state"], found["reason"]) == ("skipped", "told by phone")
    assert [(each["did"], each["by"], each["reason"]) for each in found["deeds"]] == [
        ("redelivered", "Olga, with token test", ""),
        ("skipped", "Olga, with token test", "told by phone"),
    ]
    again = await api.post("/handoff/skip", skip)
    assert (again.status_code, again.headers["relevo-error"]) == (409, "not_waiting")


async def test_a_refused_skip_leaves_its_key_free(api: Api, ana: Ana, world: World) -> None:
    id_ = (await park(world))["delivery_id"]
    skip = {"delivery_id": id_, "reason": "x"}
    await api.post("/handoff/skip", skip)
    assert (await api.post("/handoff/skip", skip, key="k")).status_code == 409

    await api.post("/handoff/redeliver", {"delivery_id": id_})
    answer = await api.post("/handoff/skip", skip, key="k")

    assert answer.status_code == 200
    assert "idempotent-replayed" not in answer.headers


async def test_many_are_counted_then_redelivered_in_order_with_progress(
    database: Database, told: Told
) -> None:
    is_down, arrived = True, list[int]()

    def desk(asked: Asked) -> Reply:
        if not is_down:
            arrived.append(int(asked.headers["relevo-seq"]))
        return reply(500 if is_down else 200)

    async with carrying(database, desk) as here:
        id_ = (await here.world.says("agent")).conversation_id
        for words in ("one", "two", "three"):
            await here.world.says(words)
        await here.settle_down()
        await park(here.world)
        is_down = False
        here.world.clock.advance(timedelta(seconds=1))
        async with client_of(app_of(here.world.services())) as http:
            api = Api(http, told, await here.world.add_token())
            whom = user_ns(here.world.company.flow.id, id_)
            parked = await listed(api, endpoint="desk", state="parked", limit=100)
            second = next(each["id"] for each in parked if each["seq"] == 2)

            counted = await api.post(MANY, {"from_delivery_id": second, "dry_run": 1}, key="k")
            begun = await api.post(MANY, {"from_delivery_id": second}, key="k")
            number = begun.json()["data"]["redelivery_id"]
            before = (await api.get("/handoff/redelivery", redelivery_id=number)).json()["data"]
            stop = await api.post("/handoff/stop-redelivery", {"redelivery_id": number - 1})
            work = Redelivering(database=database, hub=here.world.hub, clock=here.world.clock)
            while await work.step():
                here.world.clock.advance(timedelta(seconds=1))
                await here.couriers._renew()
                await here.settle_down()
            after = (await api.get("/handoff/redelivery", redelivery_id=number)).json()["data"]
            done = await listed(api, user_ns=whom, endpoint="desk", state="done", limit=100)

    assert counted.json()["data"] == {"count": len(parked) - 1, "redelivery_id": None}
    assert (before["state"], before["total"], before["put_back"]) == ("running", None, 0)
    assert stop.json() == {"status": "ok"}  # the one that `park` has begun, of everything
    assert (after["state"], after["put_back"], after["remaining"]) == ("done", len(parked) - 1, 0)
    assert after["asked_by"] == "Olga, with token test"
    assert arrived == [*range(2, len(parked) + 1)] == sorted(each["seq"] for each in done)


async def test_a_stopped_one_puts_nothing_more_back(api: Api, ana: Ana, world: World) -> None:
    await park(world)
    number = (await api.post(MANY, {})).json()["data"]["redelivery_id"]

    for _ in range(2):
        assert (await api.post("/handoff/stop-redelivery", {"redelivery_id": number})).status_code == 200

    found = (await api.get("/handoff/redelivery", redelivery_id=number)).json()["data"]
    assert (found["state"], found["stopped_by"], found["remaining"]) == (
        "stopped",
        "Olga, with token test",
        0,
    )


async def test_redeliveries_are_listed_with_what_they_are_about_page_by_page(
    api: Api, ana: Ana, world: World
) -> None:
    one_on = (await park(world))["delivery_id"]
    now = int(world.clock.now().timestamp())
    wanted: list[Json] = [
        {"endpoint": "desk", "event": "message.received", "state": "finished"},
        {"user_ns": ana.user_ns, "start_time": now - 60, "end_time": now},
        {"from_delivery_id": one_on},
    ]
    ids = [(await api.post(MANY, one)).json()["data"]["redelivery_id"] for one in wanted]
    await api.post("/handoff/stop-redelivery", {"redelivery_id": ids[1]})

    first = (await api.get(REDELIVERIES, limit=2)).json()
    second = (await api.get(REDELIVERIES, limit=2, before_id=first["meta"]["next"])).json()
    found = [*first["data"], *second["data"]]
    running = (await api.get(REDELIVERIES, state="running")).json()["data"]
    stopped = (await api.get(REDELIVERIES, state="stopped")).json()["data"]

    assert [one["id"] for one in found] == [*reversed(ids), found[-1]["id"]]  # and what `park` has begun
    assert second["meta"]["next"] is None
    assert [one["id"] for one in stopped] == [ids[1]]
    assert running == [one for one in found if one["id"] != ids[1]]
    assert (await api.get("/handoff/redelivery", redelivery_id=ids[0])).json()["data"] == found[2]
    nothing = {"states": ["parked", "given_up"], "user_ns": "", "to": "", "event": "",
               "from_seq": None, "start_time": None, "end_time": None}  # fmt: skip
    assert [one["selected"] for one in found[:3]] == [
        nothing | {"user_ns": ana.user_ns, "to": "desk", "from_seq": (await one(api, one_on))["seq"]},
        nothing | {"user_ns": ana.user_ns, "start_time": now - 60, "end_time": now},
        nothing
        | {
            "states": ["parked", "given_up", "skipped", "done"],
            "to": "desk",
            "event": "message.received",
        },
    ]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ({"user_ns": "x"}, "user_ns", "format is invalid"),
        ({"endpoint": "nobody"}, "endpoint", "there is no endpoint in this workspace with the name 'nobody'"),
        ({"state": "lost"}, "state", "'lost' is none of done, finished"),
        ({"event": "message.lost"}, "event", "'message.lost' is none of message.received"),
        ({"start_time": "noon"}, "start_time", "must be an integer"),
        ({"start_time": 2000, "end_time": 1000}, "end_time", "at least 2000; it is 1000"),
        ({"before_id": 0}, "before_id", "at least 1"),
        ({"limit": 101}, "limit", "greater than 100"),
    ],
)
async def test_a_filter_that_cannot_be_meant_is_refused(
    api: Api, query: dict[str, Any], field: str, words: str
) -> None:
    answer = await api.get(LIST, **query)

    assert answer.status_code == 422
    assert words in answer.json()["errors"][field][0]


@pytest.mark.parametrize(
    ("path", "more", "field", "words"),
    [
        (MANY, {"state": "waiting"}, "state", "'waiting' is none of parked, given_up, skipped, done"),
        (MANY, {"state": "waiting", "dry_run": 1}, "state", "'waiting' is none of parked"),
        (MANY, {"from_delivery_id": 0, "endpoint": "desk"}, "endpoint", "leave it out"),
        (MANY, {"dry_run": 2}, "dry_run", "none of 0, 1"),
        ("/handoff/skip", {"delivery_id": 0}, "reason", "is required"),
        ("/handoff/skip", {"delivery_id": 0, "reason": "x" * 501}, "reason", "greater than 500 characters"),
        ("/handoff/redeliver", {"delivery_id": "x"}, "delivery_id", "must be an integer"),
        ("/handoff/redeliver", {"delivery_id": 2**60}, "delivery_id", "must not be greater than"),
        ("/handoff/stop-redelivery", {}, "redelivery_id", "is required"),
    ],
)
async def test_a_wish_that_cannot_be_meant_is_refused(
    api: Api, ana: Ana, world: World, path: str, more: Json, field: str, words: str
) -> None:
    ours = await park(world)
    sent = {name: ours[name] if value == 0 and name in ours else value for name, value in more.items()}

    answer = await api.post(path, sent)

    assert answer.status_code == 422
    assert words in answer.json()["errors"][field][0]
