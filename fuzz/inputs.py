"""What a channel is tried with: its own fixtures, bent."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from relevo.channels.apichat.tests import TestApiChat
from relevo.channels.instagram.tests import TestInstagram
from relevo.channels.messenger.tests import TestMessenger
from relevo.channels.sms.tests import TestSms
from relevo.channels.telegram.tests import TestTelegram
from relevo.channels.web.tests import TestWebChat
from relevo.channels.whatsapp.tests import TestWhatsApp
from relevo.testing.channel_suite import ChannelSuite, fixtures, places, put

SUITES: dict[str, ChannelSuite] = {
    suite.adapter.type: suite
    for suite in (
        TestWebChat(),
        TestWhatsApp(),
        TestTelegram(),
        TestMessenger(),
        TestInstagram(),
        TestSms(),
        TestApiChat(),
    )
}
"""By the channel's type: each knows how its vendor signs."""

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 2**70, -(2**70), 1.5, 1e308, "", "\0", "é" * 300, "a" * 5000, [], {}, [[]],
    {"a": None}, "-1", "1e9", "NaN", "٣", "1" * 12, "\U0001f600", "https://x.example/a", "data:,", "\u202e",
)  # fmt: skip


def seeds(suite: ChannelSuite) -> list[bytes]:
    """The channel's fixtures."""
    return [suite.payload(name) for name in fixtures(suite.fixture_folder)]


def bent(body: bytes, random: Random) -> bytes | None:
    """A JSON body with a few things in it that do not belong there; None of what is no JSON."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    for _ in range(random.randint(1, 3)):
        here = list(places(value))
        wrong = random.choice((*ODD, _at(value, random.choice(here))))
        value = put(value, random.choice(here), wrong)
    try:
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return None


def _at(value: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        value = value[key]
    return value
