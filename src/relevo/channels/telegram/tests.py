"""The channel suite on Telegram, then what is peculiar to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from relevo.channels.adapter import Findings, HookRequest, VendorAnswer, VendorCall, secrets_of
from relevo.channels.telegram.adapter import Telegram, secret_token
from relevo.domain.degrading import degrade
from relevo.domain.deliveries import Accepted, Refused, Rejected
from relevo.domain.messages import Button, Card, Cards, Content, Location, Media, QuickReply, Text
from relevo.testing.channel_suite import ChannelSuite, example_channel, outgoing, play

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
CHANNEL = example_channel(
    "telegram", bot_token=TOKEN, secret="a secret of thirty-two characters", api_url="https://bots.example"
)
BASE = f"https://bots.example/bot{TOKEN}"
HOOK = "https://relevo.example.com/hooks/telegram/example-channel-key"
TELEGRAM = Telegram()


def answer(result: Any = True, status: int = 200, **parts: Any) -> VendorAnswer:
    """An answer as the Bot API gives it."""
    body = {"ok": status == 200, **({"result": result} if status == 200 else {"error_code": status}), **parts}
    return VendorAnswer(status=status, headers={}, body=msgspec.json.encode(body))


def taking(call: VendorCall) -> VendorAnswer:
    message = {"message_id": 77, "date": 1893499200}
    return answer([message] if call.url.endswith("/sendMediaGroup") else message)


def refusing(status: int, description: str, **parts: Any) -> Callable[[VendorCall], VendorAnswer]:
    return lambda _: answer(status=status, description=description, **parts)


class TestTelegram(ChannelSuite):
    adapter = TELEGRAM
    channel = CHANNEL
    folder = Path(__file__).parent
    bad_configs: ClassVar[dict[str, Any]] = {
        "bot_token": "AAHdqTcv",
        "api_url": "bots.example",
        "secret": "short",
    }

    def request(self, body: bytes, **parts: Any) -> HookRequest:
        headers = {"x-telegram-bot-api-secret-token": secret_token(CHANNEL)}
        return super().request(body, **{"headers": headers, **parts})

    def forged(self, body: bytes) -> list[HookRequest]:
        other = secret_token(example_channel("telegram", secret="another secret of many characters"))
        wrong = [{}, {"x-telegram-bot-api-secret-token": ""}, {"x-telegram-bot-api-secret-token": other}]
        return [self.request(body, headers=headers) for headers in wrong]

    def vendor(self, call: VendorCall) -> VendorAnswer:
        return taking(call)


def said(content: Content, vendor: Callable[[VendorCall], VendorAnswer] = taking) -> tuple[list[Any], Any]:
    """The calls that say a content: method and parameters of each; and how it ended."""
    calls, result = play(TELEGRAM.send(outgoing(content), CHANNEL), vendor)
    assert all(call.url.startswith(BASE + "/") for call in calls)
    return [(call.url.removeprefix(BASE + "/"), msgspec.json.decode(call.body)) for call in calls], result


# Out


def test_a_text_is_sent_exactly_so() -> None:
    assert said(Text("Hello")) == (
        [("sendMessage", {"chat_id": "u-1", "text": "Hello"})],
        Accepted(200, "110201543:77"),
    )


def test_buttons_and_quick_replies_are_inline_buttons() -> None:
    buttons = (Button("Yes", "do:yes"), Button("Shop", kind="url", target="https://shop.example"))
    replies = (QuickReply("Red", "r"), QuickReply("Blue", "b"), QuickReply("Green", "g"))

    ((_, parameters),), _ = said(Text("Choose", buttons, replies))

    assert parameters["reply_markup"]["inline_keyboard"] == [
        [{"text": "Yes", "callback_data": "do:yes"}],
        [{"text": "Shop", "url": "https://shop.example"}],
        [{"text": "Red", "callback_data": "r"}, {"text": "Blue", "callback_data": "b"}],
        [{"text": "Green", "callback_data": "g"}],
    ]


def test_a_request_is_a_keyboard_that_sends_what_is_asked_for() -> None:
    replies = (
        QuickReply("Send my location", asks="location"),
        QuickReply("Share my number", asks="contact"),
        QuickReply("Not now", "say:Not now"),
    )

    ((_, parameters),), _ = said(Text("Where are you?", quick_replies=replies))

    assert parameters["reply_markup"] == {
        "keyboard": [
            [{"text": "Send my location", "request_location": True}],
            [{"text": "Share my number", "request_contact": True}],
            [{"text": "Not now"}],
        ],
        "resize_keyboard": True,
        "one_time_keyboard": True,
    }


@pytest.mark.parametrize(
    ("button", "line"),
    [
        (Button("Ring", kind="call", target="+61400000000"), "Ring: +61400000000"),
        (Button("Yes", "do:" + "ü" * 31), "1. Yes"),
    ],
)
def test_a_button_that_telegram_has_no_place_for_becomes_a_line(button: Button, line: str) -> None:
    (content,) = degrade(Text("Choose", (button,)), TELEGRAM.capabilities.limits).contents

    assert content == Text(f"Choose\n{line}")


@pytest.mark.parametrize(
    ("media", "method", "field"),
    [
        (Media("image", "https://x.example/a"), "sendPhoto", "photo"),
        (Media("video", "https://x.example/a"), "sendVideo", "video"),
        (Media("audio", "https://x.example/a"), "sendAudio", "audio"),
        (Media("audio", "https://x.example/a", "audio/ogg"), "sendVoice", "voice"),
        (Media("file", "https://x.example/a"), "sendDocument", "document"),
        (Media("sticker", "https://x.example/a"), "sendSticker", "sticker"),
    ],
)
def test_each_type_of_media_has_its_method(media: Media, method: str, field: str) -> None:
    assert said(media)[0] == [(method, {"chat_id": "u-1", field: "https://x.example/a"})]


def test_a_caption_and_buttons_go_with_a_picture() -> None:
    ((_, parameters),), _ = said(
        Media("image", "https://x.example/a", caption="A mug", buttons=(Button("A", "a"),))
    )

    assert (parameters["caption"], len(parameters["reply_markup"]["inline_keyboard"])) == ("A mug", 1)


def test_a_sticker_has_no_words_so_they_follow_it() -> None:
    sticker = Media("sticker", "https://x.example/a", caption="Hi")

    assert degrade(sticker, TELEGRAM.capabilities.limits).contents == (
        Media("sticker", "https://x.example/a"),
        Text("Hi"),
    )


def test_a_long_caption_follows_its_picture() -> None:
    picture = Media("image", "https://x.example/a", caption="word " * 300)

    first, second = degrade(picture, TELEGRAM.capabilities.limits).contents

    assert isinstance(first, Media)
    assert not first.caption
    assert isinstance(second, Text)


def test_a_picture_that_is_too_large_becomes_a_file_and_what_is_larger_still_a_link() -> None:
    limits = TELEGRAM.capabilities.limits
    (file,) = degrade(Media("image", "https://x.example/a", size=6_000_000), limits).contents
    (link,) = degrade(Media("video", "https://x.example/a", size=21_000_000), limits).contents

    assert isinstance(file, Media)
    assert file.type == "file"
    assert link == Text("https://x.example/a")


def test_a_place_with_a_name_is_a_venue() -> None:
    assert said(Location(1.5, 2.5))[0] == [
        ("sendLocation", {"chat_id": "u-1", "latitude": 1.5, "longitude": 2.5})
    ]
    ((method, parameters),), _ = said(Location(1.5, 2.5, "Opera", "Point"))
    assert (method, parameters["title"], parameters["address"]) == ("sendVenue", "Opera", "Point")


def test_cards_that_are_pictures_with_words_are_an_album() -> None:
    cards = Cards((Card("Mug", "9.90", "https://x.example/m"), Card("Lamp", image_url="https://x.example/l")))

    (content,) = degrade(cards, TELEGRAM.capabilities.limits).contents
    calls, result = said(content)

    assert calls == [
        (
            "sendMediaGroup",
            {
                "chat_id": "u-1",
                "media": [
                    {"type": "photo", "media": "https://x.example/m", "caption": "Mug\n9.90"},
                    {"type": "photo", "media": "https://x.example/l", "caption": "Lamp"},
                ],
            },
        )
    ]
    assert result == Accepted(200, "110201543:77")


@pytest.mark.parametrize(
    "cards",
    [
        Cards((Card("Mug", image_url="https://x.example/m"),)),
        Cards((Card("Mug", image_url="https://x.example/m"), Card("Lamp"))),
        Cards((Card("Mug", image_url="https://x.example/m", buttons=(Button("A", "a"),)),) * 2),
        Cards((Card("Mug", image_url="https://x.example/m"),) * 2, quick_replies=(QuickReply("A", "a"),)),
        Cards((Card("Mug", image_url="https://x.example/m"),) * 11),
    ],
)
def test_other_cards_are_messages(cards: Cards) -> None:
    contents = degrade(cards, TELEGRAM.capabilities.limits).contents

    assert len(contents) == len(cards.cards)
    assert not any(isinstance(content, Cards) for content in contents)


# Errors: sentences that the Bot API answers with


@pytest.mark.parametrize(
    ("status", "description", "expected"),
    [
        (403, "Forbidden: bot was blocked by the user", "blocked"),
        (403, "Forbidden: user is deactivated", "invalid_recipient"),
        (403, "Forbidden: bot can't initiate conversation with a user", "invalid_recipient"),
        (400, "Bad Request: chat not found", "invalid_recipient"),
        (400, "Bad Request: message text is empty", "rejected"),
        (401, "Unauthorized", "auth"),
        (404, "Not Found", "auth"),
    ],
)
def test_what_will_never_be_taken_is_not_tried_again(status: int, description: str, expected: str) -> None:
    _, result = said(Text("Hello"), refusing(status, description))

    assert result == Rejected(f"{expected}: {description}")


def test_too_much_at_once_waits_as_long_as_telegram_asks() -> None:
    parts = {"parameters": {"retry_after": 31}}

    _, result = said(Text("Hello"), refusing(429, "Too Many Requests: retry after 31", **parts))

    expected = "rate_limited: Too Many Requests: retry after 31"
    assert result == Refused(429, timedelta(seconds=31), expected)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_fault_of_telegram_is_tried_again(status: int) -> None:
    _, result = said(Text("Hello"), refusing(status, "Internal Server Error"))

    assert isinstance(result, Refused)


def test_200_from_somebody_else_is_not_success() -> None:
    _, result = said(Text("Hello"), lambda _: VendorAnswer(status=200, headers={}, body=b"<h1>Welcome</h1>"))

    assert isinstance(result, Refused)


def test_a_file_that_telegram_cannot_fetch_becomes_a_link() -> None:
    def vendor(call: VendorCall) -> VendorAnswer:
        if call.url.endswith("/sendDocument"):
            return answer(status=400, description="Bad Request: failed to get HTTP URL content")
        return taking(call)

    calls, result = said(Media("file", "https://x.example/a.docx", caption="The list"), vendor)

    assert [method for method, _ in calls] == ["sendDocument", "sendMessage"]
    assert calls[1][1]["text"] == "The list\nhttps://x.example/a.docx"
    assert result == Accepted(200, "110201543:77", "file became a link")


# Files


def test_a_file_is_found_by_its_id() -> None:
    def vendor(call: VendorCall) -> VendorAnswer:
        assert (call.url, call.body) == (f"{BASE}/getFile", b'{"file_id":"AgAC"}')
        return answer({"file_id": "AgAC", "file_path": "photos/file 1.jpg"})

    _, found = play(TELEGRAM.fetch("telegram:AgAC", CHANNEL), vendor)

    assert found == VendorCall(method="GET", url=f"https://bots.example/file/bot{TOKEN}/photos/file%201.jpg")


def test_a_file_that_is_too_big_is_not_looked_for_again() -> None:
    vendor = refusing(400, "Bad Request: file is too big")

    _, found = play(TELEGRAM.fetch("telegram:AgAC", CHANNEL), vendor)

    assert found == Rejected("rejected: Bad Request: file is too big")


# Typing and setting up


def test_typing_is_shown() -> None:
    call = TELEGRAM.show_typing("u-1", CHANNEL)

    assert call is not None
    assert (call.url, msgspec.json.decode(call.body)) == (
        f"{BASE}/sendChatAction",
        {"chat_id": "u-1", "action": "typing"},
    )


def telegram_set_up(hook_url: str = "", **info: Any) -> Callable[[VendorCall], VendorAnswer]:
    """A Bot API whose bot has a webhook, or none."""
    hook = {"url": hook_url, "pending_update_count": 0, **info}

    def vendor(call: VendorCall) -> VendorAnswer:
        method = call.url.rpartition("/")[2]
        if method == "setWebhook":
            hook["url"] = msgspec.json.decode(call.body)["url"]
        return answer({"getMe": {"username": "acme_bot"}, "getWebhookInfo": hook}.get(method, True))

    return vendor


FACTS = (("Bot", "@acme_bot"), ("Link", "https://t.me/acme_bot"), ("Waiting updates", "0"))


def test_connecting_sets_the_webhook_and_checks_it() -> None:
    calls, findings = play(TELEGRAM.connect(CHANNEL, HOOK), telegram_set_up())

    assert [call.url.rpartition("/")[2] for call in calls] == ["setWebhook", "getMe", "getWebhookInfo"]
    assert msgspec.json.decode(calls[0].body) == {
        "url": HOOK,
        "secret_token": secret_token(CHANNEL),
        "allowed_updates": [
            "message",
            "edited_message",
            "callback_query",
            "my_chat_member",
            "message_reaction",
        ],
    }
    assert findings == Findings(facts=FACTS)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://relevo.example.com/hooks/telegram/k", "https only"),
        ("https://relevo.example.com:8080/hooks/telegram/k", "the ports 443, 80, 88, 8443 only, not to 8080"),
    ],
)
def test_a_url_that_telegram_does_not_post_to_is_told_without_asking(url: str, words: str) -> None:
    calls, findings = play(TELEGRAM.connect(CHANNEL, url), telegram_set_up())

    assert calls == []
    assert words in findings.problems[0]


@pytest.mark.parametrize(
    ("vendor", "words"),
    [
        (telegram_set_up(), "posts nowhere"),
        (telegram_set_up("https://other.example/secret"), "posts to https://other.example/…, not to this"),
        (
            telegram_set_up(HOOK, last_error_message="Connection timed out"),
            "could not post to this channel: Conn",
        ),
        (refusing(401, "Unauthorized"), "does not know this bot token"),
        (refusing(500, "Oops"), "answered 500: Oops"),
    ],
)
def test_checking_tells_what_is_wrong(vendor: Callable[[VendorCall], VendorAnswer], words: str) -> None:
    _, findings = play(TELEGRAM.check(CHANNEL, HOOK), vendor)

    assert words in findings.problems[0]


def test_the_secret_token_is_of_the_signs_that_telegram_takes() -> None:
    assert set(secret_token(CHANNEL)) <= set("0123456789abcdef")
    assert len(secret_token(CHANNEL)) == 64


def test_what_is_secret_is_known() -> None:
    assert secrets_of(TELEGRAM, CHANNEL) == (TOKEN, "a secret of thirty-two characters")
