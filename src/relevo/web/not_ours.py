"""What UChat's API has and Relevo does not: whoever asks for it is told so, not that the path is unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping

NOT_OURS: Mapping[str, tuple[str, ...]] = {
    "Shops, carts and orders are": (
        "/subscriber/cart",
        "/subscriber/empty-cart",
        "/subscriber/add-to-cart",
        "/subscriber/remove-from-cart",
        "/subscriber/cart-paid",
        "/subscriber/update-order-status",
        "/shop/{…}",
    ),
    "Ticket lists are": ("/team/ticket-lists", "/team/ticket-lists/{…}"),
    "The template marketplace is": ("/templates", "/template/{…}", "/flow/template-installs"),
    "Integrations with other services are": ("/integration/{…}",),
    "Mini-apps are": ("/installed-mini-app/{…}", "/subscriber/app-trigger"),
    "Embeddings are": ("/openai-embeddings", "/openai-embeddings/{…}"),
    "AI agents and tasks, as lists with settings of their own, are": (
        "/flow/ai-agents",
        "/flow/ai-tasks",
        "/flow/ai-agent-info",
        "/flow/ai-task-info",
        "/flow/update-ai-agent-provider",
        "/flow/update-ai-task-provider",
        "/flow/settings/get-default-ai-provider",
        "/flow/settings/set-default-ai-provider",
    ),
    "Chat buttons as things of their own (the widget belongs to a web channel) are": (
        "/flow/chat-button-widgets",
    ),
    "Transcribing what was spoken is": ("/flow/settings/set-audio-transcription",),
    "A log of calls is": ("/wa-call-logs",),
    "Facebook's utility templates are": (
        "/facebook-utility-message-template/{…}",
        "/subscriber/send-facebook-utility-message-template",
        "/subscriber/send-facebook-utility-message-template-by-user-id",
        "/subscriber/broadcast-facebook-utility-message-template-by-user-id",
        "/subscriber/broadcast-facebook-utility-message-template-by-tag",
    ),
    "Notifications and announcements are": ("/notifications/{…}", "/announcements/{…}"),
    "Changing a password by a token (a member does that in the console) is": ("/user/change-password",),
}
"""Beginnings of sentences, and the paths that they are about; `{…}` stands for whatever follows."""


def why_not(path: str) -> str:
    """What to say of a path (without `/api`); "" for one that UChat does not have either."""
    found = _KNOWN.fullmatch(path.rstrip("/"))
    subject = _BY_GROUP[found.lastgroup] if found and found.lastgroup else ""
    return f"{subject} not part of Relevo." if subject else ""


def _pattern(paths: tuple[str, ...]) -> str:
    return "|".join(re.escape(path).replace(re.escape("{…}"), ".+") for path in paths)


_BY_GROUP = {f"g{number}": subject for number, subject in enumerate(NOT_OURS)}
_KNOWN = re.compile("|".join(f"(?P<{name}>{_pattern(NOT_OURS[it])})" for name, it in _BY_GROUP.items()))
