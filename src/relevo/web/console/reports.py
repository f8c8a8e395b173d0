"""Reports: what happened day by day, and what each agent did."""

from __future__ import annotations

from datetime import date
from typing import get_args

import msgspec
from litestar import get

from relevo.domain.date_ranges import DateRange, days_of
from relevo.domain.figures import Figures, date_of, day_number, day_of, together
from relevo.domain.ids import FlowId, MemberId
from relevo.store import day_figures
from relevo.store.day_figures import Key
from relevo.web.console.canned import flows_of
from relevo.web.console.conversations import members_of
from relevo.web.console.guarding import FOR_STAFF
from relevo.web.console.visits import Page, TheVisit, Visit

RANGES: dict[str, str] = {
    "today": "Today",
    "yesterday": "Yesterday",
    "last_7_days": "Last 7 days",
    "last_week": "Last week",
    "last_30_days": "Last 30 days",
    "last_month": "Last month",
    "last_3_months": "Last 3 months",
}
FIRST_SHOWN = "last_7_days"


class DayRow(msgspec.Struct, frozen=True):
    """A day, and how its messages compare with the busiest one's, in percent."""

    date: date
    figures: Figures
    customers: int
    bot: int
    agents: int


class AgentRow(msgspec.Struct, frozen=True):
    name: str
    figures: Figures


@get("/reports", opt=FOR_STAFF)
async def reports(visit: TheVisit) -> Page:
    wanted = visit.query.get("range")
    wanted = wanted if wanted in RANGES else FIRST_SHOWN
    flow_id = visit.query.number("flow")
    flows = [FlowId(flow_id)] if flow_id in flows_of(visit) else list(flows_of(visit))
    days = _days(visit, wanted)
    async with visit.services.database.read() as connection:
        of_flows = await day_figures.of_flows(connection, flows, days[0], days[-1])
        of_agents = await day_figures.of_agents(connection, flows, days[0], days[-1])
    return visit.page(
        "reports.html",
        title="Reports",
        form=visit.query,
        ranges=RANGES,
        range=wanted,
        flows=flows_of(visit),
        total=together(list(of_flows.values())),
        days=_day_rows(days, of_flows),
        agents=_agent_rows(visit, of_agents),
        first=date_of(days[0]),
        last=date_of(days[-1]),
    )


def _days(visit: Visit, wanted: str) -> list[int]:
    zone, now = visit.workspace.timezone, visit.when.now
    if wanted not in get_args(DateRange):
        return [day_of(now, zone)]
    found = days_of(wanted, now, zone)  # type: ignore[arg-type]  # just checked
    return [day_number(one.date) for one in found]


def _day_rows(days: list[int], found: dict[Key, Figures]) -> list[DayRow]:
    """The latest day first."""
    of_day = {day: together([one for key, one in found.items() if key[1] == day]) for day in days}
    most = max((_messages(one) for one in of_day.values()), default=0) or 1

    def part(count: int) -> int:
        return round(100 * count / most)

    return [
        DayRow(date_of(day), one, part(one.in_messages), part(one.out_messages), part(one.agent_messages))
        for day, one in reversed(of_day.items())
    ]


def _messages(one: Figures) -> int:
    return one.in_messages + one.out_messages + one.agent_messages


def _agent_rows(visit: Visit, found: dict[Key, Figures]) -> list[AgentRow]:
    """Whoever answered most comes first."""
    members = members_of(visit)
    by_member: dict[MemberId, list[Figures]] = {}
    for (_, _, member_id), one in found.items():
        by_member.setdefault(member_id, []).append(one)
    rows = [
        AgentRow(members[id_].name if id_ in members else f"agent {id_}", together(all_of))
        for id_, all_of in by_member.items()
    ]
    return sorted(rows, key=lambda row: (-row.figures.agent_messages, row.name))
