"""Groups, shortcuts, closing notes, reports and custom events, as people use them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.admin import agent_groups, workspaces
from relevo.admin.agent_groups import GroupWish
from relevo.domain.agent_groups import GroupMember
from relevo.domain.custom_events import EventValues
from relevo.domain.events import AgentReplied, Assigned, ByConversation, CustomEventLogged, Moved
from relevo.domain.messages import Text
from relevo.store import presence
from relevo.testing.builders import World
from tests.web.console.browsing import Browser


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


async def test_a_group_is_made_changed_and_deleted(browser: Browser, world: World) -> None:
    luis = world.company.agent.id
    body = {"name": "Sales", "assign_method": "round_robin", "online_first": "2", "members": f"{luis}"}
    await browser.send("/console/agent-groups/new", {**body, f"weighting.{luis}": "3"})
    listed = await browser.get("/console/agent-groups")
    await world.catalog.refresh(at_once=True)
    (group,) = world.catalog.directory.agent_groups.values()
    shown = await browser.get(f"/console/agent-groups/{group.id}")

    assert "Sales" in listed.html
    assert "One after the other" in listed.html
    assert [(one.member_id, one.weighting) for one in group.members] == [(luis, 3)]
    assert f'name="weighting.{luis}" value="3"' in shown.html
    refused = await browser.send("/console/agent-groups/new", body)
    assert refused.status == 422
    assert "There is already an agent group Sales" in refused.html
    await browser.send(f"/console/agent-groups/{group.id}/delete", {})
    assert "No agent group yet" in (await browser.get("/console/agent-groups")).html


async def test_a_conversation_is_given_to_a_group(browser: Browser, world: World) -> None:
    luis = world.company.agent.id
    body = {"name": "Sales", "assign_method": "random", "online_first": "0", "members": f"{luis}"}
    await browser.send("/console/agent-groups/new", body)
    await world.catalog.refresh(at_once=True)
    (group,) = world.catalog.directory.agent_groups
    id_ = (await world.says("agent")).conversation_id
    where = f"/console/conversations/f{world.company.flow.id}u{id_}"

    await browser.send(f"{where}/assign", {"member": f"group-{group}"})
    page = await browser.get(where)

    assert (await world.conversation(id_)).member_id == luis
    assert "Given to the group Sales." in page.html
    assert (await browser.send(f"{where}/assign", {"member": "group-99"})).status == 404


async def test_a_conversation_is_closed_with_what_its_note_asks_for(browser: Browser, world: World) -> None:
    id_ = (await world.says("agent")).conversation_id
    flow = world.company.flow.id
    where = f"/console/conversations/f{flow}u{id_}"
    note = {"name": "Sold", "flow_id": f"{flow}", "require_summary": "2", "require_attachment": "0"}
    await browser.send("/console/closing-notes/new", note)
    assert "Close with a note" in (await browser.get(where)).html

    without = await browser.send(f"{where}/close", {"note": "1", "summary": ""})
    unknown = await browser.send(f"{where}/close", {"note": "9", "summary": "x"})
    await browser.send(f"{where}/close", {"note": "1", "summary": "two mugs"})

    assert (without.status, unknown.status) == (422, 404)
    assert "asks for the summary" in without.html
    assert (await world.conversation(id_)).status == "done"
    assert (await world.messages(id_))[-1].content == Text("Closed: Sold\ntwo mugs")


async def test_a_shortcut_stands_above_what_is_written(browser: Browser, world: World) -> None:
    id_, flow = (await world.says("agent")).conversation_id, world.company.flow.id
    body = {"name": "bye", "flow_id": f"{flow}", "value": "Have a good day!"}
    await browser.send("/console/shortcuts/new", body)
    page = await browser.get(f"/console/conversations/f{flow}u{id_}")

    assert '<option value="Have a good day!">bye</option>' in page.html
    changed = await browser.send("/console/shortcuts/1", {"name": "bye", "value": ""})
    assert changed.status == 422
    await browser.send("/console/shortcuts/1/delete", {})
    assert "No shortcut yet" in (await browser.get("/console/shortcuts")).html


async def test_reports_show_the_days_and_the_agents(browser: Browser, world: World) -> None:
    to = ByConversation((await world.says("agent")).conversation_id)
    luis = world.company.agent.id
    await world.submit(Assigned(to=to, member_id=luis))
    world.clock.advance(timedelta(seconds=45))
    await world.submit(AgentReplied(to=to, contents=(Text("Yes"),), member_id=luis))
    await world.submit(Moved(to=to, status="done"))

    today = (await browser.get("/console/reports?range=today")).html
    week = (await browser.get("/console/reports")).html

    assert today.count("45 s") >= 3  # to the first answer, and to the end
    assert "Luis" in today
    assert "No agent has done anything" in week
    assert week.count('<th scope="row">') == 7


async def test_whoever_looks_is_online_for_a_while(browser: Browser, world: World) -> None:
    await browser.get("/console/conversations")
    olga = world.company.owner.id

    async with world.database.read() as connection:
        now = world.clock.now()
        assert await presence.online(connection, [olga], now + timedelta(seconds=149)) == {olga}
        assert await presence.online(connection, [olga], now + timedelta(seconds=151)) == set()


async def test_what_the_workspace_hides_is_not_listed(browser: Browser, world: World) -> None:
    id_ = (await world.says("buy gold", name="Spammer")).conversation_id
    await world.submit(Moved(to=ByConversation(id_), status="spam"))
    assert "Spammer" in (await browser.get("/console/conversations")).html

    await set_sidebar(world, "hide_spam", "hide_status")
    page = (await browser.get("/console/conversations")).html

    assert "Spammer" not in page
    assert 'name="status"' not in page
    assert "Spammer" in (await browser.get("/console/conversations?status=spam")).html


async def set_sidebar(world: World, *flags: str) -> None:
    async with world.database.write() as connection:
        await workspaces.set_sidebar(connection, world.company.workspace.id, flags)
    await world.catalog.refresh(at_once=True)


async def test_who_sees_only_their_own_sees_nothing_else(browser: Browser, world: World) -> None:
    luis, flow = world.company.agent, world.company.flow.id
    mine = (await world.says("Hello", user_id="m", name="Mia")).conversation_id
    other = (await world.says("Hello", user_id="o", name="Otto")).conversation_id
    await world.submit(Assigned(to=ByConversation(mine), member_id=luis.id))
    wish = GroupWish(name="Sales", only_own=True, members=(GroupMember(luis.id),))
    async with world.database.write() as connection:
        here, now = world.company.workspace.id, world.clock.now()
        await agent_groups.save(connection, here, wish, people={luis.id}, now=now)
    await browser.sign_in(luis)

    page = (await browser.get("/console/conversations")).html

    assert ("Mia" in page, "Otto" in page) == (True, False)
    assert (await browser.get(f"/console/conversations/f{flow}u{mine}")).status == 200
    assert (await browser.get(f"/console/conversations/f{flow}u{other}")).status == 404
    assert (await browser.send(f"/console/conversations/f{flow}u{other}/resume", {})).status == 404


async def test_a_custom_event_is_added_changed_seen_and_deleted(browser: Browser, world: World) -> None:
    flow = world.company.flow.id
    id_ = (await world.says("Hello")).conversation_id
    body = {"name": "Order placed", "flow_id": f"{flow}", "price_label": "Price in euro"}
    await browser.send("/console/custom-events/new", body)
    await world.catalog.refresh(at_once=True)
    (event,) = world.catalog.directory.custom_events.values()
    for number in range(21):
        values = EventValues(text="mug", price=9.5, number=float(number))
        to = ByConversation(id_)
        await world.submit(CustomEventLogged(to=to, custom_event=event, values=values))

    page = (await browser.get(f"/console/custom-events/{event.id}")).html
    older = (await browser.get(f"/console/custom-events/{event.id}?before=2")).html
    again = await browser.send("/console/custom-events/new", body)
    long = await browser.send(f"/console/custom-events/{event.id}", {"name": "x", "text_label": "y" * 201})
    await browser.send(f"/console/custom-events/{event.id}", {"name": "Sold", "text_label": "What"})
    changed = await browser.get(f"/console/custom-events/{event.id}")

    assert page.count(f"/console/conversations/f{flow}u{id_}") == 20
    assert "Price in euro" in page
    assert "?before=2" in page
    assert ">0</td>" in older
    assert ">1</td>" not in older
    assert (again.status, long.status) == (422, 422)
    assert "There is already a custom event Order placed" in again.html
    assert "It has 201 characters" in long.html
    assert "Sold is saved" in changed.html
    assert '<th scope="col">What</th>' in changed.html
    await browser.send(f"/console/custom-events/{event.id}/delete", {})
    assert "No custom event yet" in (await browser.get("/console/custom-events")).html
    assert (await browser.get(f"/console/custom-events/{event.id}")).status == 404
