"""The channel suite on Instagram, then what is peculiar to it; what it shares with Messenger is tested
there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from relevo.channels import toolkit
from relevo.channels.adapter import Findings, HookRequest, VendorAnswer, VendorCall
from relevo.channels.instagram.adapter import Instagram
from relevo.channels.meta.adapter import verify_token
from relevo.domain.degrading import degrade
from relevo.domain.messages import Button, Media, Text
from relevo.testing.channel_suite import ChannelSuite, example_channel, outgoing, play

ACCOUNT, APP, SECRET = "17841400000000001", "123456", "s" * 32
CHANNEL = example_channel(
    "instagram",
    account_id=ACCOUNT,
    app_id=APP,
    access_token="t" * 32,
    app_secret=SECRET,
    version="v25.0",
    api_url="https://graph.example",
    login="facebook",
)
HOOK = "https://relevo.example.com/hooks/instagram/example-channel-key"
INSTAGRAM = Instagram()


class TestInstagram(ChannelSuite):
    adapter = INSTAGRAM
    channel = CHANNEL
    folder = Path(__file__).parent
    bad_configs: ClassVar[dict[str, Any]] = {"account_id": "@acme", "access_token": "", "login": "x"}

    def request(self, body: bytes, **parts: Any) -> HookRequest:
        headers = {"x-hub-signature-256": toolkit.meta_signature(SECRET, body)}
        return super().request(body, **{"headers": headers, **parts})

    def forged(self, body: bytes) -> list[HookRequest]:
        return [self.request(body, headers={}), self.request(body + b" ", headers=self.request(body).headers)]

    def vendor(self, call: VendorCall) -> VendorAnswer:
        return answer({"recipient_id": "u-1", "message_id": "aWdfZAG77"})


def answer(body: Any) -> VendorAnswer:
    return VendorAnswer(status=200, headers={}, body=msgspec.json.encode(body))


def test_a_text_has_at_most_a_thousand_bytes() -> None:
    parts = degrade(Text("Предложение. " * 100), INSTAGRAM.capabilities.limits).contents

    assert len(parts) == 3
    assert all(len(part.text.encode()) <= 1000 for part in parts if isinstance(part, Text))


def test_a_button_that_dials_becomes_a_line() -> None:
    button = Button("Ring", kind="call", target="+61400000000")

    assert degrade(Text("Hi", (button,)), INSTAGRAM.capabilities.limits).contents == (
        Text("Hi\nRing: +61400000000"),
    )


@pytest.mark.parametrize(
    ("media", "kept"),
    [
        (Media("file", "https://x.example/a", "application/pdf"), True),
        (Media("file", "https://x.example/a", "application/zip"), False),
        (Media("audio", "https://x.example/a", "audio/mpeg"), False),
        (Media("image", "https://x.example/a", "image/png"), True),
        (Media("image", "https://x.example/a"), True),
    ],
)
def test_a_file_of_a_type_that_instagram_does_not_take_becomes_a_link(media: Media, kept: bool) -> None:
    (content,) = degrade(media, INSTAGRAM.capabilities.limits).contents

    assert content == (media if kept else Text("https://x.example/a"))


def graph(account: Any) -> Callable[[VendorCall], VendorAnswer]:
    def vendor(call: VendorCall) -> VendorAnswer:
        if "/subscriptions" in call.url:
            return answer({"data": [{"object": "instagram", "callback_url": HOOK}]})
        if "/subscribed_apps" in call.url:
            return answer({"data": [{"id": APP}]})
        if "/debug_token" in call.url:
            return answer({"data": {"scopes": INSTAGRAM.permissions}})
        return answer({"id": "1", "name": "Acme", "instagram_business_account": account})

    return vendor


def test_connecting_subscribes_to_instagram() -> None:
    calls, findings = play(INSTAGRAM.connect(CHANNEL, HOOK), graph({"id": ACCOUNT}))

    assert "object=instagram&" in calls[0].url
    assert "messaging_seen" in calls[0].url
    assert msgspec.json.decode(calls[1].body) == {"subscribed_fields": "messages"}
    facts = (("Page", "Acme"), ("Callback URL", HOOK), ("Verify token", verify_token(CHANNEL)))
    assert findings == Findings(facts=facts)


@pytest.mark.parametrize(
    ("account", "words"),
    [(None, "knows of no Instagram professional account"), ({"id": "17841499"}, "is 17841499, not 17841400")],
)
def test_a_token_of_another_account_is_told(account: Any, words: str) -> None:
    _, findings = play(INSTAGRAM.check(CHANNEL, HOOK), graph(account))

    assert words in findings.problems[0]


# Instagram's own login

BARE = msgspec.structs.replace(CHANNEL, config={**CHANNEL.config, "login": "instagram", "api_url": ""})
OWN = "https://graph.instagram.com/v25.0"


Vendor = Callable[[VendorCall], VendorAnswer]


def own_graph(me: Any, *, may_read: bool = True, hears: bool = True) -> Vendor:
    def vendor(call: VendorCall) -> VendorAnswer:
        assert call.headers["authorization"] == f"Bearer {BARE.config['access_token']}"
        assert "appsecret_proof" not in call.url
        match call.url.removeprefix(OWN).partition("?")[0]:
            case "/me":
                return answer(me)
            case "/me/conversations" if not may_read:
                error = {"code": 10, "message": "No permission for this action"}
                return VendorAnswer(status=403, headers={}, body=msgspec.json.encode({"error": error}))
            case "/me/subscribed_apps" if call.method == "GET":
                return answer({"data": [{"subscribed_fields": ["messages"]}] if hears else []})
            case _:
                return answer({"success": True, "message_id": "m-1", "data": []})

    return vendor


ME = {"user_id": ACCOUNT, "username": "acme"}


def test_an_account_without_a_page_is_connected_at_instagram() -> None:
    calls, findings = play(INSTAGRAM.connect(BARE, HOOK), own_graph(ME))

    assert calls[0].method == "POST"
    assert calls[0].url.startswith(f"{OWN}/me/subscribed_apps?subscribed_fields=messages,")
    facts = (("Account", "acme"), ("Callback URL", HOOK), ("Verify token", verify_token(BARE)))
    assert findings == Findings(facts=facts)


@pytest.mark.parametrize(
    ("vendor", "words"),
    [
        (
            own_graph({**ME, "user_id": "17841499"}),
            "is of the account 17841499 (acme), not 17841400",
        ),
        (own_graph(ME, may_read=False), "needs the permission instagram_business_manage_messages"),
        (own_graph(ME, hears=False), "The account does not let the app hear; connect it"),
        (
            own_graph({"error": {"code": 190, "message": "Expired"}}),
            "Meta does not accept the token: Expired",
        ),
    ],
)
def test_what_is_wrong_with_an_account_without_a_page_is_told(vendor: Vendor, words: str) -> None:
    _, findings = play(INSTAGRAM.check(BARE, HOOK), vendor)

    (problem,) = findings.problems
    assert words in problem


def test_a_message_goes_by_instagrams_own_api() -> None:
    (call,), _ = play(INSTAGRAM.send(outgoing(Text("Hi")), BARE), own_graph(ME))

    assert call.url == f"{OWN}/me/messages"
    assert msgspec.json.decode(call.body)["message"] == {"text": "Hi"}
