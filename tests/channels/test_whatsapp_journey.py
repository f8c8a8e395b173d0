"""A WhatsApp number from its connection to an agent's answer, with a Meta on this machine (`meta_vendor`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relevo.channels.whatsapp.adapter import signature, verify_token
from relevo.domain.conversations import window_left
from relevo.domain.events import AgentRead, AgentTyped, BotTold, ByConversation, SubscriberChanged
from relevo.domain.flows.runs import AddTag
from relevo.domain.messages import Interactive, Media, MessageStatus, Other, Text
from relevo.domain.templates import template
from relevo.store.database import Database
from tests.channels.journeys import WITH_A_CHOICE, Journey, journey
from tests.channels.meta_vendor import ACCOUNT, NUMBER, PHOTO, SECRET, TOKEN, MetaVendor

ANA, LUIS = "61400111222", "US.13491208655302741918"
DAY = timedelta(hours=24)


@pytest.fixture
async def vendor() -> AsyncIterator[MetaVendor]:
    async with MetaVendor() as vendor:
        yield vendor


@pytest.fixture
async def whatsapp(database: Database, tmp_path: Path, vendor: MetaVendor) -> AsyncIterator[Journey]:
    """A number that is connected."""
    config = {
        "phone_number_id": NUMBER,
        "waba_id": ACCOUNT,
        "access_token": TOKEN,
        "app_secret": SECRET,
        "api_url": vendor.url,
    }
    async with journey(database, tmp_path, "whatsapp", config, flow=WITH_A_CHOICE) as whatsapp:
        assert (await whatsapp.connect()).problems == ()
        yield whatsapp


async def posts(whatsapp: Journey, **value: Any) -> Any:
    """Meta posts, signed."""
    told = {"metadata": {"phone_number_id": NUMBER}, **value}
    change = {"field": "messages", "value": told}
    body = msgspec.json.encode({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]})
    headers = {"x-hub-signature-256": signature(whatsapp.channel, body), "content-type": "application/json"}
    answer = await whatsapp.client.post(whatsapp.hook, content=body, headers=headers)
    assert answer.status_code == 200
    await whatsapp.settle_down()
    return answer


def message(
    whatsapp: Journey, id_: str, said: dict[str, Any], *, who: str = ANA, at: datetime | None = None
) -> dict[str, Any]:
    sender = {"from": who} if who.isdecimal() else {"from_user_id": who}
    time = str(int((at or whatsapp.world.clock.now()).timestamp()))
    return {"id": id_, "timestamp": time, **sender, **said}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": words}}


async def says(whatsapp: Journey, id_: str, said: dict[str, Any], **more: Any) -> None:
    await posts(whatsapp, messages=[message(whatsapp, id_, said, **more)])


async def test_meta_is_answered_when_it_asks_for_the_verify_token(
    whatsapp: Journey, vendor: MetaVendor
) -> None:
    token = vendor.hook["verify_token"]
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}

    answer = await whatsapp.client.get(vendor.hook["override_callback_uri"], params=query)

    assert token == verify_token(whatsapp.channel)
    assert (answer.status_code, answer.text) == (200, "1158201444")


async def test_a_customer_presses_a_button_and_is_understood(whatsapp: Journey, vendor: MetaVendor) -> None:
    await says(whatsapp, "wamid.a", text("Hello"))
    buttons = vendor.sent[0]["interactive"]["action"]["buttons"]
    pressed = {"type": "button_reply", "button_reply": buttons[1]["reply"]}
    await says(whatsapp, "wamid.b", {"type": "interactive", "interactive": pressed})

    assert vendor.sent[1]["text"]["body"] == "Somebody comes."
    assert (await whatsapp.messages_of(ANA))[2].content == Interactive("Person", "do:person")


async def test_many_messages_and_statuses_in_one_body(whatsapp: Journey, vendor: MetaVendor) -> None:
    await says(whatsapp, "wamid.a", text("Hello"))
    delivered = {"id": "wamid.1", "status": "delivered", "timestamp": "1", "recipient_id": ANA}
    new = [
        message(whatsapp, "wamid.b", text("One")),
        message(whatsapp, "wamid.c", {"type": "location", "location": {"latitude": 900, "longitude": 0}}),
        message(whatsapp, "wamid.d", text("Two")),
        message(whatsapp, "wamid.e", text("Hi"), who=LUIS),
    ]
    await posts(whatsapp, messages=new, statuses=[delivered])

    said = await whatsapp.messages_of(ANA)
    assert [one.content for one in said if one.mid in ("wamid.b", "wamid.d")] == [Text("One"), Text("Two")]
    assert said[1].status is MessageStatus.DELIVERED
    assert len(await whatsapp.messages_of(LUIS)) == 2


async def test_a_request_that_meta_repeats_changes_nothing(whatsapp: Journey, vendor: MetaVendor) -> None:
    for _ in range(2):
        await says(whatsapp, "wamid.a", text("Hello"))

    assert len(vendor.sent) == 1


async def test_somebody_without_a_phone_number_is_answered(whatsapp: Journey, vendor: MetaVendor) -> None:
    await says(whatsapp, "wamid.a", text("Hello"), who=LUIS)

    assert vendor.sent[0]["recipient"] == LUIS
    failed = {"id": "wamid.1", "status": "failed", "timestamp": "1", "recipient_user_id": LUIS}
    await posts(whatsapp, statuses=[{**failed, "errors": [{"code": 131026, "title": "Undeliverable"}]}])
    last = (await whatsapp.messages_of(LUIS))[-1]
    assert (last.status, last.error) == (MessageStatus.FAILED, "invalid_recipient: 131026 Undeliverable")


async def test_a_picture_is_fetched_and_served_by_us(whatsapp: Journey) -> None:
    await says(whatsapp, "wamid.a", {"type": "image", "image": {"id": "file-1", "caption": "Is this it?"}})

    content = (await whatsapp.messages_of(ANA))[0].content
    assert isinstance(content, Media)
    assert (content.mime_type, content.size) == ("image/jpeg", len(PHOTO))
    assert (await whatsapp.client.get(content.url)).content == PHOTO


async def test_an_edited_caption_and_a_deleted_message(whatsapp: Journey) -> None:
    await says(whatsapp, "wamid.a", {"type": "image", "image": {"id": "file-1", "caption": "This?"}})
    edit = {"type": "image", "image": {"id": "file-1", "caption": "That?"}}
    edited = {"type": "edit", "edit": {"original_message_id": "wamid.a", "message": edit}}
    await says(whatsapp, "wamid.b", edited)

    first, *rest = await whatsapp.messages_of(ANA)
    assert isinstance(first.content, Media)
    assert (first.content.caption, first.content.size) == ("That?", len(PHOTO))
    assert len(rest) == 1

    await says(whatsapp, "wamid.c", {"type": "revoke", "revoke": {"original_message_id": "wamid.a"}})
    assert (await whatsapp.messages_of(ANA))[0].content == Other("unsupported", {"type": "revoke"})


async def test_a_long_text_goes_in_parts_each_of_them_once(whatsapp: Journey, vendor: MetaVendor) -> None:
    await says(whatsapp, "wamid.a", text("Hello"))
    vendor.busy = 1
    await whatsapp.agent_says(ANA, Text("A sentence of some length. " * 300))
    await whatsapp.later(timedelta(seconds=2))

    parts = [one["text"]["body"] for one in vendor.sent[1:]]
    assert len(parts) == 2
    assert (await whatsapp.messages_of(ANA))[-1].mid == "wamid.2"


async def test_reading_and_typing_are_shown(whatsapp: Journey, vendor: MetaVendor) -> None:
    await says(whatsapp, "wamid.a", text("Hello"))
    await says(whatsapp, "wamid.b", text("Anybody?"))
    to = ByConversation((await whatsapp.conversation_of(ANA)).id)
    await whatsapp.world.submit(AgentRead(to=to))
    await whatsapp.settle_down()
    await whatsapp.world.submit(AgentTyped(to=to))
    await whatsapp.settle_down()

    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.b"}
    assert vendor.shown == [read, {**read, "typing_indicator": {"type": "text"}}]


# The 24 hours


async def left(whatsapp: Journey) -> int:
    heard_at = (await whatsapp.conversation_of(ANA)).heard_at
    return window_left(heard_at, DAY, whatsapp.world.clock.now())


async def test_after_a_day_of_silence_nothing_is_sent(whatsapp: Journey, vendor: MetaVendor) -> None:
    await says(whatsapp, "wamid.a", text("Hello"))
    await whatsapp.later(DAY - timedelta(seconds=1))
    assert await left(whatsapp) == 1
    await whatsapp.agent_says(ANA, Text("In time"))
    await whatsapp.later(timedelta(seconds=1))
    await whatsapp.agent_says(ANA, Text("Too late"))

    assert vendor.sent[-1]["text"]["body"] == "In time"
    last = (await whatsapp.messages_of(ANA))[-1]
    expected = "window_closed: the person has not written for 24 hours"
    assert (last.status, last.error) == (MessageStatus.FAILED, expected)

    await says(whatsapp, "wamid.b", text("Still here"))
    assert await left(whatsapp) == DAY.total_seconds()
    await whatsapp.agent_says(ANA, Text("Welcome back"))
    assert vendor.sent[-1]["text"]["body"] == "Welcome back"


async def test_the_day_counts_from_when_it_was_written(whatsapp: Journey, vendor: MetaVendor) -> None:
    """Meta tries for days to bring a message to a server that was down."""
    written = whatsapp.world.clock.now() - DAY
    await says(whatsapp, "wamid.a", text("Hello"), at=written)

    assert vendor.sent == []
    assert await left(whatsapp) == 0


async def test_an_older_message_and_news_of_whatsapp_open_nothing(whatsapp: Journey) -> None:
    await says(whatsapp, "wamid.a", text("Hello"))
    await whatsapp.later(timedelta(hours=1))
    changed = {"type": "system", "system": {"type": "user_changed_number", "body": "Another number"}}
    await says(whatsapp, "wamid.b", changed)
    await says(whatsapp, "wamid.c", text("Before"), at=whatsapp.world.clock.now() - timedelta(hours=2))

    assert await left(whatsapp) == DAY.total_seconds() - 3600
    assert (await whatsapp.conversation_of(ANA)).heard_mid == "wamid.a"


async def test_an_unsigned_request_is_refused(whatsapp: Journey) -> None:
    answer = await whatsapp.client.post(whatsapp.hook, content='{"object": "whatsapp_business_account"}')

    assert answer.status_code == 401


async def test_a_template_goes_at_any_time(whatsapp: Journey, vendor: MetaVendor) -> None:
    await says(whatsapp, "wamid.a", text("Hello"))
    await whatsapp.later(2 * DAY)
    to = ByConversation((await whatsapp.conversation_of(ANA)).id)
    await whatsapp.world.submit(
        BotTold(to=to, contents=(template("order_sent", "en", {"BODY_{{1}}": "Ana"}, []),))
    )
    await whatsapp.settle_down()

    assert vendor.sent[-1]["template"] == {
        "name": "order_sent",
        "language": {"code": "en"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}],
    }
    assert (await whatsapp.messages_of(ANA))[-1].status is MessageStatus.SENT


# People with two ids


async def test_a_phone_and_an_id_that_turn_out_to_be_one_person_are_one(
    whatsapp: Journey, vendor: MetaVendor
) -> None:
    await says(whatsapp, "wamid.a", text("Hello"))
    await says(whatsapp, "wamid.b", text("Hi"), who=LUIS)
    first, second = await whatsapp.conversation_of(ANA), await whatsapp.conversation_of(LUIS)
    await whatsapp.world.submit(SubscriberChanged(to=ByConversation(second.id), acts=(AddTag("lead"),)))
    both = {**message(whatsapp, "wamid.c", text("It is me")), "from_user_id": LUIS}

    for _ in range(2):  # Meta repeats
        await posts(whatsapp, messages=[both])
    await says(whatsapp, "wamid.d", text("Again"), who=LUIS)

    said = [one.mid for one in await whatsapp.messages_of(ANA) if one.mid and one.type == "in"]
    assert said == ["wamid.a", "wamid.b", "wamid.c", "wamid.d"]
    assert (await whatsapp.conversation_of(ANA)).id == first.id
    assert (await whatsapp.conversation_of(ANA)).subscriber.tags == ("lead",)
    assert await whatsapp.world.messages(second.id) == []


async def test_a_receipt_by_the_other_id_is_for_the_same_person(whatsapp: Journey) -> None:
    await posts(whatsapp, messages=[{**message(whatsapp, "wamid.a", text("Hello")), "from_user_id": LUIS}])
    read = {"id": "wamid.1", "status": "read", "timestamp": "1", "recipient_user_id": LUIS}

    await posts(whatsapp, statuses=[read])

    assert (await whatsapp.messages_of(ANA))[-1].status is MessageStatus.READ
