"""`/metrics`: what Relevo counts, as Prometheus reads it (docs/reference/metrics.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from relevo.domain.errors import Unavailable
from relevo.domain.health import State
from relevo.domain.ids import EndpointId
from relevo.domain.standings import Standing, state_of
from relevo.domain.workspaces import Endpoint
from relevo.metrics import ENDPOINT_STATE, EVENTS_WAITING, OLDEST_WAITING, REGISTRY, WAITING
from relevo.store import deliveries, endpoint_health
from relevo.store.database import AnyRow
from relevo.web.services import Services

REFRESHED_EVERY = 5.0
"""Seconds for which the figures of the backlog are believed: counting a long one costs the database."""


class Backlog:
    """The figures that only the database knows."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._counted_at = float("-inf")

    async def refresh(self) -> None:
        """Count again, if the last count is old. A database that is gone leaves the last one standing."""
        clock = self._services.clock
        if clock.monotonic() - self._counted_at < REFRESHED_EVERY:
            return
        self._counted_at = clock.monotonic()
        try:
            async with self._services.database.read() as connection:
                figures = await deliveries.waiting_figures(connection)
                mine = self._services.catalog.directory.endpoints
                standings = await endpoint_health.standings(connection, mine)
        except Unavailable:
            return
        _show(figures, clock.now())
        _show_endpoints(mine.values(), standings)


def _show(figures: Sequence[AnyRow], now: datetime) -> None:
    WAITING.clear()  # a destination without a backlog is no longer listed
    OLDEST_WAITING.clear()
    for row in figures:
        destination = f"{row.destination_kind}:{row.destination_id}"
        WAITING.labels(destination).set(row.waiting)
        OLDEST_WAITING.labels(destination).set(max((now - row.oldest).total_seconds(), 0.0))


def _show_endpoints(endpoints: Iterable[Endpoint], standings: Mapping[EndpointId, Standing]) -> None:
    ENDPOINT_STATE.clear()
    for one in endpoints:
        state = state_of(one, standings.get(one.id))
        ENDPOINT_STATE.labels(str(one.id)).set(list(State).index(state))


@get("/metrics", include_in_schema=False)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    services: Services = request.app.state.services
    await request.app.state.backlog.refresh()
    EVENTS_WAITING.set(services.engine.waiting)
    return Response(
        generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST, headers={"cache-control": "no-store"}
    )
