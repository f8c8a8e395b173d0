"""How endpoints are, in one picture for the console and the commands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from relevo.domain.health import State
from relevo.domain.ids import EndpointId
from relevo.domain.standings import Standing, state_of
from relevo.domain.tallies import Tally
from relevo.domain.workspaces import Endpoint
from relevo.store import endpoint_health, figures
from relevo.store.database import Connection
from relevo.store.endpoint_health import Notice

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHOWN_NOTICES = 10


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint: its state, the last hour, and what waits for it."""

    state: State
    standing: Standing
    hour: Tally
    waiting: int = 0
    oldest: datetime | None = None


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """More of one endpoint."""

    picture: Picture
    day: Tally
    notices: list[Notice]


async def pictures(
    connection: Connection, endpoints: Iterable[Endpoint], now: datetime
) -> dict[EndpointId, Picture]:
    listed = {one.id: one for one in endpoints}
    standings = await endpoint_health.standings(connection, listed)
    hours = await endpoint_health.tallies(connection, listed, now - HOUR)
    backlogs = {}
    for workspace_id in sorted({one.workspace_id for one in listed.values()}):
        for backlog in await figures.backlogs(connection, workspace_id):
            if backlog.destination.kind == "endpoint":
                backlogs[EndpointId(backlog.destination.id)] = backlog
    return {
        id_: Picture(
            state=state_of(one, standings.get(id_)),
            standing=standings.get(id_, Standing()),
            hour=hours.get(id_, Tally()),
            waiting=backlogs[id_].waiting if id_ in backlogs else 0,
            oldest=backlogs[id_].oldest if id_ in backlogs else None,
        )
        for id_, one in listed.items()
    }


async def close(connection: Connection, endpoint: Endpoint, now: datetime) -> Close:
    """Look at one more closely."""
    return Close(
        picture=(await pictures(connection, [endpoint], now))[endpoint.id],
        day=(await endpoint_health.tallies(connection, [endpoint.id], now - DAY)).get(endpoint.id, Tally()),
        notices=await endpoint_health.notices(connection, endpoint.id, SHOWN_NOTICES),
    )


def percent(rate: float | None) -> str:
    """99.9 % is not 100 %: only what never failed is."""
    if rate is None:
        return "–"
    return "100 %" if rate == 1 else f"{min(rate * 100, 99.9):.1f} %"
