"""A bot from its connection to an agent's answer, with a Bot API on this machine (`telegram_vendor`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relevo.channels.telegram import tests as telegram_tests
from relevo.domain.messages import Interactive, Media, MessageStatus, MessageType, Text
from relevo.store.database import Database
from tests.channels.journeys import Journey, journey
from tests.channels.telegram_vendor import PHOTO, TOKEN, TelegramVendor

FIXTURES = Path(telegram_tests.__file__).parent / "fixtures"
ANA = "4242001"
BOT = TOKEN.partition(":")[0]
FLOW = """\
version: 1
flow: support
start: welcome
subflows:
  welcome:
    - send: {text: "Hello {{ first_name }}", buttons: [{title: "Yes, please", do: person}]}
  person:
    - send: "Somebody comes."
"""


@pytest.fixture
async def vendor() -> AsyncIterator[TelegramVendor]:
    async with TelegramVendor() as vendor:
        yield vendor


@pytest.fixture
async def bot(database: Database, tmp_path: Path, vendor: TelegramVendor) -> AsyncIterator[Journey]:
    """A bot that is connected."""
    config = {"bot_token": TOKEN, "secret": "s" * 32, "api_url": vendor.url}
    async with journey(database, tmp_path, "telegram", config, flow=FLOW) as bot:
        assert (await bot.connect()).problems == ()
        yield bot


async def posts(bot: Journey, vendor: TelegramVendor, fixture: str) -> Any:
    """Telegram posts an update to where it was told, with what it was told to send along."""
    headers = {"x-telegram-bot-api-secret-token": vendor.webhook["secret_token"]}
    body = (FIXTURES / f"{fixture}.json").read_bytes()
    answer = await bot.client.post(vendor.webhook["url"], content=body, headers=headers)
    assert answer.status_code == 200
    await bot.settle_down()
    return answer


def texts(vendor: TelegramVendor) -> list[str]:
    return [parameters.get("text", method) for method, parameters in vendor.sent]


async def test_a_customer_writes_presses_a_button_and_is_answered(
    bot: Journey, vendor: TelegramVendor
) -> None:
    await posts(bot, vendor, "text_message")
    answer = await posts(bot, vendor, "button_press")
    await bot.agent_says(ANA, Text("I am Luis."))

    assert texts(vendor) == ["Hello Ana", "Somebody comes.", "I am Luis."]
    assert answer.json() == {"method": "answerCallbackQuery", "callback_query_id": "18211234567890123"}
    messages = await bot.messages_of(ANA)
    assert [message.type for message in messages] == [
        *(MessageType.IN, MessageType.OUT) * 2,
        MessageType.AGENT,
    ]
    assert messages[2].content == Interactive("Yes, please", "do:person")
    assert [message.mid for message in messages] == [
        *(f"{BOT}:1365", f"{BOT}:2001", "callback:18211234567890123", f"{BOT}:2002", f"{BOT}:2003"),
    ]


async def test_the_same_update_twice_is_one_message(bot: Journey, vendor: TelegramVendor) -> None:
    await posts(bot, vendor, "text_message")
    await posts(bot, vendor, "text_message")

    assert texts(vendor) == ["Hello Ana"]


async def test_an_update_without_the_secret_is_refused(bot: Journey) -> None:
    answer = await bot.client.post(bot.hook, content=(FIXTURES / "text_message.json").read_bytes())

    assert answer.status_code == 401


async def test_a_photo_is_fetched_and_served_by_us(bot: Journey, vendor: TelegramVendor) -> None:
    await posts(bot, vendor, "photo")

    content = (await bot.messages_of(ANA))[0].content
    assert isinstance(content, Media)
    assert (content.mime_type, content.size, content.caption) == (
        "image/jpeg",
        len(PHOTO),
        "Is this the mug?",
    )
    assert (await bot.client.get(content.url)).content == PHOTO


async def test_an_edit_changes_what_is_stored(bot: Journey, vendor: TelegramVendor) -> None:
    await posts(bot, vendor, "text_message")
    await posts(bot, vendor, "edited_text")

    assert (await bot.messages_of(ANA))[0].content == Text("Is it in stock in red?")
    assert texts(vendor) == ["Hello Ana"]


async def test_a_wait_is_kept_and_nothing_is_said_twice(bot: Journey, vendor: TelegramVendor) -> None:
    await posts(bot, vendor, "text_message")
    vendor.too_much_for = [30]
    await bot.agent_says(ANA, Text("One"), Text("Two"))
    assert texts(vendor) == ["Hello Ana"]

    await bot.later(timedelta(seconds=32))

    assert texts(vendor) == ["Hello Ana", "One", "Two"]


async def test_a_bot_that_was_blocked_is_silent_until_the_customer_is_back(
    bot: Journey, vendor: TelegramVendor
) -> None:
    await posts(bot, vendor, "text_message")
    await posts(bot, vendor, "blocked_by_the_user")
    await bot.agent_says(ANA, Text("Are you there?"))
    last = (await bot.messages_of(ANA))[-1]
    assert (last.status, last.error, texts(vendor)) == (MessageStatus.FAILED, "blocked", ["Hello Ana"])

    await posts(bot, vendor, "unblocked_by_the_user")
    await bot.agent_says(ANA, Text("Are you there?"))

    assert texts(vendor) == ["Hello Ana", "Are you there?"]


async def test_checking_finds_who_took_the_bot(bot: Journey, vendor: TelegramVendor) -> None:
    assert (await bot.check()).problems == ()

    vendor.webhook = {"url": "https://elsewhere.example/bot"}

    (problem,) = (await bot.check()).problems
    assert "posts to https://elsewhere.example/…, not to this channel" in problem
