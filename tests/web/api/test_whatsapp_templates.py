"""Templates over the API: what Meta has approved is listed, made, deleted, and asked for again."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.channels.adapter import VendorAnswer, VendorCall
from relevo.domain.deliveries import Unreachable
from relevo.domain.messages import MessageStatus
from relevo.testing.builders import World, add_channel
from relevo.testing.channel_suite import play
from tests.web.api.conftest import NUMBER, ORDER_SENT, Ana, app_of
from tests.web.api.test_isolation import second_flow
from tests.web.api.validating import Api
from tests.web.exchanges import client_of

NEW = {
    "name": "sale",
    "language": "de",
    "category": "marketing",
    "components": [{"type": "BODY", "text": "Nur heute"}],
}


@pytest.fixture
async def number(world: World, api: Api) -> None:
    """A WhatsApp number whose templates were synced."""
    await add_channel(world, "whatsapp", NUMBER)
    assert (await api.post("/whatsapp-template/sync")).json() == {"status": "ok"}
    await world.catalog.refresh(at_once=True)


async def listed(api: Api, **query: Any) -> list[str]:
    return [one["name"] for one in (await api.post("/whatsapp-template/list", query)).json()["data"]]


@pytest.mark.usefixtures("number")
async def test_what_meta_told_is_listed(api: Api) -> None:
    (one,) = (await api.post("/whatsapp-template/list", {"name": "ORDER"})).json()["data"]

    assert one == {
        "name": "order_sent",
        "language": "en_US",
        "category": "UTILITY",
        "status": "APPROVED",
        "namespace": "",
        "components": ORDER_SENT["components"],
        "channel": "whatsapp",
    }
    assert await listed(api, name="nothing") == []


@pytest.mark.usefixtures("number")
async def test_the_page_may_be_asked_for_in_the_query_too(api: Api, world: World) -> None:
    await api.post("/whatsapp-template/create", NEW)
    await world.catalog.refresh(at_once=True)

    first = (await api.send("POST", "/whatsapp-template/list?limit=1&page=2")).json()

    assert [one["name"] for one in first["data"]] == ["sale"]
    assert (first["meta"]["total"], first["meta"]["per_page"]) == (2, 1)


@pytest.mark.usefixtures("number")
async def test_a_new_one_waits_for_meta_and_a_deleted_one_is_gone(api: Api, world: World) -> None:
    assert (await api.post("/whatsapp-template/create", NEW)).json() == {"status": "ok"}
    await world.catalog.refresh(at_once=True)
    rows = (await api.post("/whatsapp-template/list")).json()["data"]
    assert [(one["name"], one["status"]) for one in rows] == [
        ("order_sent", "APPROVED"),
        ("sale", "PENDING"),
    ]

    await api.write("DELETE", "/whatsapp-template/delete", {"name": "order_sent"})
    await world.catalog.refresh(at_once=True)
    assert await listed(api) == ["sale"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"category": "LETTER"}, "category"),
        ({"components": [{"type": "FOOTER"}]}, "components"),
        ({"name": "No!"}, "name"),
        ({"channel": "elsewhere"}, "channel"),
    ],
)
@pytest.mark.usefixtures("number")
async def test_a_template_that_cannot_be_is_refused(api: Api, wrong: dict[str, Any], field: str) -> None:
    refused = await api.post("/whatsapp-template/create", NEW | wrong)

    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == [field]


async def test_without_a_number_there_is_nothing_to_sync(api: Api) -> None:
    refused = await api.post("/whatsapp-template/sync")

    assert refused.status_code == 422
    assert refused.json()["message"] == "The flow has no WhatsApp channel yet; connect one first."


@pytest.mark.usefixtures("number")
async def test_another_flow_has_no_part_in_it(api: Api, world: World) -> None:
    neighbour = api.with_token(await world.add_token(await second_flow(world)))

    assert await listed(neighbour) == []
    refused = await neighbour.write("DELETE", "/whatsapp-template/delete", {"name": "order_sent"})
    assert refused.status_code == 422


REFUSAL = {"error": {"code": 100, "message": "Invalid parameter", "error_user_msg": "The text is too long"}}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (VendorAnswer(status=400, headers={}, body=msgspec.json.encode(REFUSAL)),
         "Meta answered 400: 100 Invalid parameter: The text is too long"),
        (VendorAnswer(status=200, headers={}, body=b"<html>"),
         "Meta answered with something that Relevo does not understand"),
        (Unreachable("timeout"), "the vendor did not answer (timeout); try again in a moment"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("number")
async def test_what_meta_says_no_to_changes_nothing(
    api: Api, world: World, said: VendorAnswer | Unreachable, words: str
) -> None:
    async def ask(dialogue: Generator[VendorCall, VendorAnswer, Any], _: tuple[str, ...], /) -> Any:
        return said if isinstance(said, Unreachable) else play(dialogue, lambda _: said)[1]

    world.ask_vendor = ask
    async with client_of(app_of(world.services())) as http:
        refused = await Api(http, api.told, api.token).post("/whatsapp-template/sync")

    assert (refused.status_code, refused.json()["message"]) == (422, words)
    await world.catalog.refresh(at_once=True)
    assert await listed(api) == ["order_sent"]


@pytest.mark.usefixtures("number")
async def test_a_send_is_checked_against_what_the_template_declares(api: Api, world: World) -> None:
    (channel,) = [one for one in world.catalog.directory.channels.values() if one.type == "whatsapp"]
    ana = Ana(world, (await world.says("Hello", user_id="61400000000", channel=channel)).conversation_id)
    path, content = "/subscriber/send-whatsapp-template", {"name": "order_sent", "lang": "en_US"}
    before = len(await ana.messages())

    refused = await api.post(path, {"user_ns": ana.user_ns, "content": content}, key="a")

    assert (refused.status_code, refused.headers["relevo-error"]) == (409, "not_sent")
    assert refused.json()["message"] == (
        "This was not sent: rejected: the template order_sent (en_US) needs BODY_{{1}} as well."
    )
    assert (await ana.last()).status is MessageStatus.FAILED
    again = await api.post(path, {"user_ns": ana.user_ns, "content": content}, key="a")
    assert (again.status_code, again.json()) == (409, refused.json())
    assert len(await ana.messages()) == before + 1

    filled = {**content, "params": {"BODY_{{1}}": "Ana"}}
    taken = await api.post(path, {"user_ns": ana.user_ns, "content": filled})
    assert taken.status_code == 200
    assert (await ana.said())[-1] == ("out", "Hi Ana", "Bot")


@pytest.mark.usefixtures("number")
async def test_too_late_a_word_is_refused_with_the_templates_that_may_be_said(api: Api, world: World) -> None:
    (channel,) = [one for one in world.catalog.directory.channels.values() if one.type == "whatsapp"]
    said = await world.says("Hello", user_id="61400000000", channel=channel)
    world.clock.advance(timedelta(hours=24))
    ana = Ana(world, said.conversation_id)

    refused = await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi"})

    assert refused.status_code == 409
    assert refused.json()["message"] == (
        "This was not sent: window_closed: the person has not written for 24 hours; "
        "templates may be sent: order_sent (en_US)."
    )
