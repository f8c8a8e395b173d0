"""What an endpoint was told, read again over the API: the same ids, numbers and bodies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from relevo.domain.events import BotPaused, ByConversation
from relevo.domain.ids import user_ns
from relevo.engine.housekeeping import Housekeeping
from relevo.store import directory, tables
from relevo.store.database import Database
from relevo.testing.builders import World
from relevo.testing.fake_http import reply
from tests.couriers.carrying import carrying
from tests.web.api.conftest import Ana, app_of
from tests.web.api.validating import Api, Told
from tests.web.exchanges import client_of

EVENTS = "/handoff/events"


async def events(api: Api, **query: Any) -> tuple[list[Any], dict[str, Any]]:
    answer = await api.get(EVENTS, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"], answer.json()["meta"]


async def test_what_is_told_is_what_was_posted(database: Database, told: Told) -> None:
    async with carrying(database, lambda asked: reply(500 if b"stuck" in asked.body else 200)) as here:
        result = await here.world.says("agent")
        for words in ("Hello?", "Grüße 👋 \u2028", "stuck", "behind it"):
            await here.world.says(words)
        await here.settle_down()
        async with client_of(app_of(here.world.services())) as http:
            api = Api(http, told, await here.world.add_token())
            whom = user_ns(here.world.company.flow.id, result.conversation_id)
            one, _ = await events(api, user_ns=whom)
            whole, _ = await events(api)

        posted = [(asked.headers, asked.body) for asked in here.posted()]

    assert [event["seq"] for event in one] == [1, 2, 3, 4]
    assert len(posted) == 3  # the last waits behind the one that is stuck, and is told all the same
    for event, (headers, body) in zip(one, posted, strict=False):
        assert event["body"].encode() == body
        assert [event["webhook_id"], event["event"], str(event["seq"]), str(event["epoch"])] == [
            headers[name] for name in ("webhook-id", "relevo-event", "relevo-seq", "relevo-epoch")
        ]
    assert [{**event, "id": None} for event in whole] == one
    assert [event["id"] for event in whole] == sorted(event["id"] for event in whole)


async def test_a_gap_is_read_from_where_it_begins(api: Api, ana: Ana, world: World) -> None:
    for words in ("agent", "a", "b"):
        await world.says(words)
    everything, meta = await events(api, user_ns=ana.user_ns)
    newest = everything[-1]["seq"]
    assert [event["seq"] for event in everything] == [*range(1, newest + 1)]
    assert meta == {"endpoint": "desk", "next": newest, "more": False, "forgotten": False}

    some, meta = await events(api, user_ns=ana.user_ns, after_seq=2, limit=2)

    assert some == everything[2:4]
    assert meta == {"endpoint": "desk", "next": 4, "more": True, "forgotten": False}
    nothing, meta = await events(api, user_ns=ana.user_ns, after_seq=newest)
    assert (nothing, meta["next"], meta["more"]) == ([], newest, False)


async def test_a_platform_that_was_down_reads_the_flow_page_by_page(api: Api, ana: Ana, world: World) -> None:
    for number in range(4):
        await world.says("agent", user_id=f"user-{number}")
    whole, _ = await events(api)

    found: list[Any] = []
    after, more = 0, True
    while more:
        page, meta = await events(api, after_id=after, limit=3)
        found, after, more = [*found, *page], meta["next"], meta["more"]

    assert found == whole
    assert len({event["user_ns"] for event in whole}) == 5
    behind, _ = await events(api, after_id=whole[5]["id"])
    assert behind == whole[6:]


async def test_what_is_not_kept_any_more_is_missing_and_said_to_be(database: Database, told: Told) -> None:
    async with carrying(database) as here:
        id_ = (await here.world.says("agent")).conversation_id
        for words in ("one", "two"):
            await here.world.says(words)
        await here.settle_down()
        async with client_of(app_of(here.world.services())) as http:
            api = Api(http, told, await here.world.add_token())
            whole, _ = await events(api)
            here.world.clock.advance(timedelta(days=31))
            await here.world.says("three")
            await here.settle_down()
            await Housekeeping(database=database, clock=here.world.clock, retention=timedelta(days=30)).tidy()
            whom = user_ns(here.world.company.flow.id, id_)

            kept, meta = await events(api, user_ns=whom, after_seq=1)
            assert ([event["seq"] for event in kept], meta["forgotten"]) == ([], True)
            assert meta["next"] == 2
            await here.world.submit(BotPaused(to=ByConversation(id_), minutes=5, by="api"))
            await here.world.says("four")
            kept, meta = await events(api, user_ns=whom, after_seq=1)
            assert ([event["seq"] for event in kept], meta["forgotten"]) == ([3], True)
            _, meta = await events(api, user_ns=whom, after_seq=2)
            assert not meta["forgotten"]
            kept, meta = await events(api, after_id=whole[0]["id"])
            assert ([event["seq"] for event in kept], meta["forgotten"]) == ([3], True)


async def test_the_endpoint_is_the_one_that_the_channel_hands_over_to_or_a_named_one(
    api: Api, ana: Ana, world: World
) -> None:
    async with world.database.write() as connection:
        first = (await connection.execute(tables.endpoints.select())).one()._asdict()
        second = tables.endpoints.insert().values(first | {"id": 99, "name": "archive"})
        await connection.execute(second)
        web = tables.channels.c.id == world.company.web.id
        await connection.execute(tables.channels.update().where(web).values(endpoint_id=99))
        await directory.touch(connection)
    await world.catalog.refresh(at_once=True)
    await world.says("agent")

    now, meta = await events(api, user_ns=ana.user_ns)
    before, _ = await events(api, user_ns=ana.user_ns, endpoint="desk")
    assert (meta["endpoint"], now[0]["seq"], before[0]["seq"]) == ("archive", 1, 1)
    assert now[0]["webhook_id"] != before[0]["webhook_id"]

    which = await api.get(EVENTS)
    assert which.json()["errors"] == {
        "endpoint": [
            "The endpoint must be named: the live chat does not go to exactly one. There are: archive, desk."
        ]
    }
    theirs, meta = await events(api, endpoint="archive")
    assert (meta["endpoint"], [one["webhook_id"] for one in theirs]) == (
        "archive",
        [one["webhook_id"] for one in now],
    )


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ({"after_seq": 1}, "after_seq", "without user_ns give after_id"),
        ({"user_ns": "f1001u1", "after_id": 1}, "after_id", "with user_ns give after_seq"),
        ({"endpoint": "nobody"}, "endpoint", "there is no endpoint in this workspace with the name"),
        ({"after_id": -1}, "after_id", "at least 0"),
        ({"after_id": "x"}, "after_id", "must be an integer"),
        ({"limit": 101}, "limit", "greater than 100"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    api: Api, query: dict[str, Any], field: str, words: str
) -> None:
    answer = await api.get(EVENTS, **query)

    assert answer.status_code == 422
    assert words in answer.json()["errors"][field][0]


async def test_another_flow_sees_none_of_it(api: Api, ana: Ana, world: World) -> None:
    bolt = await world.add_company("Bolt")
    stranger = api.with_token(await world.add_token(bolt))
    whole, _ = await events(api)
    assert whole

    assert (await events(stranger))[0] == []
    # A place of somebody else's is a place like any other, and shows nothing of theirs.
    assert (await events(stranger, after_id=whole[0]["id"]))[0] == []
