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
from relevo.testing.channel_suite import ChannelSuite, example_channel, play

ACCOUNT, APP, SECRET = "17841400000000001", "123456", "s" * 32
CHANNEL = example_channel(
    "instagram",
    account_id=ACCOUNT,
    app_id=APP,
    access_token="t" * 32,
    app_secret=SECRET,
    version="v25.0",
    api_url="https://graph.example",
)
HOOK = "https://relevo.example.com/hooks/instagram/example-channel-key"
INSTAGRAM = Instagram()


class TestInstagram(ChannelSuite):
    adapter = INSTAGRAM
    channel = CHANNEL
    folder = Path(__file__).parent
    bad_configs: ClassVar[dict[str, Any]] = {"account_id": "@acme", "access_token": ""}

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
