"""What each destination may be asked, as it is set up now."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from relevo.channels.registry import adapter_for
from relevo.couriers.gates import IN_FLIGHT, Limits
from relevo.domain.deliveries import Destination
from relevo.domain.ids import ChannelId, EndpointId
from relevo.domain.workspaces import Endpoint
from relevo.engine.catalog import Catalog


class Share(msgspec.Struct, frozen=True):
    """Which of the processes that carry this one is: together they keep the limits of an endpoint."""

    index: int = 0
    of: int = 1

    def part(self, whole: int) -> int:
        """Its part of a number: the parts of all are the whole."""
        return whole // self.of + (self.index < whole % self.of)


WhatLimits = Callable[[Destination, Share], Limits]


def unlimited(destination: Destination, _: Share) -> Limits:
    """Where nothing is set up: endpoints have health, the others only places."""
    return Limits(is_judged=destination.kind == "endpoint")


class Limiter:
    """Looks into the catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __call__(self, destination: Destination, share: Share) -> Limits:
        if destination.kind == "channel":
            return self._of_channel(ChannelId(destination.id), share)
        if destination.kind != "endpoint":
            return Limits()
        endpoint = self._catalog.directory.endpoints.get(EndpointId(destination.id))
        if endpoint is None or endpoint.disabled_reason:
            return Limits()  # nothing is asked: what waits is to be parked, and no circuit may hold that up
        return limits_of(endpoint, share)

    def _of_channel(self, id_: ChannelId, share: Share) -> Limits:
        """As many messages a second as the vendor takes, all processes together."""
        channel = self._catalog.directory.channels.get(id_)
        if channel is None:
            return Limits()
        return Limits(a_second=adapter_for(channel.type).rates(channel).a_second / share.of)


def limits_of(endpoint: Endpoint, share: Share) -> Limits:
    """What one process may ask of an endpoint. `IN_FLIGHT` is what one process does at most."""
    together = endpoint.max_in_flight
    return Limits(
        in_flight=min(share.part(together), IN_FLIGHT) if together else IN_FLIGHT,
        a_second=endpoint.max_per_second / share.of,
        is_judged=True,
    )
