"""The channel suite on web chat, then what is peculiar to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.channels.adapter import HookRequest, InboundMessage, VendorAnswer
from relevo.channels.toolkit import read_json
from relevo.channels.web import wire
from relevo.channels.web.adapter import WebChat, visitor
from relevo.channels.web.visitor_tokens import LIFETIME, Visitor, make_token, read_token
from relevo.domain.deliveries import Accepted
from relevo.domain.errors import BadSignature, ForeignPayload
from relevo.domain.ids import ConversationId, MessageId
from relevo.domain.messages import Interactive, Media, Message, MessageStatus, MessageType, Text
from relevo.domain.subscribers import Profile
from relevo.testing.channel_suite import ChannelSuite, example_channel, outgoing, play
from relevo.testing.clock import NOON

KEY = b"0123456789abcdef0123456789abcdef"
CHANNEL = example_channel(
    "web", title="Acme", subtitle="We answer within the hour", color="#2f5bea", secret=KEY.decode()
)
WEB = WebChat()
ANA = "visitor-0001"


def token(key: bytes = KEY, channel_key: str = CHANNEL.key, now: datetime = NOON) -> str:
    return make_token(key, channel_key=channel_key, visitor_id=ANA, now=now)


class TestWebChat(ChannelSuite):
    adapter = WEB
    channel = CHANNEL
    folder = Path(__file__).parent
    bad_configs: ClassVar[dict[str, Any]] = {
        "title": "a" * 81,
        "subtitle": 7,
        "color": "blue",
        "secret": "too short",
    }

    def request(self, body: bytes, **parts: Any) -> HookRequest:
        headers = {"authorization": f"Bearer {token()}"}
        return super().request(body, **{"url": "/web/KEY/messages", "headers": headers, **parts})

    def forged(self, body: bytes) -> list[HookRequest]:
        tokens = ["", "x", token(key=b"another key"), token(channel_key="another channel"), token()[:-1]]
        return [self.request(body, headers={"authorization": f"Bearer {one}"}) for one in tokens]


@pytest.mark.parametrize(
    ("headers", "query"), [({"authorization": f"Bearer {token()}"}, {}), ({}, {"token": token()})]
)
def test_the_token_may_stand_in_header_or_query(headers: dict[str, str], query: dict[str, str]) -> None:
    request = HookRequest(method="GET", url="/", query=query, headers=headers, body=b"", now=NOON)

    assert visitor(request, CHANNEL) == Visitor(ANA, NOON)


def test_a_channel_without_a_secret_knows_nobody() -> None:
    request = HookRequest(method="GET", url="/", query={"token": token()}, headers={}, body=b"", now=NOON)

    with pytest.raises(BadSignature):
        visitor(request, example_channel("web"))


def test_a_token_names_its_visitor_until_its_lifetime_ends() -> None:
    assert read(token(), NOON + LIFETIME) == Visitor(ANA, NOON)
    with pytest.raises(BadSignature):
        read(token(), NOON + LIFETIME + timedelta(seconds=1))


def test_a_token_from_the_future_is_refused() -> None:
    assert read(token(now=NOON + timedelta(minutes=4)), NOON).id == ANA
    with pytest.raises(BadSignature):
        read(token(now=NOON + timedelta(minutes=6)), NOON)


@given(st.text(max_size=120) | st.binary(max_size=120).map(lambda raw: raw.decode("latin-1")))
def test_no_other_text_is_a_token(text: str) -> None:
    with pytest.raises(BadSignature):
        read(text, NOON)


@given(st.integers(0, len(token()) - 1), st.sampled_from("0aZ_-.é"))
def test_a_token_with_one_character_changed_is_refused(place: int, character: str) -> None:
    changed = token()[:place] + character + token()[place + 1 :]

    if changed != token():
        with pytest.raises(BadSignature):
            read(changed, NOON)


def test_parts_of_a_token_cannot_trade_places_with_the_channel_key() -> None:
    given = make_token(KEY, channel_key="c", visitor_id="visitor-01", now=NOON)

    with pytest.raises(BadSignature):
        read_token(KEY, given, channel_key="c\n", now=NOON)


def test_a_long_text_is_refused_with_the_limit() -> None:
    post = msgspec.json.encode({"id": "w_01234567", "text": "a" * 10_001})

    with pytest.raises(ForeignPayload, match=r"text: .*10000"):
        read_json(post, wire.MessagePost)


def test_an_upload_is_completed_from_the_stored_file() -> None:
    post = wire.MessagePost(id="w_01234567", upload=wire.UploadPart("med_1"), caption="My receipt")
    stored = wire.UploadAnswer(
        media_id="med_1", url="https://r.example/m/1", type="image", mime_type="image/png", size=9
    )

    message = wire.with_upload(wire.inbound_message(post, ANA), stored)

    assert message.content == Media(
        "image", "https://r.example/m/1", "image/png", 9, caption="My receipt", media_id="med_1"
    )
    assert message.mid == "w_01234567"


def test_only_uploads_are_completed() -> None:
    said = InboundMessage(user_id=ANA, content=Interactive("Yes", "yes"))
    stored = wire.UploadAnswer(media_id="m", url="https://r.example/m", type="file", mime_type="", size=0)

    assert wire.with_upload(said, stored) is said


def test_a_stored_message_is_shown_exactly_so() -> None:
    message = Message(
        id=MessageId(900001),
        object_id="6921a1b2c3d4e5f601020304",
        conversation_id=ConversationId(34),
        seq=5,
        type=MessageType.AGENT,
        content=Text("Hello"),
        created_at=datetime(2030, 1, 1, 12, 0, 0, 999, tzinfo=UTC),
        username="Luis",
        status=MessageStatus.QUEUED,
    )

    assert msgspec.to_builtins(wire.web_message(message)) == {
        "seq": 5,
        "id": 900001,
        "mid": "",
        "type": "agent",
        "msg_type": "text",
        "content": {"kind": "text", "text": "Hello"},
        "username": "Luis",
        "ts": 1893499200,
        "status": "queued",
    }


def test_the_site_tells_the_language_with_the_locale() -> None:
    told = wire.VisitorProfile(name="Ana", locale="en-AU", timezone="Australia/Sydney").told()

    assert told == Profile(name="Ana", locale="en_AU", language="en", timezone="Australia/Sydney")


def test_answers_have_the_fields_of_the_contract() -> None:
    session = wire.SessionAnswer(token="t", user_ns="f1001u34")

    assert set(msgspec.to_builtins(session)) >= {
        "token",
        "user_ns",
        "after",
        "upload_limit",
        "title",
        "capabilities",
    }
    assert msgspec.to_builtins(wire.MessageAnswer(seq=3)) == {"ok": True, "seq": 3, "duplicate": False}


def test_nothing_is_sent_because_the_widget_fetches() -> None:
    vendor = VendorAnswer(status=500, headers={}, body=b"")

    assert play(WEB.send(outgoing(Text("Hello")), CHANNEL), lambda _: vendor) == ([], Accepted(200))


def read(text: str, now: datetime) -> Visitor:
    return read_token(KEY, text, channel_key=CHANNEL.key, now=now)
