"""Instagram: what people write to a professional account, and comment on it."""

from __future__ import annotations

from typing import Any

from relevo.channels import toolkit
from relevo.channels.adapter import Capabilities, Option, Rates, SetUp
from relevo.channels.instagram import own_login
from relevo.channels.meta import graph, outbound, wire
from relevo.channels.meta.adapter import SHARED_OPTIONS, Meta
from relevo.domain.workspaces import Channel

MEGABYTE = 1_000_000
KINDS = {
    "image": frozenset({"image/jpeg", "image/png", "image/gif"}),
    "video": frozenset({"video/mp4", "video/ogg", "video/x-msvideo", "video/quicktime", "video/webm"}),
    "audio": frozenset({"audio/aac", "audio/mp4", "audio/x-m4a", "audio/wav", "audio/x-wav"}),
    "file": frozenset({"application/pdf"}),
}
"""https://developers.facebook.com/documentation/business-messaging/instagram-messaging/features/attachment-upload"""


class Instagram(Meta):
    type = "instagram"
    title = "Instagram"
    summary = "The conversations of an Instagram professional account, with a Facebook page or without."
    options = (
        Option(
            "account_id",
            "Account ID",
            "text",
            "Of the Instagram professional account, from the app's dashboard: 17841 and more digits.",
            required=True,
            placeholder="17841400000000000",
        ),
        *SHARED_OPTIONS,
        Option("login", "Login", "text", "facebook, or instagram if no page belongs to the account."),
    )
    capabilities = Capabilities(
        media=frozenset({"image", "video", "audio", "file"}),
        media_sizes={"image": 8 * MEGABYTE, **dict.fromkeys(("video", "audio", "file"), 25 * MEGABYTE)},
        media_kinds=KINDS,
        captioned=frozenset(),
        buttons=3,
        button_kinds=frozenset({"reply", "url"}),
        button_id_limit=1000,
        button_title_limit=20,
        button_text_limit=640,
        quick_replies=13,
        cards=True,
        most_cards=10,
        text_limit=1000,
        text_in_bytes=True,
        typing=True,
        reads=True,
        receipts=True,
        connects=True,
        rates=Rates(a_second=100),
        window=outbound.WINDOW,
        window_of_humans=outbound.WINDOW_OF_HUMANS,
    )
    account_option = "account_id"
    object = "instagram"
    app_fields = (
        "messages",
        "messaging_postbacks",
        "messaging_seen",
        "message_reactions",
        "messaging_referral",
        "comments",
        "live_comments",
    )
    page_fields = ("messages",)
    permissions = ("instagram_basic", "instagram_manage_messages", "pages_manage_metadata")

    def check_config(self, config: dict[str, Any]) -> dict[str, str]:
        problems = super().check_config(config)
        if config.get("login") not in (None, "", "facebook", "instagram"):
            problems["login"] = f"{config['login']!r} is not possible; use one of: facebook, instagram"
        return problems

    def connect(self, channel: Channel, hook_url: str) -> SetUp:
        if graph.is_by_instagram(channel) and hook_url.startswith("https://"):
            return (yield from own_login.connect(channel, self.to_copy(channel, hook_url)))
        return (yield from super().connect(channel, hook_url))

    def check(self, channel: Channel, hook_url: str) -> SetUp:
        if graph.is_by_instagram(channel):
            return (yield from own_login.check(channel, self.to_copy(channel, hook_url)))
        return (yield from super().check(channel, hook_url))

    def account_problem(self, me: wire.Answer, channel: Channel) -> str:
        account_id, account = channel.config["account_id"], me.instagram_business_account
        theirs = toolkit.id_text(account.id) if account else ""
        if not theirs:
            return f"The token knows of no Instagram professional account of the page {me.name}"
        if theirs != account_id:
            return f"The account of the page {me.name} is {theirs}, not {account_id}"
        return ""
