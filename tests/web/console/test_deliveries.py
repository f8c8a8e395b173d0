"""The log of deliveries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.domain.deliveries import (
    Accepted,
    Attempt,
    Delivery,
    DeliveryState,
    Done,
    Exchange,
    Forbidden,
    GiveUp,
    Outcome,
    Park,
    Refused,
    Rejected,
    RetryAt,
    Unreachable,
    Verdict,
)
from relevo.domain.ids import DeliveryId
from relevo.domain.workspaces import Member
from relevo.store import deliveries, directory
from relevo.store.deliveries import Settlement
from relevo.testing.builders import World
from relevo.web.console import deliveries as pages
from relevo.web.console.destinations import Destinations
from relevo.web.console.words import DELIVERY_STATES
from tests.web.console.browsing import Browser, Page

EXCHANGE = Exchange(
    method="POST",
    url="https://desk.example.com/uchat",
    request_headers={"X-Desk-Key": "••••", "webhook-id": "msg_1"},
    status_code=503,
    answer_headers={"retry-after": "30"},
    answer_body='{"error":"<b>updating</b>"}',
    address="93.184.215.14",
    answer_is_whole=False,
    looked_up=timedelta(milliseconds=2),
    answered=timedelta(milliseconds=800),
)


async def waiting(world: World, *words: str) -> list[Delivery]:
    """What waits for the platform after Ana has said these words, in order."""
    for word in ("agent", *words):
        await world.says(word)
    async with world.database.read() as connection:
        log = await deliveries.listing(connection, world.company.workspace.id, limit=100)
        rows = [await deliveries.find(connection, DeliveryId(row.id)) for row in log[::-1]]
    return [deliveries.from_row(row) for row in rows if row is not None]


async def attempted(world: World, delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
    """Somebody has tried it."""
    attempt = Attempt(
        delivery_id=delivery.id,
        number=delivery.attempts_made + 1,
        started_at=world.clock.now(),
        took=timedelta(milliseconds=812),
        outcome=outcome,
        verdict=verdict,
        exchange=EXCHANGE,
    )
    async with world.database.write() as connection:
        await deliveries.claim(connection, [delivery.id], "somebody")
        locked = await deliveries.lock_heads(connection, [delivery.id], [])
        settlement = Settlement(delivery=delivery, attempt=attempt)
        await deliveries.settle(connection, [settlement], locked, node="somebody")


def numbers(page: Page) -> list[int]:
    return [int(row.one("th").text) for row in page.main.one("tbody").all("tr")]


async def test_the_log_shows_the_newest_first(browser: Browser, world: World) -> None:
    log = await waiting(world, "Is it in stock?")

    page = await browser.get("/console/deliveries")

    assert numbers(page) == [one.id for one in log[::-1]]
    newest = page.main.one("tbody").all("tr")[0].text
    assert newest.startswith(f"{log[-1].id} Message of the customer to desk Ana Diaz 12:00 0 ")
    assert newest.endswith("Waiting behind another")


async def test_the_log_is_filtered(browser: Browser, world: World) -> None:
    log = await waiting(world, "Is it in stock?")
    await attempted(world, log[0], Rejected("x"), Park("schedule_exhausted"))
    result = await world.says("Hello", channel=world.company.apichat, user_id="ben", name="Ben")
    bens = await world.conversation(result.conversation_id)
    everything = set(numbers(await browser.get("/console/deliveries")))
    of_ben = everything - {one.id for one in log}

    for query, found in {
        "state=parked": {log[0].id},
        "state=nonsense": everything,
        f"conversation={bens.user_ns}": of_ben,
        f"to=channel-{world.company.apichat.id}": {i for i in of_ben if await _kind(world, i) == "channel"},
        "to=nonsense": everything,
        "to=endpoint-x": everything,
        "event=message.received&state=waiting": {
            one.id for one in log if one.event_type == "message.received"
        },
    }.items():
        assert set(numbers(await browser.get(f"/console/deliveries?{query}"))) == found, query
    for query in ("conversation=nonsense", "event=nonsense", "state=given_up"):
        assert "No delivery is like that" in (await browser.get(f"/console/deliveries?{query}")).text


async def _kind(world: World, id_: int) -> str:
    async with world.database.read() as connection:
        row = await deliveries.find(connection, DeliveryId(id_))
    assert row is not None
    return str(row.destination_kind)


async def test_pages_go_back_by_id(browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SHOWN", 2)
    log = await waiting(world, "One", "Two")
    seen: list[int] = []
    address = "/console/deliveries?state=waiting"

    while address:
        page = await browser.get(address)
        seen += numbers(page)
        further = page.main.all("a", rel="next")
        address = further[0].get("href") if further else ""
        assert not address or "state=waiting" in address

    assert seen == [one.id for one in log[::-1]]


async def test_a_delivery_shows_its_body_and_every_attempt(browser: Browser, world: World) -> None:
    log = await waiting(world, "Is it <in> stock?")
    refused = Refused(503, retry_after=timedelta(seconds=30))
    later = world.clock.now() + timedelta(seconds=35)
    await attempted(world, log[0], refused, RetryAt(later))

    page = await browser.get(f"/console/deliveries/{log[0].id}")

    for words in (
        "The last attempt failed; the next one is at 1 Jan 2030, 12:00:35.",
        "Refused with 503, and asked to wait 30 s.",
        "Next attempt at 1 Jan 2030, 12:00:35.",
        "POST https://desk.example.com/uchat",
        "X-Desk-Key ••••",
        "503 from 93.184.215.14",
        "retry-after 30",
        '"error": "<b>updating</b>"',
        "812 ms",
        "Address known after 2 ms First byte after 800 ms All of it after 812 ms",
        "Its first 16 KB:",
        "The body of the delivery",
        log[0].webhook_id,
        "Ana Diaz",
    ):
        assert words in page.text, words
    assert "<b>updating" not in page.html
    body = await browser.get(f"/console/deliveries/{log[-1].id}")
    assert '"content": "Is it <in> stock?"' in body.text


OUTCOMES: list[tuple[Outcome, Verdict, DeliveryState, str]] = [
    (Accepted(202), Done(), DeliveryState.DONE, "Accepted with 202. Delivered."),
    (Refused(500), Park("schedule_exhausted"), DeliveryState.PARKED, "every retry of the schedule failed"),
    (
        Refused(410),
        GiveUp("endpoint_gone", disable=True),
        DeliveryState.GIVEN_UP,
        "was disabled.",
    ),
    (Unreachable("timeout"), Park("schedule_exhausted"), DeliveryState.PARKED, "No answer: there was no"),
    (
        Forbidden("10.0.0.5", "private"),
        Park("schedule_exhausted"),
        DeliveryState.PARKED,
        "10.0.0.5 is",
    ),
    (
        Rejected("unsupported_content"),
        GiveUp("unsupported_content"),
        DeliveryState.GIVEN_UP,
        "carry this",
    ),
    (Rejected("something_new"), GiveUp("something_new"), DeliveryState.GIVEN_UP, "something new"),
]


@pytest.mark.parametrize(("outcome", "verdict", "state", "words"), OUTCOMES)
async def test_every_outcome_is_told_in_words(
    browser: Browser, world: World, outcome: Outcome, verdict: Verdict, state: DeliveryState, words: str
) -> None:
    log = await waiting(world)
    await attempted(world, log[0], outcome, verdict)

    page = await browser.get(f"/console/deliveries/{log[0].id}")

    assert words in page.text
    assert page.main.one("h1").text.endswith(DELIVERY_STATES[state.value].label)


async def test_it_says_why_a_delivery_waits(browser: Browser, world: World) -> None:
    log = await waiting(world, "Is it in stock?")

    due = await browser.get(f"/console/deliveries/{log[0].id}")
    behind = await browser.get(f"/console/deliveries/{log[-1].id}")
    async with world.database.write() as connection:
        await deliveries.claim(connection, [log[0].id], "somebody")
    carried = await browser.get(f"/console/deliveries/{log[0].id}")

    assert "It is due, and is delivered as soon as there is room for it." in due.text
    assert f"It waits behind delivery {log[0].id} of the same conversation and destination" in behind.text
    assert behind.main.all("a", href=f"/console/deliveries/{log[0].id}") != []
    assert "It is being delivered now." in carried.text


async def test_a_parked_delivery_is_made_again(browser: Browser, world: World) -> None:
    log = await waiting(world)
    address = f"/console/deliveries/{log[0].id}"
    assert "Redeliver" not in (await browser.get(address)).text
    await attempted(world, log[0], Refused(500), Park("schedule_exhausted"))
    assert "Redeliver" in (await browser.get(address)).text

    page = await browser.follow(await browser.send(f"{address}/redeliver"))
    again = await browser.follow(await browser.send(f"{address}/redeliver"))

    assert "It is delivered again." in page.text
    assert "of which 1 before it was redelivered" in page.text
    assert page.main.one("h1").text.endswith("Waiting")
    assert "It is waiting already." in again.text


async def test_it_warns_that_nothing_is_delivered_there(browser: Browser, world: World) -> None:
    log = await waiting(world)
    await attempted(world, log[0], Refused(410), GiveUp("endpoint_gone", disable=True))
    address = f"/console/deliveries/{log[0].id}"
    assert "Enable it before you redeliver" not in (await browser.get(address)).text

    async with world.database.write() as connection:
        await directory.disable_endpoint(connection, world.company.endpoint.id, "endpoint_gone")

    page = await browser.get(address)
    assert "Nothing is delivered to desk now: the endpoint answered 410 Gone. Enable it" in page.text


async def test_a_place_is_named_and_linked_for_those_whom_it_is_for(world: World) -> None:
    other = await world.add_company("Other")

    def places(member: Member) -> Destinations:
        class Asking:
            directory, workspace_id = world.catalog.directory, world.company.workspace.id

        asking = Asking()
        asking.member = member  # type: ignore[attr-defined]
        return Destinations(asking)  # type: ignore[arg-type]

    endpoint = world.company.endpoint.id
    agents, owners = places(world.company.agent), places(world.company.owner)
    assert (agents.name("endpoint", endpoint), agents.path("endpoint", endpoint)) == ("desk", "")
    assert owners.path("endpoint", endpoint) == f"/console/endpoints/{endpoint}"
    assert owners.path("channel", world.company.web.id) == f"/console/channels/{world.company.web.id}"
    assert owners.name("endpoint", other.endpoint.id) == f"endpoint {other.endpoint.id}"
    assert (owners.path("channel", other.web.id), owners.path("media", 0)) == ("", "")


async def test_an_empty_log_says_what_to_expect(browser: Browser) -> None:
    assert "Nothing was to be delivered yet" in (await browser.get("/console/deliveries")).text
