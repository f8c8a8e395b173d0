"""Redelivering many at once, in the console."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from relevo.domain.deliveries import DeliveryState, Park, Refused, RetryAt
from relevo.domain.redeliveries import FINISHED, UNDELIVERED, Redelivery
from relevo.engine.redelivering import Redelivering
from relevo.store import deliveries, nodes, redeliveries
from relevo.testing.builders import World
from tests.web.console.browsing import Browser
from tests.web.console.test_deliveries import attempted, waiting


async def parked(world: World, *words: str) -> list[int]:
    """Deliveries to the platform that no retry brought there."""
    found: list[int] = []
    for one in await waiting(world, *words):
        if one.destination.kind == "endpoint":
            await attempted(world, one, Refused(500), Park("schedule_exhausted"))
            found.append(one.id)
    world.clock.advance(timedelta(seconds=1))
    return found


async def begun(world: World) -> list[Redelivery]:
    async with world.database.read() as connection:
        return await redeliveries.listing(connection, world.company.workspace.id)


async def test_all_that_match_are_counted_confirmed_and_put_back(browser: Browser, world: World) -> None:
    found = await parked(world, "One", "Two")
    query = f"state=parked&to=endpoint-{world.company.endpoint.id}"
    log = await browser.get(f"/console/deliveries?{query}")
    (link,) = [one for one in log.main.all("a") if one.text == "Redeliver many"]
    assert parse_qs(urlsplit(link.get("href")).query) == parse_qs(query)

    asked = await browser.get(link.get("href"))
    assert f"{len(found)} deliveries are put back" in asked.text
    assert "State Parked To desk" in asked.text
    page = await browser.follow(
        await browser.send(
            "/console/deliveries/redeliver",
            {"state": "parked", "to": f"endpoint-{world.company.endpoint.id}"},
        )
    )

    (one,) = await begun(world)
    assert (one.asked_by, one.selection.states) == ("Olga", (DeliveryState.PARKED,))
    assert page.main.one("h1").text == f"Redelivery {one.id}"
    assert "Under way" in page.text
    assert "Remaining being counted" in page.text
    assert f"Redelivery {one.id} is under way" in (await browser.get("/console/deliveries")).text

    work = Redelivering(database=world.database, hub=world.hub, clock=world.clock)
    while await work.step():
        pass
    page = await browser.get(f"/console/deliveries/redeliveries/{one.id}")
    assert f"{len(found)} of {len(found)} put back" in page.text
    assert page.main.one("progress").get("value") == str(len(found))
    assert "Redelivered by Olga" in (await browser.get(f"/console/deliveries/{found[0]}")).text
    assert "under way" not in (await browser.get("/console/deliveries")).text
    assert "State: Parked; To: desk" in (await browser.get("/console/deliveries/redeliveries")).text


async def test_what_was_delivered_is_told_again_only_if_somebody_says_so(
    browser: Browser, world: World
) -> None:
    await parked(world)

    plain = await browser.get("/console/deliveries/redeliver")
    wide = await browser.get("/console/deliveries/redeliver?everything=1")
    await browser.send("/console/deliveries/redeliver", {})
    await browser.send("/console/deliveries/redeliver", {"everything": "1"})

    assert "State Parked, Given up" in plain.text
    assert "Also what was delivered is told again" in wide.text
    assert [one.selection.states for one in await begun(world)] == [FINISHED, UNDELIVERED]


async def test_a_conversation_is_redelivered_from_a_point_on(browser: Browser, world: World) -> None:
    found = await parked(world, "One", "Two")
    page = await browser.get(f"/console/deliveries/{found[1]}")
    (link,) = [one for one in page.main.all("a") if one.text == "Redeliver from here on"]

    asked = await browser.get(link.get("href"))

    assert "From relevo-seq 2" in asked.text
    assert "Conversation Ana Diaz" in asked.text
    assert f"{len(found) - 1} deliveries are put back" in asked.text


async def test_times_are_those_of_the_workspace(browser: Browser, world: World) -> None:
    await parked(world)
    await browser.send(
        "/console/deliveries/redeliver", {"since": "2030-01-01T11:30", "until": "2030-01-01T12:30"}
    )

    (one,) = await begun(world)
    assert (one.selection.since, one.selection.until) == (
        datetime(2030, 1, 1, 11, 30, tzinfo=UTC),
        datetime(2030, 1, 1, 12, 30, tzinfo=UTC),
    )
    assert (
        "No delivery is like that" in (await browser.get("/console/deliveries?since=2030-01-02T00:00")).text
    )


@pytest.mark.parametrize(
    "query",
    ["state=nonsense", "to=nonsense", "conversation=nonsense", "since=nonsense", "until=x", "from=x",
     "state=waiting", "since=2030-01-02T00:00&until=2030-01-01T00:00"],
)  # fmt: skip
async def test_what_cannot_be_understood_means_nothing_rather_than_more(
    browser: Browser, world: World, query: str
) -> None:
    await parked(world)
    form = {name: values[0] for name, values in parse_qs(query).items()}

    answer = await browser.send("/console/deliveries/redeliver", form)

    assert answer.status == 422
    assert await begun(world) == []


async def test_it_is_stopped(browser: Browser, world: World) -> None:
    await parked(world)
    await browser.send("/console/deliveries/redeliver", {})
    (one,) = await begun(world)
    address = f"/console/deliveries/redeliveries/{one.id}"

    page = await browser.follow(await browser.send(f"{address}/stop"))
    again = await browser.follow(await browser.send(f"{address}/stop"))

    assert "put back, then stopped by Olga" in page.text
    assert "The others are left as they were." in page.text
    assert "Remaining" not in page.text
    assert "It was over already." in again.text
    assert (await browser.get("/console/deliveries/redeliveries/999999999999999999")).status == 404


async def test_a_delivery_is_skipped_with_a_reason(browser: Browser, world: World) -> None:
    log = await waiting(world, "One")
    await attempted(world, log[0], Refused(500), RetryAt(world.clock.now() + timedelta(hours=5)))
    address = f"/console/deliveries/{log[0].id}"

    refused = await browser.send(f"{address}/skip", {"reason": " "})
    page = await browser.follow(await browser.send(f"{address}/skip", {"reason": "told by phone"}))
    again = await browser.follow(await browser.send(f"{address}/skip", {"reason": "told by phone"}))

    assert refused.status == 422
    assert "The reason is empty" in refused.text
    assert page.main.one("h1").text.endswith("Skipped")
    assert "Skipped by Olga at 1 Jan 2030, 12:00:00: told by phone." in page.text
    assert "This was delivered or skipped already" in again.text
    assert "told by phone" in (await browser.get("/console/deliveries?state=skipped")).text
    following = await browser.get(f"/console/deliveries/{log[1].id}")
    assert "It is due" in following.text


async def test_what_is_being_attempted_is_not_skipped(browser: Browser, world: World) -> None:
    log = await waiting(world)
    now = world.clock.now()
    async with world.database.write() as connection:
        await nodes.register(connection, "somebody", now, timedelta(seconds=10))
        await deliveries.claim(connection, [log[0].id], "somebody")

    page = await browser.follow(await browser.send(f"/console/deliveries/{log[0].id}/skip", {"reason": "x"}))

    assert "is being attempted at this moment" in page.text
