"""The list of channel types. A new channel is a folder and a line here."""

from __future__ import annotations

from relevo.channels.adapter import Adapter
from relevo.channels.apichat.adapter import ApiChat
from relevo.channels.instagram.adapter import Instagram
from relevo.channels.messenger.adapter import Messenger
from relevo.channels.sms.adapter import Sms
from relevo.channels.telegram.adapter import Telegram
from relevo.channels.web.adapter import WebChat
from relevo.channels.whatsapp.adapter import WhatsApp
from relevo.domain.errors import NotFound

ADAPTERS: dict[str, Adapter] = {
    adapter.type: adapter
    for adapter in (WebChat(), WhatsApp(), Telegram(), Messenger(), Instagram(), Sms(), ApiChat())
}
"""By type, in the order in which people are shown them."""


def adapter_for(type_: str) -> Adapter:
    """The adapter of a channel type."""
    try:
        return ADAPTERS[type_]
    except KeyError:
        known = ", ".join(ADAPTERS)
        raise NotFound(f"There is no channel type {type_!r}; known are: {known}") from None
