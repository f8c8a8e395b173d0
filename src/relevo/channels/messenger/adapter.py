"""Messenger: what people write to a Facebook page, and comment on it."""

from __future__ import annotations

from relevo.channels.adapter import Capabilities, Option, Rates
from relevo.channels.meta import outbound, wire
from relevo.channels.meta.adapter import SHARED_OPTIONS, Meta
from relevo.domain.workspaces import Channel

MEGABYTE = 1_000_000


class Messenger(Meta):
    type = "messenger"
    title = "Messenger"
    summary = "The conversations of a Facebook page, and the comments on it."
    options = (
        Option(
            "page_id",
            "Page ID",
            "text",
            "From the page's settings, under Page transparency, or from the app's dashboard.",
            required=True,
            placeholder="102030405060708",
        ),
        *SHARED_OPTIONS,
    )
    capabilities = Capabilities(
        media=frozenset({"image", "video", "audio", "file"}),
        media_sizes={"image": 8 * MEGABYTE, **dict.fromkeys(("video", "audio", "file"), 25 * MEGABYTE)},
        captioned=frozenset(),
        buttons=3,
        button_id_limit=1000,
        button_title_limit=20,
        button_text_limit=640,
        quick_replies=13,
        cards=True,
        most_cards=10,
        text_limit=2000,
        typing=True,
        reads=True,
        receipts=True,
        edits=True,
        connects=True,
        rates=Rates(a_second=300),
        window=outbound.WINDOW,
        window_of_humans=outbound.WINDOW_OF_HUMANS,
    )
    account_option = "page_id"
    object = "page"
    app_fields = (
        "messages",
        "messaging_postbacks",
        "message_reads",
        "message_deliveries",
        "message_reactions",
        "message_edits",
        "messaging_referrals",
        "feed",
    )
    page_fields = app_fields
    permissions = ("pages_messaging", "pages_manage_metadata")

    def account_problem(self, me: wire.Answer, channel: Channel) -> str:
        page_id = channel.config["page_id"]
        return "" if me.id == page_id else f"The token is of the page {me.id} ({me.name}), not of {page_id}"
