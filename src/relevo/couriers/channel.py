"""To the customer: what the bot and the agents say, over a channel's vendor."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from relevo.admin.connecting import hook_url
from relevo.channels.adapter import Adapter, OutgoingMessage, secrets_of
from relevo.channels.registry import adapter_for
from relevo.channels.toolkit import Fault
from relevo.couriers.attempts import Tried
from relevo.couriers.dialogues import Vendors
from relevo.couriers.pacing import Pacing
from relevo.domain.conversations import window_left
from relevo.domain.degrading import Degraded, degrade
from relevo.domain.deliveries import Accepted, Delivery, Park, Rejected
from relevo.domain.errors import UnsupportedContent
from relevo.domain.ids import ChannelId
from relevo.domain.messages import MessageType, Other
from relevo.domain.retries import CHANNEL_SCHEDULE
from relevo.domain.workspaces import Channel
from relevo.engine.catalog import Catalog
from relevo.http_client.client import HttpClient
from relevo.store import conversations
from relevo.store.database import Database
from relevo.system.clock import Clock
from relevo.system.notes import Notes

PATIENCE = timedelta(hours=1)
"""The longest wait that a vendor may ask for."""
FRESH_FOR = timedelta(seconds=30)
"""For so long after it was said, what a message tells of its customer is believed."""

_decode = msgspec.json.Decoder(OutgoingMessage).decode
_encode = msgspec.json.Encoder().encode


class ChannelCourier:
    """Holds the dialogue that an adapter wants with its vendor."""

    schedule = CHANNEL_SCHEDULE

    def __init__(
        self,
        *,
        catalog: Catalog,
        http: HttpClient,
        clock: Clock,
        timeout: timedelta,
        public_url: str = "",
        database: Database | None = None,
        notes: Notes | None = None,
    ) -> None:
        self._catalog, self._public_url, self._database = catalog, public_url, database
        self._clock = clock
        self._vendors = Vendors(http=http, clock=clock, timeout=timeout)
        self._pacing = Pacing(clock, notes)

    async def attempt(self, delivery: Delivery) -> Tried:
        await self._catalog.refresh()
        channel = self._catalog.directory.channels.get(ChannelId(delivery.destination.id))
        if channel is None:
            return Tried(Rejected("channel_removed"))
        if channel.disabled_reason:
            return Tried(Rejected("channel_disabled"), verdict=Park("channel_disabled"))
        return await self._say(_decode(delivery.body), channel, delivery.webhook_id)

    async def _say(self, message: OutgoingMessage, channel: Channel, webhook_id: str) -> Tried:
        """Say a message, in as many parts as the channel needs; those that were taken before are not said
        again. The id of the first is the message's."""
        adapter = adapter_for(channel.type)
        now = self._clock.now()
        sending = msgspec.structs.replace(
            message,
            hook_url=hook_url(self._public_url, channel),
            sending_at=now,
            heard_at=await self._heard_at(message, now),
        )
        is_agent = message.type is MessageType.AGENT
        window = adapter.window_of_humans(channel) if is_agent else adapter.window(channel)
        if problem := _too_late(sending, window):
            return Tried(Rejected(problem))
        degraded = degrade(message.content, adapter.limits(channel))
        if not degraded.contents:
            return Tried(Rejected("nothing_to_say"))
        said, tried, cost = message, Tried(Accepted(200)), 0
        for number, content in enumerate(degraded.contents):
            if number < message.parts_sent:
                continue
            part = msgspec.structs.replace(sending, content=content)
            tried = await self._say_part(
                adapter, part, channel, f"{webhook_id}-{number}" if number else webhook_id
            )
            cost += adapter.counts_as(content, channel)
            if not isinstance(tried.outcome, Accepted):
                left = None if said is message else _encode(said)
                return msgspec.structs.replace(tried, body=left, patience=PATIENCE, cost=cost)
            first = said.first_mid or tried.outcome.mid
            said = msgspec.structs.replace(said, parts_sent=number + 1, first_mid=first)
        return msgspec.structs.replace(tried, outcome=_all_said(tried, said, degraded), cost=cost)

    async def _heard_at(self, message: OutgoingMessage, now: datetime) -> datetime | None:
        """When the customer last wrote: since the message was said, if it had to wait."""
        if self._database is None or now - message.created_at < FRESH_FOR:
            return message.heard_at
        async with self._database.read() as connection:
            found = await conversations.find(connection, message.conversation_id)
        return (found.last_heard_at if found is not None else None) or message.heard_at

    async def _say_part(
        self, adapter: Adapter, message: OutgoingMessage, channel: Channel, webhook_id: str
    ) -> Tried:
        await self._pacing.turn(channel.id, message.user_id, adapter.rates(channel))
        hidden = secrets_of(adapter, channel)
        try:
            dialogue = adapter.send(message, channel)
            return Tried(*await self._vendors.hold(dialogue, webhook_id=webhook_id, hidden=hidden))
        except UnsupportedContent as error:
            return Tried(Rejected(error.code))


def _too_late(message: OutgoingMessage, window: timedelta | None) -> str:
    """Why the vendor would not take it any more; "": it may."""
    content = message.content
    if message.heard_at is None or (isinstance(content, Other) and content.type == "template"):
        return ""
    if window_left(message.heard_at, window, message.sending_at or message.created_at):
        return ""
    silence = (message.sending_at or message.created_at) - message.heard_at
    return f"{Fault.WINDOW_CLOSED}: when its turn came, the person had been silent for {silence}"


def _all_said(last: Tried, said: OutgoingMessage, degraded: Degraded) -> Accepted:
    assert isinstance(last.outcome, Accepted)
    notes = [*degraded.lost, last.outcome.note]
    return Accepted(last.outcome.status_code, said.first_mid, "; ".join(filter(None, notes)))
