"""The channel suite on WhatsApp, then what is peculiar to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from relevo.channels.adapter import HookRequest, Parsed, VendorAnswer, VendorCall, secrets_of
from relevo.channels.whatsapp.adapter import WhatsApp, signature, verify_token
from relevo.domain.approved_templates import Template
from relevo.domain.degrading import degrade
from relevo.domain.deliveries import Accepted, Refused, Rejected
from relevo.domain.errors import BadSignature, ForeignPayload
from relevo.domain.messages import (
    Button,
    Contact,
    Contacts,
    Content,
    Location,
    Media,
    QuickReply,
    Reaction,
    Text,
)
from relevo.testing.channel_suite import ChannelSuite, example_channel, outgoing, play

NUMBER, ACCOUNT = "106540352242922", "102290129340398"
TOKEN, SECRET = "EAAJB" + "x" * 40, "0123456789abcdef" * 2
CONFIG = {"phone_number_id": NUMBER, "waba_id": ACCOUNT, "access_token": TOKEN, "app_secret": SECRET}
CHANNEL = example_channel(
    "whatsapp", **CONFIG, media="link", list_button="Choose", per_second="80", api_url="https://graph.example"
)
BASE = "https://graph.example/v25.0"
HOOK = "https://relevo.example.com/hooks/whatsapp/example-channel-key"
WHATSAPP = WhatsApp()
LIMITS = WHATSAPP.capabilities.limits


def answer(value: Any, status: int = 200) -> VendorAnswer:
    return VendorAnswer(status=status, headers={}, body=msgspec.json.encode(value))


def taking(_: VendorCall) -> VendorAnswer:
    return answer({"messaging_product": "whatsapp", "messages": [{"id": "wamid.1"}]})


def refusing(status: int, code: int, message: str = "No") -> Callable[[VendorCall], VendorAnswer]:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Az8"}
    return lambda _: answer({"error": error}, status)


class TestWhatsApp(ChannelSuite):
    adapter = WHATSAPP
    channel = CHANNEL
    folder = Path(__file__).parent
    bad_configs: ClassVar[dict[str, Any]] = {
        "phone_number_id": "+15550783881",
        "waba_id": "",
        "access_token": "short",
        "app_secret": "0123",
        "media": "fax",
        "list_button": "More than twenty characters",
        "graph_version": "25",
        "per_second": "-3",
        "api_url": "graph.example",
    }

    def request(self, body: bytes, **parts: Any) -> HookRequest:
        headers = {"x-hub-signature-256": signature(CHANNEL, body)}
        return super().request(body, **{"headers": headers, **parts})

    def forged(self, body: bytes) -> list[HookRequest]:
        other = example_channel("whatsapp", app_secret="f" * 32)
        given = (
            "",
            signature(other, body),
            signature(CHANNEL, body + b" "),
            signature(CHANNEL, body).removeprefix("sha256="),
        )
        return [self.request(body, headers={"x-hub-signature-256": one}) for one in given] + [
            self.request(body, headers={})
        ]

    def vendor(self, call: VendorCall) -> VendorAnswer:
        return taking(call)


def said(
    content: Content, vendor: Callable[[VendorCall], VendorAnswer] = taking, user_id: str = "16505551234"
) -> tuple[Any, Any]:
    """The body of the one call that says a content, without what is always there; and how it ended."""
    message = msgspec.structs.replace(outgoing(content), user_id=user_id)
    (call,), result = play(WHATSAPP.send(message, CHANNEL), vendor)
    assert (call.method, call.url) == ("POST", f"{BASE}/{NUMBER}/messages")
    assert call.headers["authorization"] == f"Bearer {TOKEN}"
    body = msgspec.json.decode(call.body)
    assert body.pop("messaging_product") == "whatsapp"
    return body, result


# Verification


def asked(**query: str) -> HookRequest:
    told = {f"hub.{name}": value for name, value in query.items()}
    parts: dict[str, Any] = {"url": "/hook", "headers": {}, "body": b"", "now": outgoing(Text("")).created_at}
    return HookRequest(method="GET", query=told, **parts)


def test_meta_is_answered_with_its_challenge() -> None:
    request = asked(mode="subscribe", challenge="1158201444", verify_token=verify_token(CHANNEL))

    WHATSAPP.verify(request, CHANNEL)
    parsed = WHATSAPP.parse(request, CHANNEL)

    assert parsed.answer is not None
    assert (parsed.answer.status, parsed.answer.content_type, parsed.answer.body) == (
        200,
        "text/plain",
        b"1158201444",
    )


@pytest.mark.parametrize("token", ["", "guess"])
def test_somebody_who_does_not_know_the_verify_token_is_refused(token: str) -> None:
    with pytest.raises(BadSignature):
        WHATSAPP.verify(asked(mode="subscribe", challenge="1", verify_token=token), CHANNEL)


def test_a_get_that_asks_for_nothing_is_refused() -> None:
    with pytest.raises(ForeignPayload, match=r"hub\.mode"):
        WHATSAPP.parse(asked(mode="unsubscribe", challenge="1"), CHANNEL)


def test_a_channel_without_an_app_secret_trusts_nobody() -> None:
    bare = example_channel("whatsapp")
    headers = {"x-hub-signature-256": signature(bare, b"{}")}
    request = msgspec.structs.replace(asked(), method="POST", body=b"{}", headers=headers)

    with pytest.raises(BadSignature):
        WHATSAPP.verify(request, bare)


def test_the_signature_is_the_one_of_metas_documentation() -> None:
    """HMAC-SHA256 with the app's secret, in hex (computed with `openssl dgst -sha256 -hmac`)."""
    expected = "sha256=e3d59d231b02104529f72ed309769c75fdbc42fc9cb15257538b2012f031af65"

    assert signature(CHANNEL, b'{"object":"whatsapp_business_account"}') == expected


# In


def test_one_odd_message_does_not_hold_up_the_others() -> None:
    body = (Path(__file__).parent / "fixtures" / "many_in_one_body.json").read_bytes()
    request = msgspec.structs.replace(asked(), method="POST", body=body)

    parsed: Parsed = WHATSAPP.parse(request, CHANNEL)

    assert len(parsed.items) == 6
    assert parsed.unsupported == ("message.location.latitude: expected `float` <= 90.0",)


# Out


def test_a_text_is_sent_exactly_so() -> None:
    assert said(Text("Hello")) == (
        {
            "recipient_type": "individual",
            "to": "16505551234",
            "type": "text",
            "text": {"body": "Hello", "preview_url": False},
        },
        Accepted(200, "wamid.1"),
    )


def test_somebody_without_a_phone_number_is_written_to_by_id() -> None:
    body, _ = said(Text("Hello"), user_id="US.13491208655302741918")

    assert "to" not in body
    assert body["recipient"] == "US.13491208655302741918"


def test_a_link_is_shown_with_a_preview() -> None:
    assert said(Text("Look: https://shop.example"))[0]["text"]["preview_url"] is True


def test_up_to_three_short_options_are_buttons() -> None:
    body, _ = said(Text("Choose", (Button("Yes", "do:yes"), Button("No")), (QuickReply("Later", "l"),)))

    assert body["interactive"] == {
        "type": "button",
        "body": {"text": "Choose"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "do:yes", "title": "Yes"}},
                {"type": "reply", "reply": {"id": "No", "title": "No"}},
                {"type": "reply", "reply": {"id": "l", "title": "Later"}},
            ]
        },
    }


@pytest.mark.parametrize(
    "titles", [["One", "Two", "Three", "Four"], ["The one that is long", "The one that is longer"]]
)
def test_more_or_longer_options_are_a_list(titles: list[str]) -> None:
    body, _ = said(Text("", quick_replies=tuple(QuickReply(title, title) for title in titles)))

    interactive = body["interactive"]
    assert (interactive["type"], interactive["body"]["text"]) == ("list", "…")
    assert interactive["action"]["button"] == "Choose"
    assert [row["id"] for row in interactive["action"]["sections"][0]["rows"]] == titles


def test_a_list_has_sections_and_lines_below_its_rows() -> None:
    rows = (QuickReply("Soup", "s", "With bread", "Today"), QuickReply("Fish", "f", section="Always"))

    body, _ = said(Text("Menu", quick_replies=rows, list_button="See the menu"))

    assert body["interactive"]["action"] == {
        "button": "See the menu",
        "sections": [
            {"title": "Today", "rows": [{"id": "s", "title": "Soup", "description": "With bread"}]},
            {"title": "Always", "rows": [{"id": "f", "title": "Fish"}]},
        ],
    }


def test_a_location_is_asked_for_with_a_button_that_sends_it() -> None:
    body, _ = said(Text("Where are you?", quick_replies=(QuickReply("Send my location", asks="location"),)))

    assert body["interactive"] == {
        "type": "location_request_message",
        "body": {"text": "Where are you?"},
        "action": {"name": "send_location"},
    }


def test_a_title_that_a_row_has_no_room_for_stands_below_it() -> None:
    title = "Everything about the price of mugs"

    body, _ = said(Text("Choose", quick_replies=(QuickReply(title, "p"),)))

    (row,) = body["interactive"]["action"]["sections"][0]["rows"]
    assert row == {"id": "p", "title": title[:24], "description": title}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            Text("Choose", (Button("Shop", kind="url", target="https://x.example"),)),
            "Choose\nShop: https://x.example",
        ),
        (Text("Choose", (Button("x" * 73, "x"),)), "Choose\n1. " + "x" * 73),
    ],
)
def test_a_button_that_whatsapp_has_no_place_for_becomes_a_line(text: Text, expected: str) -> None:
    assert degrade(text, LIMITS).contents == (Text(expected),)


def test_eleven_options_are_numbered() -> None:
    buttons = tuple(Button(f"B{number}", f"b{number}") for number in range(4))
    replies = tuple(QuickReply(f"Q{number}", f"q{number}") for number in range(7))

    (content,) = degrade(Text("Choose", buttons, replies), LIMITS).contents

    assert isinstance(content, Text)
    assert (content.buttons, content.quick_replies) == (buttons, ())
    assert content.text.endswith("7. Q6")


def test_options_belong_to_the_last_1024_characters_of_a_long_text() -> None:
    text = Text("A sentence of some length. " * 100, quick_replies=(QuickReply("Yes", "y"),))

    *before, last = degrade(text, LIMITS).contents

    assert before
    assert isinstance(last, Text)
    assert last.quick_replies
    assert len(last.text) <= 1024


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (
            Media("image", "https://x.example/a", caption="A mug"),
            {"link": "https://x.example/a", "caption": "A mug"},
        ),
        (Media("video", "https://x.example/a"), {"link": "https://x.example/a"}),
        (Media("audio", "https://x.example/a"), {"link": "https://x.example/a"}),
        (Media("sticker", "https://x.example/a"), {"link": "https://x.example/a"}),
        (
            Media("file", "https://x.example/a", title="a.pdf"),
            {"link": "https://x.example/a", "filename": "a.pdf"},
        ),
    ],
)
def test_media_go_by_link(media: Media, expected: dict[str, str]) -> None:
    body, _ = said(media)
    kind = "document" if media.type == "file" else media.type

    assert (body["type"], body[kind]) == (kind, expected)


def test_a_picture_with_few_buttons_is_the_head_of_their_message() -> None:
    picture = Media("image", "https://x.example/a", caption="A mug", buttons=(Button("Buy", "buy"),))

    (content,) = degrade(picture, LIMITS).contents
    body, _ = said(content)

    assert body["interactive"]["header"] == {"type": "image", "image": {"link": "https://x.example/a"}}
    assert body["interactive"]["body"] == {"text": "A mug"}


def test_a_picture_with_many_options_is_followed_by_a_list() -> None:
    replies = tuple(QuickReply(f"Q{number}", f"q{number}") for number in range(4))
    picture = Media("image", "https://x.example/a", caption="A mug", quick_replies=replies)

    assert degrade(picture, LIMITS).contents == (
        Media("image", "https://x.example/a"),
        Text("A mug", quick_replies=replies),
    )


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        (Media("image", "https://x.example/a", "image/gif"), "file"),
        (Media("image", "https://x.example/a", "image/png", 5_000_001), "file"),
        (Media("sticker", "https://x.example/a", "image/png"), "image"),
        (Media("audio", "https://x.example/a", "audio/wav"), "file"),
        (Media("file", "https://x.example/a", "application/zip"), "file"),
    ],
)
def test_what_whatsapp_does_not_take_as_it_is_becomes_what_it_does(media: Media, kind: str) -> None:
    (content,) = degrade(media, LIMITS).contents

    assert isinstance(content, Media)
    assert content.type == kind


def test_a_place_and_a_contact_and_a_reaction_are_what_they_are() -> None:
    place, _ = said(Location(1.5, 2.5, "Opera"))
    contact, _ = said(Contacts((Contact("Ana Diaz", ("+61400000000",), ("ana@example.com",)),)))
    reaction, _ = said(Reaction("👍", "wamid.7"))

    assert place["location"] == {"latitude": 1.5, "longitude": 2.5, "name": "Opera"}
    assert contact["contacts"] == [
        {
            "name": {"formatted_name": "Ana Diaz", "first_name": "Ana", "last_name": "Diaz"},
            "phones": [{"phone": "+61400000000", "type": "CELL"}],
            "emails": [{"email": "ana@example.com", "type": "HOME"}],
        }
    ]
    assert reaction["reaction"] == {"message_id": "wamid.7", "emoji": "👍"}


def test_reading_and_typing_name_what_the_customer_wrote() -> None:
    def shown(mid: str, *, is_typing: bool) -> Any:
        call = WHATSAPP.show_attention("16505551234", mid, CHANNEL, is_typing=is_typing)
        return call and msgspec.json.decode(call.body)

    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.9"}
    assert shown("wamid.9", is_typing=False) == read
    assert shown("wamid.9", is_typing=True) == {**read, "typing_indicator": {"type": "text"}}
    assert shown("", is_typing=True) is None


# Errors


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 131047, "window_closed"),
        (400, 131026, "invalid_recipient"),
        (400, 131030, "invalid_recipient"),
        (401, 190, "auth"),
        (403, 10, "auth"),
        (403, 200, "auth"),
        (400, 133010, "auth"),
        (400, 131050, "rejected"),
        (400, 131051, "rejected"),
        (400, 100, "rejected"),
    ],
)
def test_what_will_never_be_taken_is_not_tried_again(status: int, code: int, expected: str) -> None:
    _, result = said(Text("Hello"), refusing(status, code))

    assert result == Rejected(f"{expected}: {code} No")


@pytest.mark.parametrize(("status", "code"), [(400, 130429), (400, 131056), (400, 80007), (429, 99)])
def test_too_much_at_once_is_tried_again(status: int, code: int) -> None:
    _, result = said(Text("Hello"), refusing(status, code))

    assert result == Refused(429, None, f"rate_limited: {code} No")


@pytest.mark.parametrize(("status", "code"), [(500, 1), (503, 2), (500, 131000), (400, 131016), (500, 99)])
def test_a_fault_of_meta_is_tried_again(status: int, code: int) -> None:
    _, result = said(Text("Hello"), refusing(status, code))

    assert isinstance(result, Refused)
    assert result.reason.startswith("vendor_down")


def test_200_from_somebody_else_is_not_success() -> None:
    _, result = said(Text("Hello"), lambda _: VendorAnswer(status=200, headers={}, body=b"<h1>Welcome</h1>"))

    assert isinstance(result, Refused)


# Files


@pytest.mark.parametrize(
    ("url", "is_told"),
    [
        ("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", True),
        ("https://graph.example/file", True),
        ("http://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", False),
        ("https://lookaside.fbsbx.com.thief.example/a", False),
    ],
)
def test_a_file_is_found_by_its_id_and_only_meta_is_told_the_token(url: str, is_told: bool) -> None:
    calls, found = play(WHATSAPP.fetch("whatsapp:77", CHANNEL), lambda _: answer({"url": url, "id": "77"}))

    assert calls[0].url == f"{BASE}/77?phone_number_id={NUMBER}"
    assert isinstance(found, VendorCall)
    assert found.url == url
    assert ("authorization" in found.headers) is is_told


def test_a_file_that_is_gone_is_not_looked_for_again() -> None:
    _, found = play(WHATSAPP.fetch("whatsapp:77", CHANNEL), refusing(400, 100, "Unsupported get request"))

    assert found == Rejected("rejected: 100 Unsupported get request")


# Setting up


def meta(
    hook: str = "", permissions: tuple[str, ...] = (), apps: int = 1
) -> Callable[[VendorCall], VendorAnswer]:
    """A Graph API with one number, whose hook is set as it is told."""
    granted = permissions or ("whatsapp_business_messaging", "whatsapp_business_management")
    state = {"hook": hook}

    def vendor(call: VendorCall) -> VendorAnswer:
        place = call.url.removeprefix(f"{BASE}/").partition("?")[0]
        if call.method == "POST":
            told = msgspec.json.decode(call.body).get("webhook_configuration", {})
            state["hook"] = told.get("override_callback_uri", state["hook"])
            return answer({"success": True})
        match place:
            case "me/permissions":
                return answer({"data": [{"permission": one, "status": "granted"} for one in granted]})
            case _ if place.endswith("/subscribed_apps"):
                return answer({"data": [{"whatsapp_business_api_data": {"id": "7"}}] * apps})
            case _:
                number = {"display_phone_number": "+1 555-078-3881", "verified_name": "Acme"}
                return answer({**number, "webhook_configuration": {"phone_number": state["hook"]}})

    return vendor


def test_connecting_tells_meta_where_to_post_and_checks_it() -> None:
    calls, findings = play(WHATSAPP.connect(CHANNEL, HOOK), meta())

    assert [(call.method, call.url.removeprefix(BASE).partition("?")[0]) for call in calls[:2]] == [
        ("POST", f"/{ACCOUNT}/subscribed_apps"),
        ("POST", f"/{NUMBER}"),
    ]
    assert msgspec.json.decode(calls[1].body) == {
        "webhook_configuration": {"override_callback_uri": HOOK, "verify_token": verify_token(CHANNEL)}
    }
    assert findings.problems == ()
    assert findings.facts == (
        ("Number", "+1 555-078-3881"),
        ("Name", "Acme"),
        ("Callback URL", HOOK),
        ("Verify token", verify_token(CHANNEL)),
    )


def test_a_url_that_meta_does_not_post_to_is_told_without_asking() -> None:
    calls, findings = play(WHATSAPP.connect(CHANNEL, "http://relevo.example.com/hooks/x/k"), meta())

    assert calls == []
    assert "https only" in findings.problems[0]


@pytest.mark.parametrize(
    ("vendor", "words"),
    [
        (meta(), "posts nowhere"),
        (meta("https://other.example/secret"), "posts to https://other.example/…, not to this"),
        (meta(HOOK, ("whatsapp_business_messaging",)), "lacks whatsapp_business_management"),
        (meta(HOOK, apps=0), f"No app hears of the account {ACCOUNT}"),
        (refusing(401, 190), "does not accept the access token"),
        (refusing(403, 10, "Permission"), "lacks a permission (10 Permission)"),
        (refusing(500, 2, "Oops"), "answered 500: 2 Oops"),
    ],
)
def test_checking_tells_what_is_wrong(vendor: Callable[[VendorCall], VendorAnswer], words: str) -> None:
    _, findings = play(WHATSAPP.check(CHANNEL, HOOK), vendor)

    assert words in findings.problems[0]


def test_an_account_that_may_not_be_asked_is_told() -> None:
    def vendor(call: VendorCall) -> VendorAnswer:
        if call.url.endswith("/subscribed_apps"):
            return refusing(403, 200, "Not yours")(call)
        return meta(HOOK)(call)

    _, findings = play(WHATSAPP.check(CHANNEL, HOOK), vendor)

    assert "Not yours" in findings.problems[0]


def test_a_refusal_while_connecting_shows_what_can_be_copied_instead() -> None:
    _, findings = play(WHATSAPP.connect(CHANNEL, HOOK), refusing(400, 100, "Unverified"))

    assert findings.facts == (("Callback URL", HOOK), ("Verify token", verify_token(CHANNEL)))
    assert "Unverified" in findings.problems[0]


def test_what_is_secret_is_known() -> None:
    assert secrets_of(WHATSAPP, CHANNEL) == (TOKEN, SECRET)


def test_a_person_may_be_answered_for_a_day() -> None:
    assert WHATSAPP.capabilities.window == timedelta(hours=24)


# Handing files over

UPLOADING = msgspec.structs.replace(CHANNEL, config={**CHANNEL.config, "media": "upload"})


TAKEN = answer({"messaging_product": "whatsapp", "messages": [{"id": "wamid.1"}]})


def handed_over(media: Media, *answers: VendorAnswer) -> tuple[list[VendorCall], Any]:
    left = iter(answers)
    return play(WHATSAPP.send(outgoing(media), UPLOADING), lambda _: next(left))


def test_a_file_is_fetched_and_handed_over_and_sent_by_its_id() -> None:
    photo = VendorAnswer(status=200, headers={"content-type": "image/jpeg"}, body=b"\xff\xd8 a mug")
    picture = Media("image", "https://x.example/a", caption="A mug", title='a "mug".jpg')

    calls, result = handed_over(picture, photo, answer({"id": "4490709327384033"}), TAKEN)

    fetched, posted, sent = calls
    assert (fetched.method, fetched.url, fetched.headers) == ("GET", "https://x.example/a", {})
    assert (posted.method, posted.url) == ("POST", f"{BASE}/{NUMBER}/media")
    boundary = posted.headers["content-type"].partition("boundary=")[2].encode()
    parts = posted.body.split(b"--" + boundary)
    assert b'name="messaging_product"\r\n\r\nwhatsapp\r\n' in parts[1]
    assert b'name="type"\r\n\r\nimage/jpeg\r\n' in parts[2]
    assert parts[3].endswith(b"\r\n\r\n\xff\xd8 a mug\r\n")
    assert b'filename="a _mug_.jpg"\r\ncontent-type: image/jpeg' in parts[3]
    assert posted.shows == "(a file of 8 bytes, image/jpeg)"
    assert msgspec.json.decode(sent.body)["image"] == {"id": "4490709327384033", "caption": "A mug"}
    assert result == Accepted(200, "wamid.1")


def test_a_file_that_is_too_large_to_hand_over_goes_by_link() -> None:
    (sent,), _ = handed_over(Media("file", "https://x.example/a", size=30_000_000), TAKEN)

    assert msgspec.json.decode(sent.body)["document"] == {"link": "https://x.example/a"}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([VendorAnswer(status=404, headers={}, body=b"")], "rejected: the file could not be fetched: 404"),
        ([VendorAnswer(status=503, headers={}, body=b"")], "vendor_down: the file could not be fetched: 503"),
        (
            [VendorAnswer(status=200, headers={}, body=b"x"), answer({"error": {"code": 131005}}, 403)],
            "auth: 131005",
        ),
        (
            [VendorAnswer(status=200, headers={}, body=b"x"), answer({})],
            "vendor_down: an uploaded file without an id",
        ),
    ],
)
def test_a_file_that_cannot_be_handed_over_fails(answers: list[VendorAnswer], expected: str) -> None:
    _, result = handed_over(Media("image", "https://x.example/a"), *answers)

    assert isinstance(result, Refused | Rejected)
    assert result.reason == expected


# Templates


def listed(*answers: VendorAnswer) -> tuple[list[VendorCall], Any]:
    left = iter(answers)
    return play(WHATSAPP.list_templates(CHANNEL), lambda _: next(left))


def page(names: list[str], after: str = "") -> VendorAnswer:
    rows = [
        {"name": name, "language": "en", "status": "APPROVED", "id": "7", "components": []} for name in names
    ]
    paging = {"cursors": {"before": "a", "after": after or "z"}, **({"next": "https://…"} if after else {})}
    return answer({"data": rows, "paging": paging})


def test_templates_are_listed_page_by_page() -> None:
    calls, found = listed(
        answer({"message_template_namespace": "ns_1"}), page(["a", "b"], "QVFI=="), page(["c"])
    )

    assert [one.title for one in found] == ["a (en)", "b (en)", "c (en)"]
    assert {one.namespace for one in found} == {"ns_1"}
    assert calls[1].url.startswith(f"{BASE}/{ACCOUNT}/message_templates?fields=id%2Cname")
    assert calls[2].url.endswith("&limit=100&after=QVFI%3D%3D")
    assert calls[1].most > 1_000_000


def test_a_reason_that_is_none_is_none() -> None:
    rows = [
        {"name": "a", "language": "en", "status": "REJECTED", "rejected_reason": reason}
        for reason in ("NONE", "SCAM")
    ]

    _, found = listed(answer({}), answer({"data": rows}))

    assert [one.reason for one in found] == ["", "SCAM"]


@pytest.mark.parametrize("odd", [b"<html>", b"{}", b'{"data": [{"name": 7}]}', b"[]"])
def test_what_is_no_page_of_templates_is_a_complaint(odd: bytes) -> None:
    _, found = listed(answer({}), VendorAnswer(status=200, headers={}, body=odd))

    assert found == "Meta answered with something that Relevo does not understand"


def test_a_token_that_has_ended_lists_nothing() -> None:
    _, found = listed(answer({"error": {"code": 190, "message": "Error validating access token"}}, 401))

    assert found.startswith("Meta does not accept the access token")


def test_a_template_is_asked_for_and_forgotten() -> None:
    wanted = Template(
        name="sale", lang="de", category="MARKETING", components=({"type": "BODY", "text": "x"},)
    )
    said = answer({"id": "9", "status": "PENDING", "category": "MARKETING"})

    (call,), made = play(WHATSAPP.make_template(CHANNEL, wanted), lambda _: said)
    (other,), gone = play(WHATSAPP.drop_template(CHANNEL, "sale"), lambda _: answer({"success": True}))

    assert msgspec.json.decode(call.body) == {
        "name": "sale",
        "language": "de",
        "category": "MARKETING",
        "components": [{"type": "BODY", "text": "x"}],
    }
    assert isinstance(made, Template)
    assert (made.vendor_id, made.status) == ("9", "PENDING")
    assert (other.method, other.url) == ("DELETE", f"{BASE}/{ACCOUNT}/message_templates?name=sale")
    assert gone is None


@pytest.mark.parametrize(("granted", "a_second"), [(None, 80), ("1000", 1000), (20, 20)])
def test_an_upgraded_number_is_as_fast_as_meta_has_it(granted: object, a_second: float) -> None:
    config = CONFIG if granted is None else {**CONFIG, "per_second": granted}

    rates = WHATSAPP.rates(example_channel("whatsapp", **config))

    assert (rates.a_second, rates.between, rates.burst) == (a_second, 6, 45)
