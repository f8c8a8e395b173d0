"""Settings → General."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.admin.changing import reading
from relevo.domain.hours import Holiday, Hours, Span
from relevo.domain.workspaces import PausedAutomation, Workspace
from relevo.testing.builders import World
from relevo.web.services import Services
from tests.web.console.browsing import Browser, means_of

FORM = {
    "name": "Acme Outdoor",
    "timezone": "Europe/Madrid",
    "agent_reply_pauses_for": "45",
    "paused_automation": "agent_triggers_and_delays",
}


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


async def acme(services: Services, world: World) -> Workspace:
    return (await reading(means_of(services))).workspaces[world.company.workspace.id]


async def test_the_settings_are_shown_and_saved(browser: Browser, services: Services, world: World) -> None:
    page = await browser.get("/console/settings")
    assert page.field("agent_reply_pauses_for").get("value") == "30"
    assert page.main.one("input", name="paused_automation", checked="").get("value") == "agent_only"

    page = await browser.follow(await browser.send("/console/settings", FORM))

    assert "The settings are saved." in page.text
    assert await acme(services, world) == Workspace(
        id=world.company.workspace.id,
        name="Acme Outdoor",
        timezone="Europe/Madrid",
        agent_reply_pauses_for=timedelta(minutes=45),
        paused_automation=PausedAutomation.AGENT_TRIGGERS_AND_DELAYS,
    )


async def test_the_paused_automation_option_is_explained_in_uchats_words(browser: Browser) -> None:
    text = (await browser.get("/console/settings")).text

    assert "Only messages from agent will be sent" in text
    assert "Messages from agent, trigger and smart delay will be sent" in text


async def test_times_are_shown_in_the_workspaces_zone(browser: Browser, world: World) -> None:
    result = await world.says("Hello")
    one = await world.conversation(result.conversation_id)
    address = f"/console/conversations/{one.user_ns}"
    assert "12:00" in (await browser.get(address)).main.one("ol", class_="messages").text

    await browser.send("/console/settings", FORM)

    assert "13:00" in (await browser.get(address)).main.one("ol", class_="messages").text


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "", "The name is empty; write one."),
        ("timezone", "Europe/Madird", '"Europe/Madird" is not a time zone; did you mean "Europe/Madrid"?'),
        ("agent_reply_pauses_for", "soon", "'soon' is not a number of minutes; write one from 1 to 527040."),
        ("agent_reply_pauses_for", "0", "'0' is not a number of minutes; write one from 1 to 527040."),
        ("agent_reply_pauses_for", "-5", "'-5' is not a number of minutes; write one from 1 to 527040."),
        ("agent_reply_pauses_for", "9" * 30, "is not a number of minutes"),
        ("paused_automation", "never", "Choose one of the two."),
    ],
)
async def test_a_mistake_stands_beside_its_field(
    browser: Browser, services: Services, world: World, field: str, value: str, says: str
) -> None:
    page = await browser.send("/console/settings", {**FORM, field: value})

    assert page.status == 422
    assert says in page.problems[0]
    assert (await acme(services, world)).name == "Acme"


HOURS = {"hours.mon": "09:00-12:00, 13:00-17:00", "hours.sat": "22:00-02:00", "hours.zone": "Asia/Tokyo"}
HOLIDAYS = "12-25 Christmas\n2026-12-24 09:00-12:00 Early closing"


async def test_business_hours_are_saved_and_shown(browser: Browser, services: Services, world: World) -> None:
    await browser.send("/console/settings", {**FORM, **HOURS, "hours.holidays": HOLIDAYS})

    page = await browser.get("/console/settings")
    assert (await acme(services, world)).hours == Hours(
        zone="Asia/Tokyo",
        week={"mon": (Span(540, 720), Span(780, 1020)), "sat": (Span(1320, 120),)},
        holidays=(Holiday("12-25", "Christmas"), Holiday("2026-12-24", "Early closing", (Span(540, 720),))),
    )
    assert page.field("hours.mon").get("value") == "09:00-12:00, 13:00-17:00"
    assert page.main.one("textarea", name="hours.holidays").text.split() == HOLIDAYS.split()


async def test_hours_without_a_zone_are_the_workspaces_and_none_at_all_are_always(
    browser: Browser, services: Services, world: World
) -> None:
    await browser.send("/console/settings", {**FORM, "hours.mon": "09:00-12:00"})
    hours = (await acme(services, world)).hours
    await browser.send("/console/settings", FORM)

    assert hours == Hours(zone="Europe/Madrid", week={"mon": (Span(540, 720),)})
    assert (await acme(services, world)).hours is None


async def test_every_field_of_the_hours_that_is_wrong_is_named(browser: Browser) -> None:
    form = {**FORM, "hours.mon": "9 to 5", "hours.fri": "x", "hours.holidays": "Christmas"}

    page = await browser.send("/console/settings", form)

    assert page.status == 422
    assert page.text.count("is no span of hours; write it like 09:00-17:00") == 4
    assert "is no day; write 2026-12-25, or 12-25 for every year" in page.text


async def test_a_zone_of_the_hours_that_does_not_exist_is_refused(browser: Browser) -> None:
    page = await browser.send("/console/settings", {**FORM, **HOURS, "hours.zone": "Mars/Crater"})

    assert page.status == 422
    assert "Mars/Crater" in page.text
