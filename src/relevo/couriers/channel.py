"""To the customer: what the bot and the agents say, over a channel's vendor."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from relevo.channels.adapter import Adapter, OutgoingMessage, SendResult, VendorAnswer, VendorCall
from relevo.channels.registry import adapter_for
from relevo.couriers.attempts import MASK, Tried, exchange
from relevo.domain import signing
from relevo.domain.degrading import degrade
from relevo.domain.deliveries import (
    Accepted,
    Delivery,
    Exchange,
    Forbidden,
    Park,
    Rejected,
    Unreachable,
)
from relevo.domain.errors import UnsupportedContent
from relevo.domain.ids import ChannelId
from relevo.domain.retries import CHANNEL_SCHEDULE
from relevo.domain.workspaces import Channel
from relevo.engine.catalog import Catalog
from relevo.http_client.client import Answer, HttpClient
from relevo.system.clock import Clock

_decode = msgspec.json.Decoder(OutgoingMessage).decode
_SHOWN_HEADERS = frozenset({"content-type", "webhook-id", "webhook-timestamp", "webhook-signature"})


class ChannelCourier:
    """Holds the dialogue that an adapter wants with its vendor."""

    schedule = CHANNEL_SCHEDULE

    def __init__(self, *, catalog: Catalog, http: HttpClient, clock: Clock, timeout: timedelta) -> None:
        self._catalog, self._http, self._clock, self._timeout = catalog, http, clock, timeout

    async def attempt(self, delivery: Delivery) -> Tried:
        await self._catalog.refresh()
        channel = self._catalog.directory.channels.get(ChannelId(delivery.destination.id))
        if channel is None:
            return Tried(Rejected("channel_removed"))
        if channel.disabled_reason:
            return Tried(Rejected("channel_disabled"), park=Park("channel_disabled"))
        return await self._say(_decode(delivery.body), channel, delivery)

    async def _say(self, message: OutgoingMessage, channel: Channel, delivery: Delivery) -> Tried:
        """Say a message, in as many parts as the channel needs. The id of the first is the message's."""
        adapter = adapter_for(channel.type)
        parts = degrade(message.content, adapter.capabilities.limits).contents
        first: Tried | None = None
        for number, content in enumerate(parts):
            part = msgspec.structs.replace(message, content=content)
            webhook_id = delivery.webhook_id if number == 0 else f"{delivery.webhook_id}-{number}"
            tried = await self._say_part(adapter, part, channel, webhook_id)
            if not isinstance(tried.outcome, Accepted):
                return tried
            first = first or tried
        return first or Tried(Rejected("nothing_to_say"))

    async def _say_part(
        self, adapter: Adapter, message: OutgoingMessage, channel: Channel, webhook_id: str
    ) -> Tried:
        seen: Exchange | None = None
        try:
            dialogue = adapter.send(message, channel)
            call = next(dialogue)
            while True:
                answer, seen = await self._call(call, webhook_id)
                if not isinstance(answer, VendorAnswer):
                    return Tried(answer, seen)
                call = dialogue.send(answer)
        except StopIteration as end:
            result: SendResult = end.value
            return Tried(result, seen)
        except UnsupportedContent as error:
            return Tried(Rejected(error.code), seen)

    async def _call(
        self, call: VendorCall, webhook_id: str
    ) -> tuple[VendorAnswer | Unreachable | Forbidden, Exchange]:
        headers = dict(call.headers)
        if call.sign_with:
            headers |= signing.headers([call.sign_with], webhook_id, self._clock.now(), call.body)
        result = await self._http.request(call.method, call.url, headers, call.body, self._timeout)
        shown = {name: value if name.lower() in _SHOWN_HEADERS else MASK for name, value in headers.items()}
        seen = exchange(call.method, call.url, shown, result)
        if not isinstance(result, Answer):
            return result, seen
        return VendorAnswer(status=result.status_code, headers=result.headers, body=result.body), seen
