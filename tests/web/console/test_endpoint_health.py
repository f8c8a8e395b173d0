"""How an endpoint is, as the console shows it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.couriers.counting import Counted, slot_of
from relevo.domain import signing
from relevo.domain.deliveries import Accepted, Unreachable
from relevo.domain.health import State
from relevo.domain.ids import EndpointId
from relevo.domain.standings import Happening, Standing
from relevo.store import deliveries, endpoint_health
from relevo.store.endpoint_health import Notice
from relevo.testing.builders import World
from relevo.testing.clock import NOON
from relevo.web.services import Services
from tests.web.console.browsing import Browser


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


async def stand(world: World, state: State, happening: Happening) -> EndpointId:
    """Ten attempts lately, one of which failed, and a state since half an hour."""
    now, id_ = world.clock.now(), world.company.endpoint.id
    counted = Counted()
    for _ in range(9):
        counted.note(Accepted(200), now, timedelta(milliseconds=40))
    counted.note(Unreachable("connect"), now, timedelta())
    standing = Standing(state=state, since=now - timedelta(minutes=30), failed_at=now, failure="connect")
    notice = Notice(
        workspace_id=world.company.workspace.id,
        endpoint_id=id_,
        type=happening,
        webhook_id="msg_1",
        body=b"{}",
        created_at=now,
    )
    async with world.database.write() as connection:
        tallies = {(id_, at): tally for at, tally in counted.take(now).items()}
        await endpoint_health.save_tallies(connection, "a", tallies)
        await endpoint_health.make_rows(connection, [id_])
        await endpoint_health.save(connection, id_, standing)
        await endpoint_health.add_notice(connection, notice)
    return id_


async def test_the_list_shows_the_state_and_the_last_hour(browser: Browser, world: World) -> None:
    page = await browser.get("/console/endpoints")
    assert "Healthy" in page.main.text

    await stand(world, State.OPEN, Happening.OPEN)
    page = await browser.get("/console/endpoints")

    assert "Open" in page.main.text
    assert "90.0 %" in page.main.text


async def test_the_page_shows_figures_the_last_failure_and_what_became_of_it(
    browser: Browser, world: World
) -> None:
    id_ = await stand(world, State.FAILING, Happening.FAILING)

    text = (await browser.get(f"/console/endpoints/{id_}")).main.text

    for shown in ("Failing", "90.0 %", "no connection could be made", "Requests began to fail", "p95"):
        assert shown in text


async def test_the_overview_has_a_line_for_each_that_is_not_well(browser: Browser, world: World) -> None:
    assert "takes nothing" not in (await browser.get("/console/")).main.text

    await stand(world, State.OPEN, Happening.OPEN)

    text = (await browser.get("/console/")).main.text
    assert "desk takes nothing since" in text
    assert "no connection could be made" in text


async def test_a_delivery_says_that_it_waits_for_the_endpoint(browser: Browser, world: World) -> None:
    await world.says("agent")
    await world.says("Is it in stock?")
    await stand(world, State.OPEN, Happening.OPEN)

    async with world.database.read() as connection:
        log = await deliveries.listing(connection, world.company.workspace.id)
    first = next(row for row in reversed(log) if row.destination_kind == "endpoint")
    page = await browser.get(f"/console/deliveries/{first.id}")

    assert "waits for a probe of the endpoint to succeed" in page.main.text


async def test_an_operations_url_is_set_and_its_secret_is_shown(
    browser: Browser, services: Services, world: World
) -> None:
    workspace = world.company.workspace
    form = {
        "name": workspace.name,
        "timezone": "UTC",
        "agent_reply_pauses_for": "30",
        "paused_automation": "agent_only",
        "operations_url": "https://ops.example.com/relevo",
    }
    await browser.send("/console/settings", form)
    page = await browser.get("/console/settings")

    assert page.field("operations_url").get("value") == form["operations_url"]
    purpose = f"{workspace.id} {form['operations_url']}"
    assert signing.derived_secret(services.operations_key, purpose) in page.main.text

    refused = await browser.send(
        "/console/settings", {**form, "operations_url": "https://inside.example.com"}
    )
    assert refused.status == 422
    assert "private" in refused.problems[0]


def test_slots_begin_every_five_minutes() -> None:
    assert slot_of(NOON + timedelta(minutes=9)) == NOON + timedelta(minutes=5)
