"""A number from its connection to an agent's answer, with a Twilio on this machine (`twilio_vendor`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from relevo.channels.sms.adapter import signature
from relevo.domain.messages import Interactive, Media, MessageStatus, Text
from relevo.store.database import Database
from tests.channels.journeys import WITH_A_CHOICE, Journey, journey
from tests.channels.twilio_vendor import ACCOUNT, NUMBER, PHOTO, TOKEN, TwilioVendor

ANA = "+61400111222"


@pytest.fixture
async def vendor() -> AsyncIterator[TwilioVendor]:
    async with TwilioVendor() as vendor:
        yield vendor


@pytest.fixture
async def sms(database: Database, tmp_path: Path, vendor: TwilioVendor) -> AsyncIterator[Journey]:
    """A number that is connected."""
    config = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": NUMBER, "api_url": vendor.url}
    async with journey(database, tmp_path, "sms", config, flow=WITH_A_CHOICE) as sms:
        assert (await sms.connect()).problems == ()
        yield sms


async def posts(sms: Journey, vendor: TwilioVendor, **fields: str) -> Any:
    """Twilio posts to where it was told, signed. A proxy of ours hands the request on, over plain HTTP."""
    given = {"AccountSid": ACCOUNT, **fields}
    headers = {
        "x-twilio-signature": signature(TOKEN, vendor.sms_url, list(given.items())),
        "content-type": "application/x-www-form-urlencoded",
    }
    inside = vendor.sms_url.replace("https://relevo.example.com", "http://10.0.0.7:8080")
    answer = await sms.client.post(inside, content=urlencode(given), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    await sms.settle_down()
    return answer


async def says(sms: Journey, vendor: TwilioVendor, body: str, sid: str, **more: str) -> None:
    fields = {"MessageSid": sid, "From": ANA, "To": NUMBER, "Body": body, "NumMedia": "0"}
    await posts(sms, vendor, **{**fields, **more})


def bodies(vendor: TwilioVendor) -> list[str]:
    return [form["Body"] for form in vendor.sent]


async def test_a_customer_answers_with_a_number_and_is_understood(sms: Journey, vendor: TwilioVendor) -> None:
    await says(sms, vendor, "Hello", "SMa")
    await says(sms, vendor, "2", "SMb")

    assert bodies(vendor) == ["What can I do?\n1. Prices\n2. Person", "Somebody comes."]
    assert (await sms.messages_of(ANA))[2].content == Interactive("Person", "do:person", "2")
    assert vendor.sent[0]["StatusCallback"] == sms.hook


async def test_statuses_move_a_message_forward(sms: Journey, vendor: TwilioVendor) -> None:
    await says(sms, vendor, "Hello", "SMa")
    await posts(sms, vendor, MessageSid="SM1", MessageStatus="delivered", To=ANA, From=NUMBER)

    assert (await sms.messages_of(ANA))[-1].status is MessageStatus.DELIVERED


async def test_a_failure_that_is_told_later_says_why(sms: Journey, vendor: TwilioVendor) -> None:
    await says(sms, vendor, "Hello", "SMa")
    failed = {"MessageStatus": "undelivered", "ErrorCode": "30005"}
    await posts(sms, vendor, MessageSid="SM1", To=ANA, From=NUMBER, **failed)

    last = (await sms.messages_of(ANA))[-1]
    assert (last.status, last.error) == (MessageStatus.FAILED, "invalid_recipient: 30005 undelivered")


async def test_after_stop_nothing_is_sent_until_start(sms: Journey, vendor: TwilioVendor) -> None:
    await says(sms, vendor, "Hello", "SMa")
    await says(sms, vendor, "Stop", "SMb")
    await sms.agent_says(ANA, Text("Wait!"))
    assert len(vendor.sent) == 1
    assert (await sms.messages_of(ANA))[-1].error == "opted_out"

    await says(sms, vendor, "UNSTOP", "SMc")
    await sms.agent_says(ANA, Text("Welcome back"))

    assert bodies(vendor)[1:] == ["Welcome back"]


async def test_an_opt_out_that_only_twilio_knows_of_is_learnt(sms: Journey, vendor: TwilioVendor) -> None:
    await says(sms, vendor, "Hello", "SMa")
    vendor.opted_out.add(ANA)
    await sms.agent_says(ANA, Text("One"))
    await sms.agent_says(ANA, Text("Two"))

    creating = [asked for asked in vendor.asked if asked.path.endswith("/Messages.json")]
    assert len(creating) == 2
    errors = [message.error for message in (await sms.messages_of(ANA))[-2:]]
    assert errors == ["opted_out: 21610 Attempt to send to unsubscribed recipient", "opted_out"]


async def test_a_picture_is_fetched_and_served_by_us(sms: Journey, vendor: TwilioVendor) -> None:
    url = f"{vendor.url}/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"
    more = {"NumMedia": "1", "MediaUrl0": url, "MediaContentType0": "image/png"}
    await says(sms, vendor, "Is this it?", "MM1", **more)

    content = (await sms.messages_of(ANA))[0].content
    assert isinstance(content, Media)
    assert (content.mime_type, content.size) == ("image/jpeg", len(PHOTO))
    assert (await sms.client.get(content.url)).content == PHOTO


async def test_a_long_text_goes_in_parts_each_of_them_once(sms: Journey, vendor: TwilioVendor) -> None:
    await says(sms, vendor, "Hello", "SMa")
    vendor.busy = 1
    await sms.agent_says(ANA, Text("A sentence of some length. " * 120))
    await sms.later(timedelta(seconds=2))

    parts = bodies(vendor)[1:]
    assert len(parts) == 3
    assert all(len(part) <= 1600 and part.endswith(".") for part in parts)
    assert (await sms.messages_of(ANA))[-1].mid == "SM2"


async def test_an_unsigned_request_is_refused(sms: Journey) -> None:
    answer = await sms.client.post(sms.hook, content="MessageSid=SM1&From=%2B61400111222&Body=Hi")

    assert answer.status_code == 401
