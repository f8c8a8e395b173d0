"""Overview: is everything well, who is with an agent, and what is still to be set up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import Response, get

from relevo.domain.conversations import Control, Conversation
from relevo.domain.deliveries import DeliveryState
from relevo.domain.flows.model import Flow, Step
from relevo.domain.flows.steps.control import PauseBot
from relevo.domain.health import State
from relevo.domain.ids import EndpointId
from relevo.domain.standings import Standing
from relevo.domain.workspaces import Channel, Endpoint, FlowEntry, LiveChatMode, Role
from relevo.store import endpoint_health, figures, inbox, problems
from relevo.store.database import AnyRow, Connection
from relevo.store.figures import Backlog
from relevo.web.console.destinations import Destinations
from relevo.web.console.guarding import FOR_EVERYBODY
from relevo.web.console.visits import TheVisit, Visit
from relevo.web.console.words import failure, reason

SHOWN = 5
LATE_AFTER = timedelta(minutes=5)
"""A delivery that has waited for longer is worth a look."""
LATELY = timedelta(days=1)


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says of the workspace."""

    backlogs: list[Backlog]
    parked: int
    given_up: int
    problems: int
    latest_problems: list[AnyRow]
    with_agents: int
    latest_with_agents: list[Conversation]
    standings: dict[EndpointId, Standing]

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.backlogs)

    @property
    def oldest(self) -> datetime | None:
        return min((one.oldest for one in self.backlogs), default=None)


class ToDo(msgspec.Struct, frozen=True):
    """Something to do before the first handoff."""

    title: str
    hint: str
    path: str
    is_done: bool


@get("/", opt=FOR_EVERYBODY)
async def overview(visit: TheVisit) -> Response[Any]:
    if visit.member.role is Role.AGENT:
        return visit.go("/console/conversations")
    async with visit.services.database.read() as connection:
        numbers = await _numbers(connection, visit)
    return visit.page(
        "overview.html",
        title="Overview",
        numbers=numbers,
        worries=_worries(visit, numbers),
        steps=await _steps(visit),
        endpoints=_endpoints(visit),
        destinations=Destinations(visit),
    )


async def _numbers(connection: Connection, visit: Visit) -> Numbers:
    id_ = visit.workspace_id
    with_agents = inbox.Wanted(workspace_id=id_, control=Control.AGENT)
    return Numbers(
        backlogs=await figures.backlogs(connection, id_),
        parked=await figures.count_deliveries(connection, id_, DeliveryState.PARKED),
        given_up=await figures.count_deliveries(connection, id_, DeliveryState.GIVEN_UP),
        problems=await figures.count_problems(connection, id_, visit.when.now - LATELY),
        latest_problems=await problems.listing(connection, id_, limit=SHOWN),
        with_agents=await inbox.count_with_agents(connection, id_),
        latest_with_agents=await inbox.page(connection, with_agents, limit=SHOWN),
        standings=await _ill_standings(connection, visit),
    )


async def _ill_standings(connection: Connection, visit: Visit) -> dict[EndpointId, Standing]:
    found = await endpoint_health.standings(connection, [one.id for one in _endpoints(visit)])
    return {id_: standing for id_, standing in found.items() if standing.state is not State.HEALTHY}


# Is everything well?


def _worries(visit: Visit, numbers: Numbers) -> list[tuple[str, str]]:
    """What is not well: a sentence, and where to look."""
    found = [
        (
            f"{one.name} is disabled: {reason(one.disabled_reason)}.",
            f"/console/endpoints/{one.id}",
        )
        for one in _endpoints(visit)
        if one.disabled_reason
    ]
    found += [
        (_ill(one, numbers.standings[one.id], visit), f"/console/endpoints/{one.id}")
        for one in _endpoints(visit)
        if not one.disabled_reason and one.id in numbers.standings
    ]
    if numbers.oldest is not None and visit.when.now - numbers.oldest > LATE_AFTER:
        sentence = f"The oldest delivery has waited since {visit.when.short(numbers.oldest)}."
        found.append((sentence, "/console/deliveries?state=waiting"))
    if numbers.parked:
        what = "1 delivery is" if numbers.parked == 1 else f"{_counted(numbers.parked)} deliveries are"
        found.append((f"{what} parked: no retry helped.", "/console/deliveries?state=parked"))
    return found


def _ill(endpoint: Endpoint, standing: Standing, visit: Visit) -> str:
    since = f" since {visit.when.short(standing.since)}" if standing.since else ""
    if standing.state is State.OPEN:
        return f"{endpoint.name} takes nothing{since}: {failure(standing.failure)}. Deliveries wait for it."
    return f"{endpoint.name} is failing{since}: {failure(standing.failure)}."


def _counted(count: int) -> str:
    return f"{count:,}" if count < figures.MOST else f"{figures.MOST:,} or more"


def _endpoints(visit: Visit) -> list[Endpoint]:
    return [one for one in visit.directory.endpoints.values() if one.workspace_id == visit.workspace_id]


# Steps to get started


async def _steps(visit: Visit) -> list[ToDo]:
    channels = [one for one in visit.directory.channels.values() if one.workspace_id == visit.workspace_id]
    flows = [one for one in visit.directory.flows.values() if one.workspace_id == visit.workspace_id]
    return [
        ToDo(
            "Integrations → Webhooks",
            "Say where your live-chat platform listens: the URL, and headers if it wants any.",
            "/console/endpoints",
            any(not one.disabled_reason for one in _endpoints(visit)),
        ),
        ToDo(
            "Channel settings → Live Chat Settings",
            "Choose Webhook on each channel whose conversations your platform should take over.",
            "/console/channels",
            any(_is_handed_over(one) for one in channels),
        ),
        ToDo(
            "Pause the Bot in the flow",
            "Put pause_bot where a person should take over: from there the customer's words are posted.",
            "/console/flows",
            await _any_pauses(visit, flows),
        ),
    ]


def _is_handed_over(channel: Channel) -> bool:
    return channel.live_chat.mode is not LiveChatMode.NONE and not channel.disabled_reason


async def _any_pauses(visit: Visit, flows: Iterable[FlowEntry]) -> bool:
    catalog = visit.services.catalog
    versions = [one.version_id for one in flows if one.version_id]
    await catalog.load_flows(versions)
    return any(pauses(catalog.flows[version]) for version in versions if version in catalog.flows)


def pauses(flow: Flow) -> bool:
    """Whether a flow has a *Pause the Bot* step."""
    return any(_has_pause(steps) for steps in flow.subflows.values())


def _has_pause(steps: Iterable[Step]) -> bool:
    return any(isinstance(step, PauseBot) or any(map(_has_pause, step.branches.values())) for step in steps)
