"""Integrations → Inbound webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from relevo.admin.changing import reading
from relevo.domain.inbound_webhooks import InboundWebhook
from relevo.testing.builders import World
from relevo.web.app import create_app
from relevo.web.services import Services
from tests.web.console.browsing import Browser, Page, means_of
from tests.web.exchanges import client_of

PLACE = "/console/inbound-webhooks"
BODY = {"customer": {"id": "visitor-1", "name": "Ana B"}, "order": {"sku": "mug", "token": "hush"}}


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


async def only(services: Services) -> InboundWebhook:
    (found,) = (await reading(means_of(services))).inbound_webhooks.values()
    return found


async def make(browser: Browser, services: Services) -> InboundWebhook:
    made = await browser.send(f"{PLACE}/new", {"name": "orders", "flow": "support", "channel": "web"})
    assert made.goes_to, made.html
    return await only(services)


async def sent(browser: Browser, path: str, fields: dict[str, Any] | None = None) -> Page:
    return await browser.follow(await browser.send(path, fields or {}))


def mapping(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {
        "name": "orders",
        "flow": "support",
        "channel": "web",
        "map_path": [path for path, _ in pairs],
        "map_to": [to for _, to in pairs],
        **more,
    }


async def test_one_is_made_listens_and_offers_what_came(
    browser: Browser, services: Services, world: World
) -> None:
    assert "No inbound webhook yet" in (await browser.get(PLACE)).text
    webhook = await make(browser, services)
    await world.catalog.refresh(at_once=True)
    assert "It listens." in (await browser.get(f"{PLACE}/{webhook.id}")).text

    async with client_of(create_app(services)) as client:
        assert (await client.post(f"/inbound/{webhook.key}", json=BODY)).status_code == 202
    page = await browser.get(f"{PLACE}/{webhook.id}")

    offered = [one.get("value") for one in page.main.all("input", name="map_path")]
    assert offered == ["customer.id", "customer.name", "order.sku", "order.token", ""]
    assert "hush" not in page.html
    assert "Last: Ana B" in page.text
    assert "Listened to" in page.text


async def test_what_is_mapped_is_carried_out_and_each_request_shown_with_its_reason(
    browser: Browser, services: Services, world: World
) -> None:
    webhook, ana = await make(browser, services), (await world.says("Hello")).conversation_id
    pairs = (("customer.id", "user_id"), ("customer.name", "name"), ("order.sku", "tag"), ("order.token", ""))
    wanted = mapping(*pairs, tags="a, b", start="person", key="id")
    saved = await sent(browser, f"{PLACE}/{webhook.id}", wanted)
    assert "The inbound webhook is saved." in saved.text
    await world.catalog.refresh(at_once=True)

    async with client_of(create_app(services)) as client:
        await client.post(f"/inbound/{webhook.key}", json=BODY)
        await client.post(f"/inbound/{webhook.key}", json={"order": {}})
    page = await browser.get(f"{PLACE}/{webhook.id}")

    assert len((await only(services)).mappings) == 3
    assert (await world.conversation(ana)).subscriber.tags == ("a", "b", "mug")
    assert "Refused: nobody named" in page.text
    assert "The request names nobody" in page.text
    assert f"f1001u{ana}" in page.text


async def test_what_is_wrong_is_said_beside_its_line(browser: Browser, services: Services) -> None:
    webhook = await make(browser, services)

    page = await browser.send(f"{PLACE}/{webhook.id}", mapping(("a b", "phone"), ("c", "fone")))

    assert page.status == 422
    assert '"a b" is not a path into JSON' in page.text
    assert '"fone" is nowhere a value can go' in page.text
    assert (await only(services)).listens


async def test_it_is_switched_off_and_on_renewed_and_deleted(
    browser: Browser, services: Services, world: World
) -> None:
    webhook = await make(browser, services)
    here = f"{PLACE}/{webhook.id}"

    assert "Switched off." in (await sent(browser, f"{here}/disable")).text
    assert (await only(services)).disabled_reason == "by Olga"
    assert "Switched off." not in (await sent(browser, f"{here}/enable")).text
    await browser.send(f"{here}/renew", {})
    assert (await only(services)).key != webhook.key
    assert "is deleted" in (await sent(browser, f"{here}/delete")).text
    assert (await reading(means_of(services))).inbound_webhooks == {}
