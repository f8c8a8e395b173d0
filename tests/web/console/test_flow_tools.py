"""Trying a flow in the console, its picture with who is where, and the check while somebody types."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from relevo.admin import flows, vocabulary
from relevo.domain.flows.drawing import Crowd
from relevo.domain.flows.runs import Frame, Run, Waiting
from relevo.domain.ids import FlowVersionId
from relevo.store import standing
from relevo.store.standing import Standing
from relevo.testing.builders import SUPPORT, World
from relevo.testing.clock import NOON
from relevo.web.console.flow_pictures import crowds_of
from relevo.web.console.flow_trying import MOST_LINES
from relevo.web.services import Services
from tests.web.console.browsing import Browser, Page, means_of


def said(page: Page) -> list[str]:
    return [one.text for one in page.main.one("ol", class_="tried").all("li")]


async def test_a_flow_is_tried_line_by_line_without_a_trace(browser: Browser, world: World) -> None:
    page = await browser.get(f"/console/flows/{world.company.flow.id}/try")
    assert "Nothing was said yet" in page.text

    typed: list[str] = []
    for line in ("hi", "agent", "/wait 30m"):
        fields = {"source": SUPPORT, "typed": "\n".join(typed), "channel": "web"}
        page = await browser.send("/console/flows/try", {**fields, "line": line})
        typed.append(line)
        assert page.field("typed").get("value").split() == " ".join(typed).split()

    assert said(page)[0] == "customer hi"
    assert any(one.startswith("bot Hello Ana") for one in said(page))
    assert any(one.startswith("platform handoff.requested") for one in said(page))
    assert any(one.startswith("platform handoff.returned") for one in said(page))
    async with world.database.read() as connection:
        assert await standing.people_in(connection, world.company.flow.id, most=10) == (0, [])


async def test_the_page_stands_below_its_flow_and_a_new_one_below_all_flows(
    browser: Browser, world: World
) -> None:
    def trail(page: Page) -> list[tuple[str, str]]:
        return [(one.text, one.get("href")) for one in page.tree.one("nav", class_="crumbs").all("a")]

    above, flow = ("Flows", "/console/flows"), world.company.flow
    below = (flow.name, f"/console/flows/{flow.id}")

    begun = await browser.get(f"/console/flows/{flow.id}/try")
    assert trail(begun) == [above, below]
    fields = {"source": SUPPORT, "typed": "", "line": "hi"}
    assert trail(await browser.send("/console/flows/try", {**fields, "flow": str(flow.id)})) == [above, below]
    for nobodys in ("", "999", "x", "../sign-out"):
        page = await browser.send("/console/flows/try", {**fields, "flow": nobodys})
        assert trail(page) == [above]
        assert page.field("flow").get("value") == ""


async def test_a_line_that_is_not_understood_is_refused_and_the_rest_stays(browser: Browser) -> None:
    fields = {"source": SUPPORT, "typed": "hi\nagent"}
    page = await browser.send("/console/flows/try", {**fields, "line": "/wait soon"})

    assert "/wait needs a duration" in page.html
    assert page.field("typed").get("value").split() == ["hi", "agent"]
    assert "State" in page.text
    anew = await browser.send("/console/flows/try", {**fields, "action": "restart"})
    assert said(anew) == ["Nothing was said yet."]


async def test_a_flow_is_tried_with_the_defaults_of_the_workspace(
    browser: Browser, services: Services, world: World
) -> None:
    head = "version: 1\nflow: {0}\nstart: {1}\nsubflows:\n  {1}: [{{{2}}}]\n"
    shared = head.format("defaults", "handoff_not_accepted", "send: ours")
    await flows.publish(means_of(services), world.company.workspace.id, shared)
    await world.catalog.refresh(at_once=True)

    source = head.format("a", "a", "pause_bot: {not_accepted: }")
    page = await browser.send("/console/flows/try", {"source": source, "typed": "hi", "line": "/wait 3m"})

    assert "bot ours" in said(page)


async def test_a_text_with_mistakes_is_told_and_not_tried(browser: Browser) -> None:
    page = await browser.send("/console/flows/try", {"source": "version: 2", "line": "hi"})

    assert page.status == 200
    assert "It has mistakes" in page.text


@pytest.mark.parametrize(
    "given",
    [
        {"typed": "hi\n" * (MOST_LINES * 3), "line": "hi"},
        {"typed": "/wait 366d\n" * 20, "line": "hi"},
        {"typed": "\x00\n//\n/", "line": "x" * 5000, "channel": "fax"},
        {},
    ],
)
async def test_a_trial_is_bounded_whatever_is_sent(browser: Browser, given: dict[str, str]) -> None:
    minutely = '  - {on: schedule, cron: "* * * * *", when: {not: {tag: x}}, do: welcome}\nsubflows:'

    assert (
        await browser.send("/console/flows/try", {"source": SUPPORT.replace("subflows:", minutely), **given})
    ).status == 200


async def test_somebody_who_asks_all_the_time_is_slowed_down(browser: Browser) -> None:
    answers = [(await browser.send("/console/flows/check", {"source": "x"})).status for _ in range(60)]

    assert 429 in answers
    assert answers[0] == 200


async def test_a_text_is_checked_while_it_is_typed(browser: Browser) -> None:
    async def found(source: str) -> list[dict[str, object]]:
        page = await browser.send("/console/flows/check", {"source": source})
        answer: list[dict[str, object]] = msgspec.json.decode(page.html)["found"]
        return answer

    assert await found(SUPPORT) == []
    (mistake,) = await found(SUPPORT.replace("start: welcome", "start: wellcome"))
    assert (mistake["kind"], mistake["line"], mistake["column"]) == ("mistake", 3, 8)
    assert "did you mean" in str(mistake["remedy"])
    advice = await found(SUPPORT + "  nowhere: [end]\n")
    assert {one["kind"] for one in advice} == {"advice"}


async def test_the_check_knows_the_fields_of_the_flow_and_of_no_other_workspace(
    browser: Browser, services: Services, world: World
) -> None:
    other = await world.add_company("Other")
    for flow in (world.company.flow, other.flow):
        async with world.database.write() as connection:
            await vocabulary.create_user_field(connection, flow.id, "size", "number", "", NOON)
    await world.catalog.refresh(at_once=True)
    source = SUPPORT.replace("  welcome:\n", "  welcome:\n    - set: {size: big}\n")

    async def found(flow: str) -> int:
        page = await browser.send("/console/flows/check", {"source": source, "flow": flow})
        return len(msgspec.json.decode(page.html)["found"])

    assert await found(str(world.company.flow.id)) == 1
    assert [await found(one) for one in (str(other.flow.id), "", "x")] == [0, 0, 0]


async def test_the_picture_has_every_subflow_and_who_waits_where(browser: Browser, world: World) -> None:
    await world.says("agent")

    page = await browser.get(f"/console/flows/{world.company.flow.id}/picture")

    assert page.main.get("data-live") == "/console/events?rest=5"
    assert {one.get("data-refresh") for one in page.main.all("div") if one.get("data-refresh")} == {
        "head",
        "picture",
        "places",
    }
    assert "1 of the 1 people" in page.text
    assert page.html.count('class="flow-box"') == 2
    assert "1 waiting here" in page.html
    assert "person: step 2 1 0" in " ".join(page.main.one("table").text.split())


def test_who_is_in_an_earlier_version_is_not_in_the_picture_and_who_is_silent_has_left() -> None:
    def one(version: int, for_: str, hours: int, path: tuple[int | str, ...] = (1,)) -> Standing:
        waiting = Waiting(for_)  # type: ignore[arg-type]
        run = Run(version_id=FlowVersionId(version), epoch=0, stack=(Frame("a", path),), waiting=waiting)
        return Standing(run, NOON - timedelta(hours=hours))

    people = [one(1, "answer", 1), one(1, "answer", 30), one(1, "time", 30), one(2, "answer", 1)]
    rounds = [one(1, "answer", 1, (0, "round 2", 0)), one(1, "answer", 1, (0, "round 3", 0))]

    assert crowds_of([*people, *rounds], FlowVersionId(1), NOON) == {
        ("a", (1,)): Crowd(3, 1),
        ("a", (0, "round", 0)): Crowd(2, 0),
    }


async def test_the_editor_leads_to_the_check_and_the_schema(browser: Browser, world: World) -> None:
    page = await browser.get(f"/console/flows/{world.company.flow.id}/edit")

    assert 'data-checks="/console/flows/check"' in page.html
    assert "flow_editor.js?v=" in page.html
    assert 'data-schema="/flow.schema.json"' in page.html


async def test_the_editor_has_the_names_of_its_own_workspace_to_suggest(
    browser: Browser, world: World
) -> None:
    other = await world.add_company("Other")
    for flow, name in ((world.company.flow, "ours"), (other.flow, "theirs")):
        async with world.database.write() as connection:
            await vocabulary.create_tag(connection, flow.id, f"{name} <'\">", NOON)
            await vocabulary.create_user_field(connection, flow.id, f"{name} size", "number", "", NOON)
            await vocabulary.create_label(connection, flow.workspace_id, f"{name} label", NOON)
    await world.catalog.refresh(at_once=True)

    async def names(path: str) -> dict[str, list[str]]:
        page = await browser.get(f"/console/flows/{path}")
        found: dict[str, list[str]] = msgspec.json.decode(
            page.main.one("div", class_="editor").get("data-names")
        )
        return found

    known, of_none = await names(f"{world.company.flow.id}/edit"), await names("new")

    assert known["tag"] == ["ours <'\">"]
    assert "ours size" in known["field"]
    assert known["label"] == of_none["label"] == ["ours label"]
    assert known["agent"] == ["luis@example.com", "olga@example.com"]
    assert of_none["tag"] == []
    assert "theirs" not in str(known) + str(of_none)
