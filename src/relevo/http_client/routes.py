"""The way to a place: its checked addresses, kept for a short time, and a line to each.

However many requests go to a name, it is looked up and checked once in a while; a line
connects only to the address that was checked, and never looks the name up itself.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from pyreqwest.client import Client, ClientBuilder

from relevo import __version__
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.domain.errors import ForbiddenAddress, UnknownHost
from relevo.http_client.egress_guard import EgressGuard, Origin, Place

FAILURE_KEPT_FOR = timedelta(seconds=5)
"""How long a forbidden or unknown name is not looked up again."""

IDLE_FOR = timedelta(seconds=30)
MOST_IDLE = 128  # connections to one address
USER_AGENT = f"Relevo/{__version__}"


class Line:
    """Connections that all go to one checked address, whatever the name says by now.

    The pool behind it is made on first use: reading the machine's root certificates takes
    some milliseconds, and most addresses of a name are never needed.
    """

    __slots__ = ("_build", "_client", "address", "has_failed")

    def __init__(self, address: str, build: Callable[[], Client]) -> None:
        self.address = address
        self.has_failed = False
        self._build = build
        self._client: Client | None = None

    @property
    def is_proven(self) -> bool:
        return self._client is not None and not self.has_failed

    def client(self) -> Client:
        if self._client is None:
            self._client = self._build()
        return self._client

    async def close(self) -> None:
        """End the requests under way as broken."""
        if self._client is not None:
            await self._client.close()
            self._client = None


class Route(NamedTuple):
    """The lines to an origin, the one to try first in front."""

    lines: tuple[Line, ...]


class _Kept(NamedTuple):
    found: Route | Forbidden | Unreachable
    until: float


class Routes:
    """The routes found lately. Bounded: the origins not used for longest are forgotten."""

    def __init__(
        self,
        guard: EgressGuard,
        build: Callable[[Origin, str], Client],
        monotonic: Callable[[], float],
        *,
        kept_for: timedelta,
        most: int,
    ) -> None:
        self._guard = guard
        self._build = build
        self._monotonic = monotonic
        self._kept_for = kept_for
        self._most = most
        self._kept: OrderedDict[Origin, _Kept] = OrderedDict()
        self._searches: dict[Origin, asyncio.Task[Route | Forbidden | Unreachable]] = {}

    def known(self, place: Place) -> Route | Forbidden | Unreachable | None:
        """What was found a moment ago; None when somebody must `look_up`."""
        kept = self._kept.get(place.origin)
        if kept is None or kept.until <= self._monotonic():
            return None
        self._kept.move_to_end(place.origin)
        return kept.found

    async def look_up(self, place: Place) -> Route | Forbidden | Unreachable:
        """Find the route anew. Those who ask for one origin at the same time share the search; one of
        them giving up does not end it for the others."""
        search = self._searches.get(place.origin)
        if search is None:
            search = self._searches[place.origin] = asyncio.create_task(self._search(place))
            search.add_done_callback(lambda _: self._searches.pop(place.origin))
        return await asyncio.shield(search)

    def demote(self, place: Place, line: Line) -> None:
        """Try this line last from now on: no connection came about."""
        line.has_failed = True
        kept = self._kept.get(place.origin)
        if kept is not None and isinstance(kept.found, Route):
            lines = sorted(kept.found.lines, key=lambda other: other is line)
            self._kept[place.origin] = kept._replace(found=Route(tuple(lines)))

    async def close(self) -> None:
        """End every search and every request under way, and close every connection."""
        for search in self._searches.values():
            search.cancel()
        for line in [line for kept in self._kept.values() for line in _lines(kept)]:
            await line.close()
        self._kept.clear()

    async def _search(self, place: Place) -> Route | Forbidden | Unreachable:
        found = await self._find(place)
        kept_for = self._kept_for if isinstance(found, Route) else FAILURE_KEPT_FOR
        self._kept[place.origin] = _Kept(found, self._monotonic() + kept_for.total_seconds())
        self._kept.move_to_end(place.origin)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)  # its requests under way go on; its idle connections close
        return found

    async def _find(self, place: Place) -> Route | Forbidden | Unreachable:
        try:
            target = await self._guard.check_place(place)
        except ForbiddenAddress as error:
            return forbidden(error)
        except UnknownHost:
            return Unreachable("dns")
        route = self._route(place.origin, [str(address) for address in target.addresses])
        await asyncio.to_thread(route.lines[0].client)
        return route

    def _route(self, origin: Origin, addresses: list[str]) -> Route:
        """The lines there were to these addresses stay; those that served are tried first."""
        before = {line.address: line for line in _lines(self._kept.get(origin))}
        lines = [
            before.get(address) or Line(address, partial(self._build, origin, address))
            for address in addresses
        ]
        return Route(tuple(sorted(lines, key=lambda line: not line.is_proven)))


def forbidden(error: ForbiddenAddress) -> Forbidden:
    return Forbidden(address=str(error.facts["address"]), reason=str(error.facts["reason"]))


def _lines(kept: _Kept | None) -> tuple[Line, ...]:
    return kept.found.lines if kept is not None and isinstance(kept.found, Route) else ()


@dataclass(frozen=True)
class Build:
    """Makes the client of one line."""

    connect_timeout: timedelta
    trusted_certificates: tuple[bytes, ...] = ()

    def __call__(self, origin: Origin, address: str) -> Client:
        builder = (
            ClientBuilder()
            .resolve(origin.host, address, origin.port)  # TLS still asks for a certificate of the host
            .no_proxy()
            .follow_redirects(False)
            .gzip(False)
            .brotli(False)
            .deflate(False)
            .zstd(False)
            .user_agent(USER_AGENT)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(MOST_IDLE)
        )
        for certificate in self.trusted_certificates:
            builder = builder.add_root_certificate_pem(certificate)
        return builder.build()
