"""The channel suite on Messenger, then what it shares with Instagram: what goes out, when, and how it is
set up."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from relevo.channels import toolkit
from relevo.channels.adapter import Findings, HookRequest, VendorAnswer, VendorCall, secrets_of
from relevo.channels.messenger.adapter import Messenger
from relevo.channels.meta import wire
from relevo.channels.meta.adapter import verify_token
from relevo.channels.toolkit import Fault
from relevo.domain.degrading import degrade
from relevo.domain.deliveries import Accepted, Refused, Rejected
from relevo.domain.messages import Button, Card, Cards, Content, Media, MessageType, QuickReply, Text
from relevo.testing.channel_suite import ChannelSuite, example_channel, outgoing, play
from relevo.testing.clock import NOON

PAGE, APP, TOKEN, SECRET = "102030405060708", "123456", "t" * 32, "s" * 32
CHANNEL = example_channel(
    "messenger",
    page_id=PAGE,
    app_id=APP,
    access_token=TOKEN,
    app_secret=SECRET,
    version="v25.0",
    api_url="https://graph.example",
)
BASE = "https://graph.example/v25.0"
HOOK = "https://relevo.example.com/hooks/messenger/example-channel-key"
MESSENGER = Messenger()
GUIDE = Path(__file__).parent / "doc.md"


def answer(body: Any, status: int = 200) -> VendorAnswer:
    return VendorAnswer(status=status, headers={}, body=msgspec.json.encode(body))


def taking(_: VendorCall) -> VendorAnswer:
    return answer({"recipient_id": "u-1", "message_id": "m_77"})


def refusing(code: int, subcode: int = 0, status: int = 400) -> Callable[[VendorCall], VendorAnswer]:
    error = {"message": "No", "type": "OAuthException", "code": code, "error_subcode": subcode}
    return lambda _: answer({"error": error}, status)


class TestMessenger(ChannelSuite):
    adapter = MESSENGER
    channel = CHANNEL
    folder = Path(__file__).parent
    bad_configs: ClassVar[dict[str, Any]] = {
        "page_id": "acme",
        "app_id": 7,
        "access_token": "short",
        "app_secret": None,
        "version": "25",
        "api_url": "graph.example",
    }

    def request(self, body: bytes, **parts: Any) -> HookRequest:
        headers = {"x-hub-signature-256": toolkit.meta_signature(SECRET, body)}
        return super().request(body, **{"headers": headers, **parts})

    def forged(self, body: bytes) -> list[HookRequest]:
        wrong = [{}, {"x-hub-signature-256": toolkit.meta_signature("another secret", body)}]
        return [self.request(body, headers=headers) for headers in wrong]

    def vendor(self, call: VendorCall) -> VendorAnswer:
        return taking(call)


def bodies(calls: list[VendorCall]) -> list[Any]:
    return [msgspec.json.decode(call.body) for call in calls]


def said(content: Content, vendor: Callable[[VendorCall], VendorAnswer] = taking) -> tuple[list[Any], Any]:
    """The messages of the calls that say a content, and how it ended."""
    calls, result = play(MESSENGER.send(outgoing(content), CHANNEL), vendor)
    return [body["message"] for body in bodies(calls)], result


# Out


def test_a_text_is_sent_exactly_so() -> None:
    (call,), result = play(MESSENGER.send(outgoing(Text("Hello")), CHANNEL), taking)

    proof = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
    assert (call.method, call.url) == ("POST", f"{BASE}/me/messages?appsecret_proof={proof}")
    assert call.headers["authorization"] == f"Bearer {TOKEN}"
    assert bodies([call]) == [
        {"recipient": {"id": "u-1"}, "messaging_type": "RESPONSE", "message": {"text": "Hello"}}
    ]
    assert result == Accepted(200, "m_77")


def test_buttons_are_a_template() -> None:
    buttons = (
        Button("Yes", "do:yes"),
        Button("Shop", kind="url", target="https://shop.example"),
        Button("Ring", kind="call", target="+61400000000"),
    )

    assert said(Text("Choose", buttons))[0] == [
        {
            "attachment": {
                "type": "template",
                "payload": {
                    "template_type": "button",
                    "text": "Choose",
                    "buttons": [
                        {"type": "postback", "title": "Yes", "payload": "do:yes"},
                        {"type": "web_url", "title": "Shop", "url": "https://shop.example"},
                        {"type": "phone_number", "title": "Ring", "payload": "+61400000000"},
                    ],
                },
            }
        }
    ]


def test_quick_replies_go_with_the_words() -> None:
    ((message,), _) = said(Text("Which?", quick_replies=(QuickReply("Red", "do:red"), QuickReply("Blue"))))

    assert message == {
        "text": "Which?",
        "quick_replies": [
            {"content_type": "text", "title": "Red", "payload": "do:red"},
            {"content_type": "text", "title": "Blue", "payload": "Blue"},
        ],
    }


def test_cards_are_a_gallery() -> None:
    mug = Card("Mug", "9.90", "https://x.example/m", "https://shop.example/m", (Button("Buy", "do:buy"),))
    cards = Cards((mug, Card("Lamp")), "square", (QuickReply("More", "do:more"),))

    ((message,), _) = said(cards)

    assert message["attachment"]["payload"] == {
        "template_type": "generic",
        "image_aspect_ratio": "square",
        "elements": [
            {
                "title": "Mug",
                "image_url": "https://x.example/m",
                "subtitle": "9.90",
                "default_action": {"type": "web_url", "url": "https://shop.example/m"},
                "buttons": [{"type": "postback", "title": "Buy", "payload": "do:buy"}],
            },
            {"title": "Lamp", "subtitle": "…"},
        ],
    }
    assert message["quick_replies"][0]["payload"] == "do:more"


def test_the_limits_are_those_of_the_vendor() -> None:
    limits = MESSENGER.capabilities.limits
    button = Button("Yes", "yes")

    assert len(degrade(Text("A sentence. " * 100), limits).contents) == 1
    with_button = degrade(Text("A sentence. " * 100, (button,)), limits).contents
    assert all(len(part.text) <= 640 for part in with_button if isinstance(part, Text))
    assert [bool(part.buttons) for part in with_button if isinstance(part, Text)] == [False, True]
    assert len(degrade(Cards((Card("A"),) * 23), limits).contents) == 3
    assert degrade(Text("A", (button,) * 4), limits).contents == (Text("A\n1. Yes\n2. Yes\n3. Yes\n4. Yes"),)
    assert len(degrade(Text("A", quick_replies=(QuickReply("B"),) * 13), limits).contents) == 1
    assert degrade(Text("A", quick_replies=(QuickReply("B"),) * 14), limits).numbered


@pytest.mark.parametrize("kind", ["image", "video", "audio", "file"])
def test_each_type_of_media_goes_by_its_url(kind: Any) -> None:
    attachment = {"type": kind, "payload": {"url": "https://x.example/a"}}

    assert said(Media(kind, "https://x.example/a"))[0] == [{"attachment": attachment}]


@pytest.mark.parametrize("subcode", sorted(wire.FILE_SUBCODES))
def test_a_file_that_meta_does_not_take_becomes_a_link(subcode: int) -> None:
    def vendor(call: VendorCall) -> VendorAnswer:
        return refusing(100, subcode)(call) if b"attachment" in call.body else taking(call)

    messages, result = said(Media("file", "https://x.example/a.zip", title="Prices"), vendor)

    assert messages[1] == {"text": "Prices\nhttps://x.example/a.zip"}
    assert result == Accepted(200, "m_77", "file became a link")


# When


DAY = timedelta(days=1)
HUMAN = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}


def sent_after(silence: timedelta | None, type_: MessageType) -> tuple[list[Any], Any]:
    """What is sent to somebody who was silent for so long; None: nobody knows."""
    message = msgspec.structs.replace(
        outgoing(Text("Hi"), type_), heard_at=None if silence is None else NOON - silence, sending_at=NOON
    )
    calls, result = play(MESSENGER.send(message, CHANNEL), taking)
    return bodies(calls), result


@pytest.mark.parametrize("type_", [MessageType.OUT, MessageType.AGENT])
@pytest.mark.parametrize("silence", [None, timedelta(), DAY])
def test_within_a_day_anybody_may_answer_without_a_tag(silence: timedelta | None, type_: MessageType) -> None:
    (body,), result = sent_after(silence, type_)

    assert (body["messaging_type"], "tag" in body, result) == ("RESPONSE", False, Accepted(200, "m_77"))


@pytest.mark.parametrize("silence", [DAY + timedelta(seconds=1), 7 * DAY])
def test_within_seven_days_a_human_may_and_it_is_tagged(silence: timedelta) -> None:
    (body,), result = sent_after(silence, MessageType.AGENT)

    assert {name: body[name] for name in HUMAN} == HUMAN
    assert result == Accepted(200, "m_77")


def test_the_bot_is_never_tagged_but_refused_with_the_reason() -> None:
    assert sent_after(DAY + timedelta(hours=2), MessageType.OUT) == (
        [],
        Rejected(
            "window_closed: the customer has been silent for 1 days and 2 hours;"
            " after 24 hours only a human may write to them"
        ),
    )


def test_after_seven_days_a_human_is_refused_with_the_reason() -> None:
    assert sent_after(7 * DAY + timedelta(hours=1), MessageType.AGENT) == (
        [],
        Rejected(
            "window_closed: the customer has been silent for 7 days and 1 hours;"
            " after 7 days not even a human may write to them"
        ),
    )


# Refusals


KNOWN = [(100, subcode, fault) for subcode, fault in wire.SUBCODES.items()]
KNOWN += [(code, 0, fault) for code, fault in wire.CODES.items()]


@pytest.mark.parametrize(
    ("code", "subcode", "fault"), [*KNOWN, (10, 2018278, "window_closed"), (9, 9, "rejected")]
)
def test_each_code_has_its_fault(code: int, subcode: int, fault: str) -> None:
    _, result = said(Text("Hi"), refusing(code, subcode))

    assert isinstance(result, Refused | Rejected)
    assert result.reason.partition(":")[0] == fault
    assert isinstance(result, Refused) is (fault in ("rate_limited", "vendor_down"))


def test_the_words_of_meta_stand_behind_the_fault() -> None:
    assert said(Text("Hi"), refusing(10, 2018278))[1] == Rejected("window_closed: 10/2018278 No")


@pytest.mark.parametrize(
    ("status", "body", "is_tried_again"),
    [
        (500, {}, True),
        (400, {"error": {"code": 9999, "is_transient": True}}, True),
        (429, {}, True),
        (401, {}, False),
        (404, {}, False),
        (200, {}, True),
        (200, {"error": {"code": 190}}, False),
    ],
)
def test_what_may_pass_is_tried_again(status: int, body: Any, is_tried_again: bool) -> None:
    _, result = said(Text("Hi"), lambda _: answer(body, status))

    assert isinstance(result, Refused) is is_tried_again
    assert isinstance(result, Rejected) is not is_tried_again


def test_the_guide_names_every_code_where_it_belongs() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (yes|no) \|$", GUIDE.read_text("utf-8"), re.M)
    told = {
        (fault, int(code)) for fault, codes, _ in rows for code in re.findall(r"\b\d+\b(?! hours)", codes)
    }

    known = {**wire.CODES, **wire.SUBCODES}
    assert told == {(fault.value, code) for code, fault in known.items()}
    assert {fault for fault, _, again in rows if again == "yes"} == {"rate_limited", "vendor_down"}
    assert {fault for fault, _, _ in rows} <= {fault.value for fault in Fault}


# Typing and setting up


@pytest.mark.parametrize(("is_typing", "action"), [(True, "typing_on"), (False, "mark_seen")])
def test_typing_and_reading_are_shown(is_typing: bool, action: str) -> None:
    call = MESSENGER.show_attention("u-1", "m_one", CHANNEL, is_typing=is_typing)

    assert call is not None
    assert bodies([call]) == [{"recipient": {"id": "u-1"}, "sender_action": action}]


SCOPES = ("pages_messaging", "pages_manage_metadata")


def graph(
    posts_to: str = "", page: str = PAGE, scopes: tuple[str, ...] = SCOPES, apps: tuple[str, ...] = (APP,)
) -> Callable[[VendorCall], VendorAnswer]:
    """A Graph API with one app and one page."""
    place = {"url": posts_to}

    def vendor(call: VendorCall) -> VendorAnswer:
        path = call.url.removeprefix(BASE).partition("?")[0]
        if path == f"/{APP}/subscriptions":
            if call.method == "POST":
                place["url"] = HOOK
                return answer({"success": True})
            return answer({"data": [{"object": "page", "callback_url": place["url"], "active": True}]})
        if path == "/me/subscribed_apps":
            return answer({"data": [{"id": app} for app in apps]})
        if path == "/debug_token":
            return answer({"data": {"is_valid": True, "scopes": scopes}})
        return answer({"id": page, "name": "Acme"})

    return vendor


FACTS = (("Page", "Acme"), ("Callback URL", HOOK), ("Verify token", verify_token(CHANNEL)))


def test_connecting_tells_the_app_where_to_post_and_the_page_whom_to_tell() -> None:
    calls, findings = play(MESSENGER.connect(CHANNEL, HOOK), graph())

    app, page = calls[:2]
    assert app.url.startswith(f"{BASE}/{APP}/subscriptions?object=page&callback_url=https%3A%2F%2Frelevo")
    assert f"verify_token={verify_token(CHANNEL)}&fields=messages%2Cmessaging_postbacks" in app.url
    assert app.headers["authorization"] == f"Bearer {APP}|{SECRET}"
    assert msgspec.json.decode(page.body)["subscribed_fields"].startswith("messages,messaging_postbacks")
    assert findings == Findings(facts=FACTS)


def test_an_address_without_https_is_told_without_asking() -> None:
    calls, findings = play(MESSENGER.connect(CHANNEL, "http://127.0.0.1/hooks/messenger/k"), graph())

    assert calls == []
    assert "https only" in findings.problems[0]


def test_a_hook_that_meta_could_not_reach_is_reported() -> None:
    _, findings = play(MESSENGER.connect(CHANNEL, HOOK), refusing(2200))

    assert findings.problems == ("Meta answered 400: No",)
    assert ("Callback URL", HOOK) in findings.facts


@pytest.mark.parametrize(
    ("vendor", "words"),
    [
        (refusing(190, status=401), "does not accept the token: No"),
        (lambda _: answer({}, 500), "answered 500: nothing that Relevo understands"),
        (graph(HOOK, page="77777"), f"of the page 77777 (Acme), not of {PAGE}"),
        (graph(HOOK, scopes=("pages_messaging",)), "lacks the permission pages_manage_metadata"),
        (graph("https://other.example"), "does not post to this channel; connect it"),
        (graph(HOOK, apps=("9",)), "does not let the app hear; connect it"),
    ],
)
def test_checking_tells_what_is_wrong(vendor: Callable[[VendorCall], VendorAnswer], words: str) -> None:
    _, findings = play(MESSENGER.check(CHANNEL, HOOK), vendor)

    assert len(findings.problems) == 1
    assert words in findings.problems[0]


def test_all_is_well_when_nothing_is_wrong() -> None:
    assert play(MESSENGER.check(CHANNEL, HOOK), graph(HOOK))[1] == Findings(facts=FACTS)


def always(given: VendorAnswer) -> Callable[[VendorCall], VendorAnswer]:
    return lambda _: given


def test_no_answer_to_the_set_up_breaks_us() -> None:
    odd: list[Any] = [[], {"data": 7}, {"data": [7, {"object": 7}]}, {"id": "x", "data": {"scopes": 7}}]
    for given in map(answer, odd):
        assert play(MESSENGER.check(CHANNEL, HOOK), always(given))[1].problems


def test_the_verify_token_tells_nothing_of_the_secret_and_is_the_channels_own() -> None:
    other = msgspec.structs.replace(CHANNEL, key="another-key")

    assert SECRET not in verify_token(CHANNEL)
    assert verify_token(other) != verify_token(CHANNEL)


def test_what_is_secret_is_known() -> None:
    assert secrets_of(MESSENGER, CHANNEL) == (TOKEN, SECRET)
