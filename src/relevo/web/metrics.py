"""`/metrics`: what Relevo counts, as Prometheus reads it (docs/reference/metrics.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from prometheus_client import CONTENT_TYPE_LATEST

from relevo.domain.errors import Unavailable
from relevo.domain.health import State
from relevo.domain.ids import EndpointId
from relevo.domain.standings import Standing, state_of
from relevo.domain.workspaces import Endpoint
from relevo.engine.timers import sleep_or
from relevo.metrics import ENDPOINT_STATE, OLDEST_WAITING, WAITING, exposition, read_levels
from relevo.store import deliveries, endpoint_health
from relevo.store.database import AnyRow
from relevo.system.clock import Clock
from relevo.web.services import Services

REFRESHED_EVERY = 5.0
"""Seconds for which the figures of the backlog are believed: counting a long one costs the database."""


LEVELS_READ_EVERY = 1.0
"""Seconds."""


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
    rows = {f"{row.destination_kind}:{row.destination_id}": row for row in figures}
    WAITING.show({destination: row.waiting for destination, row in rows.items()})
    OLDEST_WAITING.show(
        {destination: max((now - row.oldest).total_seconds(), 0.0) for destination, row in rows.items()}
    )


def _show_endpoints(endpoints: Iterable[Endpoint], standings: Mapping[EndpointId, Standing]) -> None:
    states = {str(one.id): state_of(one, standings.get(one.id)) for one in endpoints}
    ENDPOINT_STATE.show({id_: list(State).index(state) for id_, state in states.items()})


class Levels:
    """Shows the other workers of this `relevo serve`, which may be asked, how much this one has to do."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._stopped = clock, asyncio.Event()

    async def run(self) -> None:
        while not self._stopped.is_set():
            read_levels()
            await sleep_or(self._clock, LEVELS_READ_EVERY, self._stopped)

    def stop(self) -> None:
        self._stopped.set()


@get("/metrics", include_in_schema=False)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    await request.app.state.backlog.refresh()
    shown = await asyncio.to_thread(exposition)  # of many workers it takes tens of milliseconds
    return Response(shown, media_type=CONTENT_TYPE_LATEST, headers={"cache-control": "no-store"})
