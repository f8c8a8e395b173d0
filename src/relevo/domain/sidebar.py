"""What a workspace offers and shows, in UChat's words."""

from __future__ import annotations

CHANNELS = {
    "chat": "web",
    "facebook": "messenger",
    "instagram": "instagram",
    "whatsapp": "whatsapp",
    "whatsapp_cloud": "whatsapp",
    "telegram": "telegram",
    "sms": "sms",
}
"""UChat's channel settings, and the type of channel that each is here. Of the others there is none."""

_OTHERS = ("tiktok", "line", "viber", "vk", "wechat", "rcs", "voice", "slack", "chatwoot", "intercom",
           "jivochat")  # fmt: skip

HIDES_A_FILTER = {
    "hide_status": "status",
    "hide_channels": "channel",
    "hide_agents": "agents",
    "hide_unassigned": "nobody",
    "hide_my_groups": "my_groups",
    "hide_agent_groups": "group",
    "hide_segments": "segment",
}
"""Which filter of the list of conversations a flag takes away."""

_KEPT = ("single_bot_style", "hide_unanswered", "hide_collaborating", "hide_supervised", "hide_invalid",
         "hide_unread", "hide_unsubscribed", "show_labels", "show_boards", "show_lead_status",
         "show_department")  # fmt: skip
"""Of what the console does not have: kept and told again."""

FLAGS = frozenset({
    "disable_sidebar", "hide_spam", *HIDES_A_FILTER, *_KEPT,
    *(f"hide_channel_{name}" for name in (*CHANNELS, *_OTHERS)),
})  # fmt: skip

SIDEBAR_FLAGS_ABOUT = (
    "`disable_sidebar`: no filters but the search; `hide_status`, `hide_channels`, `hide_agents`, "
    "`hide_unassigned`, `hide_my_groups`, `hide_agent_groups`: without that filter; `hide_spam`: spam is not "
    "listed; `hide_channel_sms` …: that channel is not listed. The other flags of UChat's are kept and told "
    "again, without effect."
)


def hidden_types(flags: frozenset[str]) -> frozenset[str]:
    """The types of channel whose conversations are not listed."""
    return frozenset(type_ for name, type_ in CHANNELS.items() if f"hide_channel_{name}" in flags)


def hidden_filters(flags: frozenset[str]) -> frozenset[str]:
    if "disable_sidebar" in flags:
        return frozenset(HIDES_A_FILTER.values()) | {"control", "assigned"}
    return frozenset(name for flag, name in HIDES_A_FILTER.items() if flag in flags)
