"""Tags, labels and fields, as people set them up and change them beside a conversation."""

from __future__ import annotations

from typing import Any

import pytest

from relevo.testing.builders import World
from tests.web.console.browsing import Browser, Page

PLACE = "/console/vocabulary"


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


async def send(browser: Browser, what: str, fields: dict[str, str]) -> Page:
    """`tag/add`: what is done to which kind."""
    kind, _, does = what.partition("/")
    return await browser.send(f"{PLACE}/{does}", {"kind": kind, **fields})


async def words(world: World) -> Any:
    await world.catalog.refresh(at_once=True)
    return world.catalog.directory.vocabulary(world.company.flow.id)


async def test_what_subscribers_are_described_by_is_added_changed_and_deleted(
    browser: Browser, world: World
) -> None:
    flow = {"flow": f"{world.company.flow.id}"}
    await send(browser, "tag/add", {**flow, "tag-name": "lead"})
    await send(browser, "label/add", {**flow, "label-name": "Wholesale"})
    size = {"user-field-name": "size", "user-field-type": "number"}
    await send(browser, "user-field/add", {**flow, **size})
    price = {"bot-field-name": "price", "bot-field-type": "number", "bot-field-value": "7"}
    await send(browser, "bot-field/add", {**flow, **price})
    page = await browser.get(PLACE)

    for name in ("lead", "Wholesale", "size", "price"):
        assert f"<strong>{name}</strong>" in page.html
    about = {"of": "size", "name": "shoe size", "description": "Of a shoe", "display": "pin"}
    await send(browser, "user-field/change", {**flow, **about})
    await send(browser, "bot-field/change", {**flow, "of": "price", "value": "9.5"})
    changed = await words(world)
    shoe = changed.fields["shoe size"]
    assert (shoe.description, shoe.display) == ("Of a shoe", "pin")
    assert changed.bot == {"price": 9.5}

    for kind, name in (("tag", "lead"), ("label", "Wholesale"), ("bot-field", "price")):
        await send(browser, f"{kind}/delete", {**flow, "of": name})
        assert f"<strong>{name}</strong>" not in (await browser.get(PLACE)).html


@pytest.mark.parametrize(
    ("path", "sent", "told"),
    [
        ("tag/add", {"tag-name": "lead"}, "already"),
        ("tag/add", {"tag-name": ""}, "name"),
        ("user-field/add", {"user-field-name": "email", "user-field-type": "text"}, "every subscriber has"),
        ("user-field/add", {"user-field-name": "x", "user-field-type": "colour"}, "There is no type"),
        ("bot-field/add", {"bot-field-name": "x", "bot-field-type": "number", "bot-field-value": "much"},
         "must be a number"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_beside_the_field(
    browser: Browser, world: World, path: str, sent: dict[str, str], told: str
) -> None:
    flow = {"flow": f"{world.company.flow.id}"}
    await send(browser, "tag/add", {**flow, "tag-name": "lead"})

    refused = await send(browser, path, {**flow, **sent})

    assert refused.status == 422
    assert any(told in one for one in refused.problems), refused.problems


async def test_what_is_not_there_is_not_found(browser: Browser, world: World) -> None:
    flow = {"flow": f"{world.company.flow.id}"}

    assert (await send(browser, "colour/add", flow)).status == 404
    assert (await send(browser, "tag/delete", {**flow, "of": "x"})).status == 404
    assert (await send(browser, "tag/add", {"flow": "99", "tag-name": "x"})).status == 404


async def test_a_person_is_described_beside_the_conversation(browser: Browser, world: World) -> None:
    id_, flow = (await world.says("agent")).conversation_id, f"{world.company.flow.id}"
    where = f"/console/conversations/f{flow}u{id_}"
    await send(browser, "label/add", {"flow": flow, "label-name": "VIP"})
    size = {"user-field-name": "size", "user-field-type": "number"}
    await send(browser, "user-field/add", {"flow": flow, **size})

    async def does(what: str, name: str, value: str = "") -> str:
        await browser.send(f"{where}/describe", {"what": what, "name": name, "value": value})
        return (await browser.get(where)).html

    assert "Take off the tag lead" in await does("add-tag", "lead")
    assert "Take off the label VIP" in await does("add-label", "VIP")
    await does("set-field", "size", "42")
    person = (await world.conversation(id_)).subscriber
    assert (person.tags, person.labels, person.fields) == (("lead",), ("VIP",), {"size": 42})

    assert "must be a number like 42 or 9.5; it is &#39;big&#39;" in await does("set-field", "size", "big")
    assert "There is no label nobody" in await does("add-label", "nobody")
    assert "There is no field nothing" in await does("set-field", "nothing", "1")
    assert "A name has 1 to 200" in await does("add-tag", "")
    assert "nothing like" in await does("dance", "x")
    await does("remove-tag", "lead")
    await does("remove-label", "VIP")
    await does("set-field", "size", "")
    person = (await world.conversation(id_)).subscriber
    assert (person.tags, person.labels, person.fields) == ((), (), {})
