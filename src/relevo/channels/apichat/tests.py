"""The channel suite on API Chat, then what is peculiar to it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from relevo.channels.adapter import HookRequest, InboundMessage, VendorAnswer, VendorCall
from relevo.channels.apichat.adapter import ApiChat, is_verified, verification_call
from relevo.domain import signing
from relevo.domain.deliveries import Accepted, Refused
from relevo.domain.errors import BadSignature
from relevo.domain.messages import Interactive, MessageType, Text
from relevo.testing.channel_suite import EVERY_CONTENT, ChannelSuite, example_channel, outgoing, play
from relevo.testing.clock import NOON

SECRET = signing.format_secret(bytes(range(32)))
OTHER_SECRET = signing.format_secret(bytes(32))
CHANNEL = example_channel(
    "apichat", webhook_url="https://chat.example.com/in", secret=SECRET, verification_key="open sesame"
)
API_CHAT = ApiChat()


class TestApiChat(ChannelSuite):
    adapter = API_CHAT
    channel = CHANNEL
    folder = Path(__file__).parent
    bad_configs: ClassVar[dict[str, Any]] = {
        "webhook_url": "chat.example.com",
        "verification_key": 7,
        "secret": "whsec_short",
    }

    def request(self, body: bytes, **parts: Any) -> HookRequest:
        headers = signing.headers([SECRET], "msg_1", NOON, body)
        return super().request(body, **{"headers": headers, **parts})

    def forged(self, body: bytes) -> list[HookRequest]:
        with_other_secret = signing.headers([OTHER_SECRET], "msg_1", NOON, body)
        of_other_body = signing.headers([SECRET], "msg_1", NOON, body + b" ")
        old = signing.headers([SECRET], "msg_1", NOON - timedelta(hours=1), body)
        unfinished = {"webhook-signature": "v1,"}
        return [self.request(body, headers=h) for h in (with_other_secret, of_other_body, old, unfinished)]


@pytest.mark.parametrize("secret", [7, ["whsec_"]])
def test_a_secret_that_is_no_text_is_named(secret: object) -> None:
    assert list(API_CHAT.check_config({**CHANNEL.config, "secret": secret})) == ["secret"]


@pytest.mark.parametrize("secret", [None, ""])
def test_a_secret_may_be_left_out(secret: object) -> None:
    assert API_CHAT.check_config({**CHANNEL.config, "secret": secret}) == {}


def test_an_unsigned_request_is_left_to_its_token() -> None:
    API_CHAT.verify(request(b"{}"), CHANNEL)

    assert API_CHAT.capabilities.needs_token


def test_a_signed_request_to_a_channel_without_a_secret_is_refused() -> None:
    signed = request(b"{}", signing.headers([SECRET], "msg_1", NOON, b"{}"))

    with pytest.raises(BadSignature):
        API_CHAT.verify(signed, example_channel("apichat", webhook_url="https://chat.example.com/in"))


def test_a_bot_message_is_posted_exactly_so() -> None:
    (call,), result = play(API_CHAT.send(outgoing(Text("Hello")), CHANNEL), taking(b""))

    assert (call.method, call.url, call.sign_with) == ("POST", "https://chat.example.com/in", SECRET)
    assert call.headers == {"content-type": "application/json"}
    assert msgspec.json.decode(call.body) == {
        "event": "message_created",
        "message_type": "outgoing",
        "content": "Hello",
        "content_type": "text",
        "payload": {"text": "Hello"},
        "sender": {"type": "bot", "id": 0, "name": "Bot"},
        "conversation_id": 34,
        "contact": {"id": "u-1", "name": "Ana Diaz"},
        "mid": "6921a1b2c3d4e5f601020304",
        "ts": 1893499200,
    }
    assert result == Accepted(200, "6921a1b2c3d4e5f601020304")


def test_an_agent_is_named_with_id() -> None:
    (call,), _ = play(API_CHAT.send(outgoing(Text("Hello"), MessageType.AGENT), CHANNEL), taking(b""))

    assert msgspec.json.decode(call.body)["sender"] == {"type": "agent", "id": 7, "name": "Luis"}


@pytest.mark.parametrize("answer", [b'{"mid": "x-1"}', b'{"id": "x-1", "ok": true}', b'{"source_id": "x-1"}'])
def test_the_other_system_may_name_our_message(answer: bytes) -> None:
    _, result = play(API_CHAT.send(outgoing(Text("Hello")), CHANNEL), taking(answer))

    assert result == Accepted(200, "x-1")


@pytest.mark.parametrize(
    "answer", [b"OK", b"[]", b'{"id": null}', b'{"id": {"a": 1}}', b"\xff", b"[" * 100_000]
)
def test_an_answer_without_an_id_leaves_ours(answer: bytes) -> None:
    _, result = play(API_CHAT.send(outgoing(Text("Hello")), CHANNEL), taking(answer))

    assert result == Accepted(200, "6921a1b2c3d4e5f601020304")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, timedelta(seconds=7)),
        (
            {"retry-after": "Tue, 01 Jan 2030 12:00:30 GMT", "date": "Tue, 01 Jan 2030 12:00:00 GMT"},
            timedelta(seconds=30),
        ),
        ({"retry-after": "Tue, 01 Jan 2030 12:00:30 GMT"}, timedelta(0)),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_a_refusal_carries_the_wait_that_was_asked_for(headers: dict[str, str], wait: timedelta) -> None:
    answer = VendorAnswer(status=503, headers=headers, body=b"")

    _, result = play(API_CHAT.send(outgoing(Text("Hello")), CHANNEL), lambda _: answer)

    assert result == Refused(503, wait)


@pytest.mark.parametrize("name", ["text", "image", "location", "contacts", "reaction", "interactive", "file"])
def test_what_we_send_is_understood_when_it_is_sent_back(name: str) -> None:
    content = EVERY_CONTENT[name]
    if hasattr(content, "buttons"):  # nobody but us sends buttons
        content = msgspec.structs.replace(content, buttons=())
    (call,), _ = play(API_CHAT.send(outgoing(content), CHANNEL), taking(b""))
    body = msgspec.json.decode(call.body) | {"message_type": "incoming"}

    (item,) = API_CHAT.parse(request(msgspec.json.encode(body)), CHANNEL).items

    assert isinstance(item, InboundMessage)
    assert item.content == content


def test_a_button_that_is_pressed_twice_under_one_message_is_one_press() -> None:
    update = {
        "event": "message_updated",
        "id": 5,
        "content_attributes": {"submitted_values": [{"title": "Yes", "value": "yes"}]},
        "sender": {"id": "u-1"},
    }

    first, second = (API_CHAT.parse(request(msgspec.json.encode(update)), CHANNEL).items[0] for _ in range(2))

    assert first == second == InboundMessage(user_id="u-1", content=Interactive("Yes", "yes"), mid="5:yes")


def test_the_verification_call_asks_in_query_and_body() -> None:
    call = verification_call(CHANNEL.config, "abc123")

    fields = {"hub_mode": "subscribe", "hub_verify_token": "open sesame", "hub_challenge": "abc123"}
    assert call.method == "POST"
    assert call.url.startswith("https://chat.example.com/in?")
    assert {name: values[0] for name, values in parse_qs(urlsplit(call.url).query).items()} == fields
    assert msgspec.json.decode(call.body) == fields
    assert call.sign_with == SECRET


def test_the_verification_call_keeps_the_query_of_the_url() -> None:
    call = verification_call({"webhook_url": "https://chat.example.com/in?room=1"}, "abc123")

    assert parse_qs(urlsplit(call.url).query)["room"] == ["1"]


@pytest.mark.parametrize(
    ("status", "body", "verified"),
    [
        (200, b"abc123", True),
        (200, b" abc123\n", True),
        (200, b'"abc123"', True),
        (200, b"abc124", False),
        (200, b"", False),
        (200, "abc123é".encode("latin-1"), False),
        (403, b"abc123", False),
    ],
)
def test_only_the_challenge_with_2xx_verifies(status: int, body: bytes, verified: bool) -> None:
    answer = VendorAnswer(status=status, headers={}, body=body)

    assert is_verified(answer, "abc123") is verified


def request(body: bytes, headers: dict[str, str] | None = None) -> HookRequest:
    return HookRequest(method="POST", url="/hook", query={}, headers=headers or {}, body=body, now=NOON)


def taking(body: bytes) -> Any:
    def vendor(_call: VendorCall) -> VendorAnswer:
        return VendorAnswer(status=200, headers={}, body=body)

    return vendor
