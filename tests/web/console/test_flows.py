"""Flows: reading, checking and publishing them."""

from __future__ import annotations

import pytest

from relevo.admin.changing import reading
from relevo.domain.flows.parsing import parse
from relevo.domain.workspaces import FlowEntry
from relevo.store import configuring, directory
from relevo.testing.builders import SUPPORT, World
from relevo.web.console.flows import FIRST_TEXT
from relevo.web.services import Services
from tests.web.console.browsing import Browser, means_of

BETTER = SUPPORT.replace("Hello {{ first_name }}", "Good morning")
WRONG = SUPPORT.replace("start: welcome", "start: wellcome").replace("minutes: 30", "minutes: soon")


async def flows(services: Services) -> dict[str, FlowEntry]:
    return {one.name: one for one in (await reading(means_of(services))).flows.values()}


async def running(world: World, flow: FlowEntry) -> str:
    async with world.database.read() as connection:
        found = await directory.flow_source(connection, flow.version_id)
    assert found is not None
    return found[1]


async def test_a_flow_is_shown_with_its_lines(browser: Browser, world: World) -> None:
    page = await browser.get(f"/console/flows/{world.company.flow.id}")

    lines = page.main.one("ol", class_="lines").all("li")
    assert [line.get("id") for line in lines][:2] == ["line-1", "line-2"]
    assert [line.text for line in lines] == [line.strip() for line in SUPPORT.splitlines()]
    assert "Version 1 Running" in page.text
    assert "answers on web, apichat" in page.text
    assert f"f{world.company.flow.id}s2" in page.text


async def test_every_mistake_is_shown_with_its_place_and_nothing_is_saved(
    browser: Browser, services: Services, world: World
) -> None:
    address = f"/console/flows/{world.company.flow.id}/edit"
    based_on = (await browser.get(address)).field("based_on").get("value")

    for action in ("check", "publish"):
        form = {"source": WRONG, "action": action, "based_on": based_on}
        page = await browser.send(address, form)
        assert page.status == (200 if action == "check" else 422)
        said = [one.text for one in page.main.one("ol", class_="mistakes").all("li")]
        assert len(said) == len(parse(WRONG, file="x").problems) == 2
        assert said[0].startswith('Line 3, column 8: there is no subflow "wellcome". Did you mean "welcome"?')
        assert page.main.all("span", class_="caret") != []
        assert page.field("source").text.startswith("version: 1 flow: support start: wellcome")
    assert (await flows(services))["support"] == world.company.flow


async def test_a_check_publishes_nothing(browser: Browser, services: Services, world: World) -> None:
    address = f"/console/flows/{world.company.flow.id}/edit"

    page = await browser.send(address, {"source": BETTER, "action": "check"})

    assert "No mistakes. It is not published yet." in page.text
    assert (await flows(services))["support"] == world.company.flow


async def test_publishing_makes_a_version_and_keeps_the_others(
    browser: Browser, services: Services, world: World
) -> None:
    flow = world.company.flow
    edit = await browser.get(f"/console/flows/{flow.id}/edit")
    based_on = edit.field("based_on").get("value")

    form = {"source": BETTER.replace("\n", "\r\n"), "action": "publish", "based_on": based_on}
    page = await browser.follow(await browser.send(f"/console/flows/{flow.id}/edit", form))

    published = (await flows(services))["support"]
    assert await running(world, published) == BETTER
    assert "Version 2 is published." in page.text
    assert "Version 2 Running" in page.text
    first = await browser.get(f"/console/flows/{flow.id}/versions/1")
    assert "Version 1 Earlier" in first.text
    assert "Hello {{ first_name }}" in first.text
    assert (await browser.get(f"/console/flows/{flow.id}/versions/3")).status == 404


async def test_nobody_overwrites_what_somebody_else_has_just_published(
    browser: Browser, services: Services, world: World
) -> None:
    flow = world.company.flow
    address = f"/console/flows/{flow.id}/edit"
    mine, theirs = await browser.get(address), await browser.get(address)
    form = {"source": BETTER, "action": "publish", "based_on": theirs.field("based_on").get("value")}
    await browser.send(address, form)

    other = SUPPORT.replace("Hello", "Ahoy")
    form = {"source": other, "action": "publish", "based_on": mine.field("based_on").get("value")}
    refused = await browser.send(address, form)

    assert refused.status == 409
    assert "Somebody else has published a version" in refused.text
    assert "Ahoy" in refused.field("source").text  # their own words are still there
    assert await running(world, (await flows(services))["support"]) == BETTER

    again = {**form, "based_on": refused.field("based_on").get("value")}
    assert (await browser.send(address, again)).status == 303
    assert await running(world, (await flows(services))["support"]) == other


async def test_a_new_flow_begins_with_one_that_hands_over(
    browser: Browser, services: Services, world: World
) -> None:
    page = await browser.get("/console/flows/new")
    source = page.field("source").children[0]
    assert isinstance(source, str)

    taken = await browser.send("/console/flows/new", {"source": source, "action": "publish"})
    renamed = source.replace("flow: support", "flow: sales").lstrip("\n")
    made = await browser.send("/console/flows/new", {"source": renamed, "action": "publish"})

    assert taken.status == 422
    assert "There is already a flow support; choose another." in taken.text
    assert made.goes_to == f"/console/flows/{(await flows(services))['sales'].id}"
    assert await running(world, (await flows(services))["sales"]) == renamed


async def test_an_unchanged_flow_makes_no_version(browser: Browser, world: World) -> None:
    flow = world.company.flow
    form = {"source": SUPPORT, "action": "publish", "based_on": str(flow.version_id)}

    page = await browser.follow(await browser.send(f"/console/flows/{flow.id}/edit", form))

    assert "Nothing was different." in page.text
    async with world.database.read() as connection:
        assert len(await configuring.versions_of(connection, flow.id)) == 1


@pytest.mark.parametrize("source", ["", "\x00", "a: [", "- 1\n" * 10, "x" * 100_000])
async def test_whatever_is_written_is_answered(browser: Browser, source: str) -> None:
    page = await browser.send("/console/flows/new", {"source": source, "action": "publish"})

    assert page.status == 422
    assert page.main.all("ol", class_="mistakes") != []


def test_the_first_text_has_no_mistakes() -> None:
    assert parse(FIRST_TEXT, file="flow.yaml").problems == ()


async def test_the_list_shows_the_newest_version(browser: Browser, world: World) -> None:
    row = (await browser.get("/console/flows")).main.one("tbody").one("tr").text

    assert row == f"support f{world.company.flow.id} 1 12:00 2 web, apichat"


async def test_a_version_says_what_is_new_and_who_published_it(browser: Browser, world: World) -> None:
    flow = world.company.flow

    await browser.send(
        f"/console/flows/{flow.id}/edit", {"source": BETTER, "action": "publish", "message": "Kinder words"}
    )

    page = await browser.get(f"/console/flows/{flow.id}")
    assert "Version 2 Kinder words Olga" in page.text


async def test_what_a_version_changed_is_shown_step_by_step(browser: Browser, world: World) -> None:
    flow = world.company.flow
    await browser.send(f"/console/flows/{flow.id}/edit", {"source": BETTER, "action": "publish"})

    page = await browser.get(f"/console/flows/{flow.id}/versions/2/changes")

    assert "welcome, step 1 changed" in page.text
    assert "Good morning" in page.text
    same = await browser.get(f"/console/flows/{flow.id}/versions/2/changes?from=2")
    assert "Nothing is different." in same.text
    assert (await browser.get(f"/console/flows/{flow.id}/versions/9/changes")).status == 404


async def test_rolling_back_publishes_the_old_text_once_more(
    browser: Browser, services: Services, world: World
) -> None:
    flow = world.company.flow
    await browser.send(f"/console/flows/{flow.id}/edit", {"source": BETTER, "action": "publish"})

    await browser.send(f"/console/flows/{flow.id}/versions/1/roll-back", {})

    assert "Version 3 is published." in (await browser.get(f"/console/flows/{flow.id}")).text
    assert await running(world, (await flows(services))["support"]) == SUPPORT
