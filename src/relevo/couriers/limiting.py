"""What each destination may be asked, as it is set up now."""

from __future__ import annotations

from relevo.channels.registry import adapter_for
from relevo.couriers.gates import Limits
from relevo.domain.deliveries import Destination
from relevo.domain.ids import ChannelId, EndpointId
from relevo.engine.catalog import Catalog


class Limiter:
    """Looks into the catalog. One that is disabled or gone is asked nothing: what waits for it is to be
    parked, and no circuit may hold that up."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __call__(self, destination: Destination) -> Limits:
        if destination.kind == "channel":
            return self._of_channel(ChannelId(destination.id))
        if destination.kind != "endpoint":
            return Limits()
        endpoint = self._catalog.directory.endpoints.get(EndpointId(destination.id))
        return Limits(is_judged=endpoint is not None and not endpoint.disabled_reason)

    def _of_channel(self, id_: ChannelId) -> Limits:
        """As many messages a second as the vendor takes. (Of several processes on one database each keeps
        to that by itself, and the vendor's 429 does the rest.)"""
        channel = self._catalog.directory.channels.get(id_)
        if channel is None:
            return Limits()
        return Limits(a_second=adapter_for(channel.type).capabilities.rates.a_second)
