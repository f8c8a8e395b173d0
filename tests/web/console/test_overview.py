"""Overview: is everything well?"""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from relevo.domain.flows.parsing import parse
from relevo.domain.workspaces import LiveChat, LiveChatMode, Role
from relevo.store import accounts, configuring, directory, problems, tables
from relevo.store.problems import Problem
from relevo.testing.builders import SUPPORT, World
from relevo.web.console.overview import pauses
from tests.web.console.browsing import Browser, Page

WITHOUT_PAUSE = SUPPORT.replace("    - pause_bot: {minutes: 30}\n", "")


def tiles(page: Page) -> list[str]:
    return [one.text for one in page.main.all("a") if one.get("class").startswith("tile")]


async def test_when_all_is_well_it_says_so(browser: Browser, world: World) -> None:
    await world.says("agent")

    page = await browser.get("/console")

    assert page.main.one("h2", id="health").text == "Everything is well"
    assert tiles(page)[0] == "1 with agents now"
    assert "Ana Diaz until 12:30" in page.text
    assert "Get started" not in page.text  # all three steps are done


async def test_what_is_not_well_is_named_and_linked(browser: Browser, world: World) -> None:
    await world.says("agent")
    rows = tables.deliveries
    async with world.database.write() as connection:
        first = (await connection.execute(rows.select().order_by(rows.c.id))).first()
        assert first is not None
        parked = rows.update().where(rows.c.id == first.id).values(state="parked", due_at=None)
        await connection.execute(parked)
        await directory.disable_endpoint(connection, world.company.endpoint.id, "endpoint_gone")
        noted = Problem(
            workspace_id=world.company.workspace.id, code="stale_timer", detail="d", at=world.clock.now()
        )
        await problems.insert_new(connection, [noted])
    world.clock.advance(timedelta(minutes=6))

    page = await browser.get("/console")

    assert page.main.one("h2", id="health").text == "3 things need a look"
    health = page.main.one("section", aria_labelledby="health")
    links = {link.text: link.get("href") for link in health.all("a")}
    endpoint = f"/console/endpoints/{world.company.endpoint.id}"
    assert links == {
        "desk is disabled: the endpoint answered 410 Gone.": endpoint,
        "The oldest delivery has waited since 12:00.": "/console/deliveries?state=waiting",
        "1 delivery is parked: no retry helped.": "/console/deliveries?state=parked",
    }
    assert tiles(page)[2] == "1 parked"
    assert tiles(page)[-1] == "1 problems of the last day"
    assert "A planned step was dropped" in page.text


async def test_the_steps_are_ticked_off_as_they_are_done(browser: Browser, world: World) -> None:
    empty = await world.add_company("Empty", flow=WITHOUT_PAUSE)
    async with world.database.write() as connection:
        for channel in (empty.web, empty.apichat):
            none = msgspec.structs.replace(channel, live_chat=LiveChat(LiveChatMode.NONE))
            await configuring.update_channel(connection, world.cipher, none)
        await directory.disable_endpoint(connection, empty.endpoint.id, "by Olga")
    await browser.sign_in(empty.owner)
    steps = await _steps(browser)
    assert steps == {
        "Integrations → Webhooks": False,
        "Channel settings → Live Chat Settings": False,
        "Pause the Bot in the flow": False,
    }

    await browser.send(f"/console/endpoints/{empty.endpoint.id}/enable")
    form = {"name": "web", "flow": "support", "mode": "webhook", "endpoint": "desk"}
    await browser.send(f"/console/channels/{empty.web.id}", form)
    assert list((await _steps(browser)).values()) == [True, True, False]

    source = {"source": SUPPORT, "action": "publish"}
    await browser.send(f"/console/flows/{empty.flow.id}/edit", source)
    page = await browser.get("/console")
    assert "Get started" not in page.text
    assert "All three steps are done" in page.text


async def _steps(browser: Browser) -> dict[str, bool]:
    steps = (await browser.get("/console")).main.one("ol", class_="steps").all("li")
    return {step.one("h3").text: step.get("class") == "step-done" for step in steps}


@pytest.mark.parametrize(
    "step",
    [
        "- pause_bot",
        "- when: {tag: vip}\n      then:\n        - pause_bot: {minutes: 5}",
        "- when: {tag: vip}\n      then:\n        - send: a\n      else:\n        - pause_bot",
    ],
)
def test_a_pause_is_found_however_deep_it_stands(step: str) -> None:
    parsed = parse(f"version: 1\nflow: f\nstart: s\nsubflows:\n  s:\n    {step}\n", file="f")

    assert parsed.flow is not None, parsed.problems
    assert pauses(parsed.flow)


async def test_a_member_sees_the_figures_and_the_steps_without_links(stranger: Browser, world: World) -> None:
    company = await world.add_company("Plain", flow=WITHOUT_PAUSE)
    blank = msgspec.structs.replace(company.agent, role=Role.MEMBER, email="m@example.com")
    async with world.database.write() as connection:
        member = await accounts.insert_member(connection, blank, world.clock.now())
    await stranger.sign_in(member)

    page = await stranger.get("/console")

    assert page.status == 200
    assert "Pause the Bot in the flow" in page.text
    assert [one for one in page.main.all("a") if "/flows" in one.get("href")] == []
