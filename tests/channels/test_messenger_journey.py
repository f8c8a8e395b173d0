"""A page and an Instagram account from their connection to an agent's answer, with a Graph API on this
machine (`messenger_vendor`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relevo.channels.messenger import tests as messenger_tests
from relevo.domain.events import AgentRead, AgentTyped, ByConversation
from relevo.domain.messages import Interactive, Media, MessageStatus, MessageType, Other, Text
from relevo.store.database import Database
from tests.channels.journeys import Journey, journey
from tests.channels.messenger_vendor import (
    ACCOUNT,
    APP,
    PAGE,
    PHOTO,
    SECRET,
    TOKEN,
    MetaVendor,
    signed,
    trying,
)

FIXTURES = Path(messenger_tests.__file__).parent / "fixtures"
INSTAGRAM = FIXTURES.parent.parent / "instagram" / "fixtures"
ANA, BO = "7301234567890123", "1654321098765432"
FLOW = """\
version: 1
flow: support
start: welcome
subflows:
  welcome:
    - send: {text: "Hello", buttons: [{title: "Yes, please", do: person}]}
  person:
    - send: "Somebody comes."
"""
DAY = timedelta(days=1)


@pytest.fixture
async def vendor() -> AsyncIterator[MetaVendor]:
    async with MetaVendor() as vendor:
        yield vendor


def config(vendor: MetaVendor, **account: str) -> dict[str, Any]:
    return {"access_token": TOKEN, "app_id": APP, "app_secret": SECRET, "api_url": vendor.url, **account}


@pytest.fixture
async def page(database: Database, tmp_path: Path, vendor: MetaVendor) -> AsyncIterator[Journey]:
    """A page that is connected."""
    async with journey(database, tmp_path, "messenger", config(vendor, page_id=PAGE), flow=FLOW) as page:
        assert (await page.connect()).problems == ()
        yield page


@pytest.fixture
async def insta(database: Database, tmp_path: Path, vendor: MetaVendor) -> AsyncIterator[Journey]:
    """An Instagram account that is connected."""
    given = config(vendor, account_id=ACCOUNT)
    async with journey(database, tmp_path, "instagram", given, flow=FLOW) as insta:
        assert (await insta.connect()).problems == ()
        yield insta


async def posts(here: Journey, body: bytes) -> None:
    answer = await here.client.post(here.hook, content=body, headers=signed(body))
    assert answer.status_code == 200
    await here.settle_down()


async def posts_fixture(here: Journey, fixture: str, folder: Path = FIXTURES) -> None:
    await posts(here, (folder / f"{fixture}.json").read_bytes())


async def tells(here: Journey, **event: Any) -> None:
    """Meta tells something about Ana."""
    about = {"sender": {"id": ANA}, "recipient": {"id": PAGE}, "timestamp": 1893499200000, **event}
    await posts(here, msgspec.json.encode({"object": "page", "entry": [{"id": PAGE, "messaging": [about]}]}))


def words(vendor: MetaVendor) -> list[str]:
    messages = [body["message"] for body in vendor.sent]
    return [one.get("text") or one["attachment"]["payload"]["text"] for one in messages]


async def test_a_customer_writes_presses_a_button_and_is_answered(page: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(page, "text_message")
    await posts_fixture(page, "button_press")
    await page.agent_says(ANA, Text("I am Luis."))

    assert words(vendor) == ["Hello", "Somebody comes.", "I am Luis."]
    messages = await page.messages_of(ANA)
    assert messages[2].content == Interactive("Yes, please", "do:person")
    assert [message.mid for message in messages] == ["m_one", "m_out_1", "m_three", "m_out_2", "m_out_3"]


async def test_meta_tries_the_hook_and_hears_what_it_wants(page: Journey, vendor: MetaVendor) -> None:
    answer = await page.client.get(trying(vendor.subscriptions["page"]))
    assert (answer.status_code, answer.text) == (200, "1158201444")

    stranger = await page.client.get(trying({**vendor.subscriptions["page"], "verify_token": "guessed"}))
    assert stranger.status_code == 401


async def test_an_unsigned_request_is_refused(page: Journey) -> None:
    answer = await page.client.post(page.hook, content=(FIXTURES / "text_message.json").read_bytes())

    assert answer.status_code == 401


async def test_the_same_notification_twice_is_one_message(page: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(page, "text_message")
    await posts_fixture(page, "text_message")

    assert words(vendor) == ["Hello"]


async def test_after_a_day_only_a_human_is_heard_and_after_a_week_nobody(
    page: Journey, vendor: MetaVendor
) -> None:
    await posts_fixture(page, "text_message")
    await page.later(2 * DAY)
    await page.agent_says(ANA, Text("I have looked."))
    assert {name: vendor.sent[-1].get(name) for name in ("messaging_type", "tag")} == {
        "messaging_type": "MESSAGE_TAG",
        "tag": "HUMAN_AGENT",
    }
    asked = len(vendor.asked)

    await page.later(6 * DAY)
    await page.agent_says(ANA, Text("Are you there?"))

    last = (await page.messages_of(ANA))[-1]
    assert (last.type, last.status) == (MessageType.AGENT, MessageStatus.FAILED)
    assert last.error.startswith("window_closed: the person has not written for 7 days")
    assert len(vendor.asked) == asked

    now = milliseconds(page.world.clock.now())
    await tells(page, timestamp=now, message={"mid": "m_back", "text": "I was away"})
    await page.agent_says(ANA, Text("There you are."))
    assert "tag" not in vendor.sent[-1]


async def test_after_a_day_the_bot_is_refused_before_meta_is_asked(page: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(page, "text_message")
    await page.later(2 * DAY)
    asked = len(vendor.asked)

    await page.bot_says(ANA, Text("Still there?"))

    last = (await page.messages_of(ANA))[-1]
    assert (last.type, last.status) == (MessageType.OUT, MessageStatus.FAILED)
    assert last.error == (
        "window_closed: the person has not written for 24 hours; until 7 days are over"
        " an agent may write to them"
    )
    assert len(vendor.asked) == asked


async def test_a_reaction_opens_the_window_anew(page: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(page, "text_message")
    await page.later(2 * DAY)
    now = milliseconds(page.world.clock.now())
    await tells(page, timestamp=now, reaction={"mid": "m_1", "action": "react", "emoji": "❤"})

    await page.bot_says(ANA, Text("Still there?"))

    assert words(vendor)[-1] == "Still there?"


async def test_what_had_to_wait_until_the_window_closed_is_refused(page: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(page, "text_message")
    await page.later(7 * DAY - timedelta(seconds=30))
    vendor.errors = [(400, 613, 0)]
    await page.agent_says(ANA, Text("Just in time?"))
    await page.later(timedelta(minutes=2))

    assert (await page.messages_of(ANA))[-1].error.startswith(
        "window_closed: when its turn came, the person had been silent"
    )
    assert words(vendor) == ["Hello"]


async def test_a_read_moves_forward_what_meta_had_taken_until_then(page: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(page, "text_message")
    read_at = page.world.clock.now()
    await page.later(timedelta(minutes=1))
    await page.agent_says(ANA, Text("Later"))
    await tells(page, read={"watermark": milliseconds(read_at)})
    assert [one.status for one in await page.messages_of(ANA)][1:] == [MessageStatus.READ, MessageStatus.SENT]

    await tells(page, delivery={"mids": ["m_out_2"], "watermark": milliseconds(page.world.clock.now())})
    assert (await page.messages_of(ANA))[-1].status is MessageStatus.DELIVERED
    await tells(page, read={"watermark": milliseconds(page.world.clock.now())})
    assert (await page.messages_of(ANA))[-1].status is MessageStatus.READ


async def test_what_waits_to_be_sent_is_not_read(page: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(page, "text_message")
    vendor.errors = [(400, 613, 0)]
    await page.agent_says(ANA, Text("Wait"))
    await tells(page, read={"watermark": milliseconds(page.world.clock.now())})
    assert (await page.messages_of(ANA))[-1].status is MessageStatus.QUEUED

    await page.later(timedelta(minutes=2))

    assert words(vendor) == ["Hello", "Wait"]


async def test_a_comment_is_told_and_not_answered(page: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(page, "comment")

    (message,) = await page.messages_of(ANA)
    assert isinstance(message.content, Other)
    assert (message.content.type, message.content.text, message.username) == ("feed", "price?", "Ana Diaz")
    assert vendor.sent == []


async def test_a_picture_is_fetched_and_served_by_us(page: Journey, vendor: MetaVendor) -> None:
    attachment = {"type": "image", "payload": {"url": f"{vendor.url}/photo.jpg"}}
    await tells(page, message={"mid": "m_photo", "attachments": [attachment]})

    content = (await page.messages_of(ANA))[0].content
    assert isinstance(content, Media)
    assert (await page.client.get(content.url)).content == PHOTO


async def test_a_closed_window_that_only_meta_knows_of_is_told(page: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(page, "text_message")
    vendor.errors = [(400, 10, 2018278)]
    await page.agent_says(ANA, Text("Hi"))

    assert (await page.messages_of(ANA))[-1].error == "window_closed: 10/2018278 No"


async def test_it_is_shown_that_an_agent_has_read_and_types(page: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(page, "text_message")
    to = ByConversation((await page.conversation_of(ANA)).id)
    async with asyncio.timeout(10):
        await page.world.submit(AgentRead(to=to))
        assert await vendor.actions.get() == "mark_seen"
        await page.world.submit(AgentTyped(to=to))
        assert await vendor.actions.get() == "typing_on"


async def test_an_instagram_account_is_answered_by_the_same_page(insta: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(insta, "text_message", INSTAGRAM)
    await posts_fixture(insta, "ice_breaker", INSTAGRAM)
    await insta.agent_says(BO, Text("I am Luis."))

    assert vendor.subscriptions["instagram"]["callback_url"] == insta.hook
    assert words(vendor)[0] == "Hello"
    assert words(vendor)[-1] == "I am Luis."
    assert {body["recipient"]["id"] for body in vendor.sent} == {BO}


async def test_a_message_that_is_taken_back_is_gone(insta: Journey, vendor: MetaVendor) -> None:
    await posts_fixture(insta, "text_message", INSTAGRAM)
    await posts_fixture(insta, "message_taken_back", INSTAGRAM)

    assert (await insta.messages_of(BO))[0].content == Other("unsupported", {"type": "deleted"})


async def test_a_wrong_secret_is_found_by_checking(
    database: Database, tmp_path: Path, vendor: MetaVendor
) -> None:
    given = {**config(vendor, page_id=PAGE), "app_secret": "x" * 32}
    async with journey(database, tmp_path, "messenger", given, flow=FLOW) as page:
        problems = (await page.connect()).problems

    assert problems == ("Meta does not accept the token: Invalid OAuth access token.",)


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
