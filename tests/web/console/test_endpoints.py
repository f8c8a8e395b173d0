"""Integrations → Webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.admin.changing import reading
from relevo.admin.trying import Trial
from relevo.domain.configuring import MASK
from relevo.domain.deliveries import Delivery, Unreachable
from relevo.domain.signing import check_secret
from relevo.domain.workspaces import Endpoint, EventType
from relevo.store import directory, tables
from relevo.testing.builders import SIGNING_SECRET, World
from relevo.web.app import create_app
from relevo.web.services import Services
from tests.web.console.browsing import Browser, Page, means_of
from tests.web.console.conftest import accept
from tests.web.exchanges import client_of

URL = "https://other.example.com/hook"


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


async def endpoints(services: Services) -> dict[str, Endpoint]:
    found = await reading(means_of(services))
    return {one.name: one for one in found.endpoints.values()}


def fields(**changes: Any) -> dict[str, Any]:
    form = {
        "name": "night desk",
        "url": URL,
        "header_name": ["X-Key", "X-Region", ""],
        "header_value": ["k-1", "eu", ""],
        "events": ["message.sent", "handoff.returned"],
        "secret": "",
        "action": "save",
    }
    return {**form, **changes}


def as_sent(page: Page) -> dict[str, Any]:
    """A form's fields as the browser would send them back."""
    form = next(one for one in page.main.all("form") if one.all("input", name="url"))
    sent: dict[str, Any] = {}
    for one in form.all("input"):
        if one.get("type") not in ("checkbox", "radio") or "checked" in one.attributes:
            sent.setdefault(one.get("name"), []).append(one.get("value"))
    return {**sent, "action": "save"}


async def test_an_endpoint_is_made_and_its_secret_is_shown_once(browser: Browser, services: Services) -> None:
    made = await browser.send("/console/endpoints/new", fields())
    page = await browser.follow(made)
    again = await browser.follow(made)

    endpoint = (await endpoints(services))["night desk"]
    assert endpoint.url == URL
    assert endpoint.headers == {"X-Key": "k-1", "X-Region": "eu"}
    assert endpoint.events == {EventType.MESSAGE_SENT, EventType.HANDOFF_RETURNED}
    assert check_secret(endpoint.secrets[0]) is None
    assert endpoint.secrets[0] in page.html
    assert endpoint.secrets[0] not in again.html


async def test_no_secret_and_no_value_of_a_header_is_ever_shown(
    browser: Browser, services: Services, world: World
) -> None:
    own = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="
    made = await browser.send("/console/endpoints/new", fields(secret=own))
    pages = [await browser.follow(made), await browser.get("/console/endpoints")]
    pages.append(await browser.get(f"/console/endpoints/{world.company.endpoint.id}"))
    pages.append(await browser.send("/console/endpoints/new", fields(secret=own, name="")))

    for page in pages:
        for hidden in (own, SIGNING_SECRET, "k-123"):
            assert hidden not in page.html
    assert (await endpoints(services))["night desk"].secrets == (own,)


async def test_limits_are_set_and_taken_away(browser: Browser, services: Services) -> None:
    limits = {"max_in_flight": "7", "max_per_second": "30"}
    await browser.send("/console/endpoints/new", fields(**limits))
    one = (await endpoints(services))["night desk"]
    assert (one.max_in_flight, one.max_per_second) == (7, 30)
    page = await browser.get(f"/console/endpoints/{one.id}")
    assert {name: page.field(name).get("value") for name in limits} == limits

    await browser.send(f"/console/endpoints/{one.id}", as_sent(page) | dict.fromkeys(limits, ""))

    one = (await endpoints(services))["night desk"]
    assert (one.max_in_flight, one.max_per_second) == (0, 0)


@pytest.mark.parametrize("wrong", ["soon", "-1", "1.5", "201"])
async def test_a_limit_that_cannot_be_stands_beside_its_field(browser: Browser, wrong: str) -> None:
    page = await browser.send("/console/endpoints/new", fields(max_in_flight=wrong))

    assert page.status == 422
    assert wrong in page.problems[0]


async def test_what_is_left_masked_stays_as_it_is(browser: Browser, services: Services, world: World) -> None:
    before = world.company.endpoint
    address = f"/console/endpoints/{before.id}"
    page = await browser.get(address)
    assert page.field("url").get("value") == before.url

    await browser.send(address, as_sent(page))

    after = (await endpoints(services))["desk"]
    assert (after.url, after.headers, after.secrets) == (before.url, before.headers, before.secrets)


async def test_headers_are_added_changed_and_taken_away(
    browser: Browser, services: Services, world: World
) -> None:
    address = f"/console/endpoints/{world.company.endpoint.id}"
    form = as_sent(await browser.get(address))

    await browser.send(address, {**form, "header_name": ["X-Desk-Key", "X-New"], "header_value": [MASK, "n"]})
    assert (await endpoints(services))["desk"].headers == {"X-Desk-Key": "k-123", "X-New": "n"}
    await browser.send(address, {**form, "header_name": ["X-New"], "header_value": ["changed"]})
    assert (await endpoints(services))["desk"].headers == {"X-New": "changed"}
    await browser.send(address, {**form, "header_name": [""], "header_value": [""]})
    assert (await endpoints(services))["desk"].headers == {}


async def test_a_row_for_another_header_needs_no_script(browser: Browser, services: Services) -> None:
    page = await browser.send("/console/endpoints/new", fields(action="add_header", name=""))

    names = [one.get("value") for one in page.main.all("input", name="header_name")]
    assert page.status == 200
    assert names == ["X-Key", "X-Region", "", ""]
    assert page.problems == []
    assert "night desk" not in await endpoints(services)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "The name is empty; write one."),
        ("name", "desk", "There is already an endpoint desk; choose another."),
        ("url", "desk", "is not an http or https URL; write one like https://desk.example.com/hook."),
        ("url", "https://inside.example.com/x", "leads to 10.0.0.5, which is private; use a public address"),
        ("secret", "short", "left out, Relevo makes one"),
    ],
)
async def test_a_mistake_stands_beside_its_field_and_nothing_is_saved(
    browser: Browser, services: Services, field: str, value: str, words: str
) -> None:
    before = await endpoints(services)

    page = await browser.send("/console/endpoints/new", fields(**{field: value}))

    assert page.status == 422
    assert len(page.problems) == 1
    assert words in page.problems[0]
    assert page.field(field).get("aria-invalid") == "true"
    assert page.main.one("div", role="alert").all("a", href=f"#field-{field}") != []
    assert page.field("name").get("value") == ("night desk" if field != "name" else value)
    assert await endpoints(services) == before


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["Host"], "The header Host is set by Relevo itself; leave it out."),
        (["X Key"], "is not a header's name"),
        (["X-Key", "X-Key"], "The header X-Key is given twice; keep one of them."),
        (["X-Key", "x-key"], "The header x-key is given twice; keep one of them."),
    ],
)
async def test_a_mistake_in_a_header_stands_beside_it(
    browser: Browser, services: Services, names: list[str], words: str
) -> None:
    form = fields(header_name=names, header_value=["v"] * len(names))

    page = await browser.send("/console/endpoints/new", form)

    assert page.status == 422
    assert words in page.problems[-1]
    assert "night desk" not in await endpoints(services)


async def test_a_disabled_endpoint_says_why_and_is_enabled_again(
    browser: Browser, services: Services, world: World
) -> None:
    async with world.database.write() as connection:
        await directory.disable_endpoint(connection, world.company.endpoint.id, "endpoint_gone")
    address = f"/console/endpoints/{world.company.endpoint.id}"
    page = await browser.get(address)
    assert "The endpoint answered 410 Gone." in page.text
    assert "Disabled" in (await browser.get("/console/endpoints")).text

    await browser.send(f"{address}/enable")
    assert (await endpoints(services))["desk"].disabled_reason == ""
    await browser.send(f"{address}/disable")
    assert (await endpoints(services))["desk"].disabled_reason == "by Olga"


async def test_a_secret_is_replaced_without_a_gap(browser: Browser, services: Services, world: World) -> None:
    address = f"/console/endpoints/{world.company.endpoint.id}"

    replaced = await browser.follow(await browser.send(f"{address}/secret", {"keep_old_hours": "1"}))
    desk = (await endpoints(services))["desk"]
    new, old = desk.signing_secrets(world.clock.now())
    assert old == SIGNING_SECRET
    assert new in replaced.html
    assert old not in replaced.html
    assert "The old one signs too, until 13:00." in replaced.text
    assert "until 13:00: in 1 h it ends by itself" in (await browser.get(address)).text

    world.clock.advance(timedelta(minutes=20))
    assert "in 40 min it ends by itself" in (await browser.get(address)).text
    await browser.send(f"{address}/secret/retire")
    assert (await endpoints(services))["desk"].secrets == (new,)
    assert "with one secret" in (await browser.get(address)).text


@pytest.mark.parametrize(("asked", "hours"), [("", 24), ("168", 168), ("0", 0), ("a day", 24)])
async def test_how_long_the_old_secret_signs_is_chosen(
    browser: Browser, services: Services, world: World, asked: str, hours: int
) -> None:
    await browser.send(f"/console/endpoints/{world.company.endpoint.id}/secret", {"keep_old_hours": asked})

    until = (await endpoints(services))["desk"].old_secret_until
    assert until == (world.clock.now() + timedelta(hours=hours) if hours else None)


async def test_a_rotation_that_cannot_be_changes_nothing(
    browser: Browser, services: Services, world: World
) -> None:
    address = f"/console/endpoints/{world.company.endpoint.id}/secret"

    too_long = await browser.send(address, {"keep_old_hours": "721"})
    assert (too_long.status, (await endpoints(services))["desk"].secrets) == (422, (SIGNING_SECRET,))
    assert "at most 30d" in too_long.text
    await browser.send(address)
    before = (await endpoints(services))["desk"].secrets
    second = await browser.send(address)
    assert (second.status, (await endpoints(services))["desk"].secrets) == (422, before)
    assert "end it first" in second.text


async def test_what_it_listens_to_is_chosen_and_shown(browser: Browser, services: Services) -> None:
    made = await browser.send("/console/endpoints/new", fields(listening="some", channels=["web"]))
    address = made.headers["location"]
    page = await browser.get(address)
    form = as_sent(page)
    assert (form["listening"], form["channels"]) == (["some"], ["web"])

    await browser.send(address, {**form, "listening": "all"})
    assert (await endpoints(services))["night desk"].channels == "all"
    assert as_sent(await browser.get(address))["listening"] == ["all"]

    await browser.send(address, {**form, "listening": "none"})
    assert (await endpoints(services))["night desk"].channels == frozenset()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"listening": "some"}, "channels", "No channel is chosen; choose at least one"),
        ({"listening": "all", "events": []}, "events", "It listens to channels, but to no events of theirs"),
        ({"listening": "some", "channels": ["gone"]}, "channels", "There is no channel"),
    ],
)
async def test_who_could_hear_nothing_is_told_so(
    browser: Browser, services: Services, changes: dict[str, Any], field: str, words: str
) -> None:
    page = await browser.send("/console/endpoints/new", fields(**changes))

    assert page.status == 422
    assert words in page.problems[-1]
    assert page.main.one("div", role="alert").all("a", href=f"#field-{field}") != []
    assert "night desk" not in await endpoints(services)


async def test_one_that_live_chat_goes_to_cannot_be_deleted(
    browser: Browser, services: Services, world: World
) -> None:
    address = f"/console/endpoints/{world.company.endpoint.id}"

    page = await browser.get(address)
    assert "It cannot be deleted while the live chat of web, apichat goes there" in page.text
    assert (await browser.send(f"{address}/delete")).status == 422
    assert "desk" in await endpoints(services)


async def test_what_waits_must_be_given_up_knowingly(
    browser: Browser, services: Services, world: World
) -> None:
    await world.says("agent")
    async with world.database.write() as connection:
        await connection.execute(tables.channels.update().values(live_chat_mode="inbox", endpoint_id=None))
        await directory.touch(connection)
    address = f"/console/endpoints/{world.company.endpoint.id}"

    page = await browser.get(address)
    assert "deliveries wait. What waits is given up" in page.text
    refused = await browser.send(f"{address}/delete")
    assert (refused.status, "desk" in await endpoints(services)) == (422, True)
    assert "deliveries wait for desk" in refused.text

    gone = await browser.follow(await browser.send(f"{address}/delete", {"give_up_waiting": "yes"}))
    assert "The webhook desk is deleted." in gone.text
    assert "desk" not in await endpoints(services)
    assert (await browser.get(address)).status == 404
    log = await browser.get("/console/deliveries")
    assert "desk (deleted, no. 1)" in log.text
    assert log.main.all("a", href=address) == []


async def test_a_test_event_shows_the_request_and_the_answer(browser: Browser, world: World) -> None:
    page = await browser.send(f"/console/endpoints/{world.company.endpoint.id}/test")

    assert page.status == 200
    for words in (
        "Accepted with 200. It took 15 ms.",
        "POST /uchat HTTP/1.1",
        "To https://desk.example.com/uchat at 1 Jan 2030, 12:00:00.",
        "X-Desk-Key ••••",
        "webhook-id msg_",
        "webhook-signature v1,abc v1,def",
        "host desk.example.com",
        '"type": "test"',
        '"sent_by": "Olga"',
        'Byte for byte {"meta":{',
        "HTTP/1.1 200",
        "From 93.184.215.14, begun after 12 ms, whole after 15 ms.",
        "content-type application/json",
        '"taken": true',
    ):
        assert words in page.text, words
    assert "k-123" not in page.html


async def test_a_test_may_be_a_sample_of_any_event(browser: Browser, world: World) -> None:
    address = f"/console/endpoints/{world.company.endpoint.id}"
    options = [
        one.get("value")
        for one in (await browser.get(address)).main.one("form", action=f"{address}/test").all("option")
    ]
    assert options == ["test", *(event.value for event in EventType if event is not EventType.TEST)]

    page = await browser.send(f"{address}/test", {"event": "message.received"})
    assert '"content": "Is it in stock?"' in page.text
    chosen = [one for one in page.main.all("option") if "selected" in one.attributes]
    assert [one.get("value") for one in chosen] == ["message.received"]
    unknown = await browser.send(f"{address}/test", {"event": "message.recieved"})
    assert unknown.status == 422
    assert 'did you mean "message.received"' in unknown.text


async def test_a_test_that_nobody_answers_says_so(services: Services, world: World) -> None:
    async def silence(endpoint: Endpoint, delivery: Delivery) -> Trial:
        trial = await accept(endpoint, delivery)
        return msgspec.structs.replace(trial, outcome=Unreachable("timeout"), answer=None)

    deaf = msgspec.structs.replace(services, try_endpoint=silence)
    async with client_of(create_app(deaf)) as client:
        browser = Browser(client, deaf)
        await browser.sign_in(world.company.owner)
        page = await browser.send(f"/console/endpoints/{world.company.endpoint.id}/test")

    assert "No answer: there was no answer within the timeout." in page.text


async def test_without_a_way_to_try_there_is_no_button(services: Services, world: World) -> None:
    plain = msgspec.structs.replace(services, try_endpoint=None)
    app = create_app(plain)
    async with client_of(app) as client:
        browser = Browser(client, plain)
        await browser.sign_in(world.company.owner)
        address = f"/console/endpoints/{world.company.endpoint.id}"
        assert "Send test event" not in (await browser.get(address)).text
        assert (await browser.send(f"{address}/test")).status == 404


async def test_the_list_says_who_uses_it_and_what_waits(browser: Browser, world: World) -> None:
    await world.says("agent")

    page = await browser.get("/console/endpoints")

    row = page.main.one("tbody").one("tr")
    assert "desk https://desk.example.com/uchat web, apichat" in row.text
    assert "since 12:00" in row.text
    assert "Healthy" in row.text
