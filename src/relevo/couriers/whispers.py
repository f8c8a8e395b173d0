"""Telling something at once or never: typing, to an endpoint or to a customer."""

from __future__ import annotations

from datetime import timedelta

from relevo.channels.registry import adapter_for
from relevo.domain import signing
from relevo.domain.ids import ChannelId, EndpointId
from relevo.engine.catalog import Catalog
from relevo.engine.materials import ChannelWhispering, Whispering
from relevo.http_client.client import HttpClient
from relevo.system.chance import Chance
from relevo.system.clock import Clock

_TIMEOUT = timedelta(seconds=3)


class Whisperer:
    """Posts once, without order, record or retry."""

    def __init__(self, *, catalog: Catalog, http: HttpClient, clock: Clock, chance: Chance) -> None:
        self._catalog, self._http, self._clock, self._chance = catalog, http, clock, chance

    async def __call__(self, whispering: Whispering | ChannelWhispering) -> None:
        if isinstance(whispering, ChannelWhispering):
            await self._show(whispering)
        else:
            await self._tell(whispering)

    async def _show(self, whispering: ChannelWhispering) -> None:
        channel = self._catalog.directory.channels.get(ChannelId(whispering.channel_id))
        if channel is None or channel.disabled_reason:
            return
        call = adapter_for(channel.type).show_attention(
            whispering.user_id, whispering.last_mid, channel, is_typing=whispering.is_typing
        )
        if call is not None:
            await self._http.request(call.method, call.url, call.headers, call.body, _TIMEOUT)

    async def _tell(self, whispering: Whispering) -> None:
        endpoint = self._catalog.directory.endpoints.get(EndpointId(whispering.endpoint_id))
        if endpoint is None or endpoint.disabled_reason:
            return
        webhook_id, now = self._chance.webhook_id(), self._clock.now()
        signed = signing.headers(endpoint.signing_secrets(now), webhook_id, now, whispering.body)
        headers = {
            **endpoint.headers,
            "content-type": "application/json",
            **signed,
            "relevo-event": whispering.event_type,
        }
        await self._http.request("POST", endpoint.url, headers, whispering.body, _TIMEOUT)
