"""How an endpoint stands, as people are told: what the processes that post there say, put together."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from relevo.domain.health import State
from relevo.domain.workspaces import Endpoint

VIEW_COUNTS_FOR = timedelta(seconds=60)
"""What a process said longer ago counts no more: it may be gone."""

_WORST_FIRST = (State.OPEN, State.FAILING, State.HEALTHY)


class View(NamedTuple):
    """What one process says."""

    state: State
    at: datetime


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a process has to say: its view, and what it saw last, if anything since its last report."""

    node: str
    state: State
    at: datetime
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint. `since`: for how long it has been in this state; None is for ever."""

    state: State = State.HEALTHY
    since: datetime | None = None
    ill_since: datetime | None = None
    """Since when it has not been healthy."""
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""
    views: dict[str, View] = {}


class Happening(StrEnum):
    """What becomes of an endpoint, as its workspace is told."""

    FAILING = "endpoint.failing"
    OPEN = "endpoint.open"
    DISABLED = "endpoint.disabled"
    RECOVERED = "endpoint.recovered"


def fold(standing: Standing, report: Report) -> Standing:
    """The standing after a report: the worst that anybody says who was heard of lately."""
    oldest = report.at - VIEW_COUNTS_FOR
    views = {node: view for node, view in standing.views.items() if view.at >= oldest}
    views[report.node] = View(report.state, report.at)
    state = next(one for one in _WORST_FIRST if any(view.state is one for view in views.values()))
    return Standing(
        state=state,
        since=standing.since if state is standing.state else report.at,
        ill_since=None if state is State.HEALTHY else standing.ill_since or report.at,
        succeeded_at=_latest(standing.succeeded_at, report.succeeded_at),
        failed_at=_latest(standing.failed_at, report.failed_at),
        failure=report.failure or standing.failure,
        views=views,
    )


def happened(before: Standing, after: Standing) -> Happening | None:
    """What is to be told of a change. One that is let go again is not told as failing: it was worse."""
    if before.state is after.state:
        return None
    match after.state:
        case State.OPEN:
            return Happening.OPEN
        case State.FAILING:
            return Happening.FAILING if before.state is State.HEALTHY else None
        case State.HEALTHY:
            return Happening.RECOVERED
        case State.DISABLED:
            return Happening.DISABLED


def is_hopeless(standing: Standing, after: timedelta | None) -> bool:
    """Whether it has failed for so long, with no success between, that it is to be disabled. What
    counts is when it last failed: nothing is held against one that nobody asked for a week."""
    if after is None or standing.ill_since is None or standing.failed_at is None:
        return False
    last_well = max(standing.ill_since, standing.succeeded_at or standing.ill_since)
    return standing.failed_at - last_well >= after


def state_of(endpoint: Endpoint, standing: Standing | None) -> State:
    """What people are shown."""
    if endpoint.disabled_reason:
        return State.DISABLED
    return standing.state if standing is not None else State.HEALTHY


def _latest(*instants: datetime | None) -> datetime | None:
    return max((one for one in instants if one is not None), default=None)
