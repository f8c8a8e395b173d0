"""What this process knows of endpoints, told to all: for people, who are to learn it from one place.

Every few seconds, and at once when a circuit opens or an endpoint is well again. What becomes of an
endpoint is a notice: a row in the transaction that finds it, a line of the log, a count, and a signed
POST to the workspace that asked for it, again until it is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import msgspec
import structlog

from relevo.couriers.attempts import read_answer
from relevo.couriers.gates import Gate
from relevo.domain import signing, standings
from relevo.domain.deliveries import Accepted, Destination
from relevo.domain.errors import Unavailable
from relevo.domain.health import State
from relevo.domain.ids import EndpointId
from relevo.domain.retries import WEBHOOK_SCHEDULE
from relevo.domain.standings import Happening, Report, Standing
from relevo.domain.workspaces import Endpoint
from relevo.engine.catalog import Catalog
from relevo.engine.timers import sleep_or
from relevo.http_client.client import Answer, HttpClient
from relevo.metrics import ENDPOINT_NOTICES, counter
from relevo.store import directory, endpoint_health
from relevo.store.database import Connection, Database
from relevo.store.endpoint_health import Notice
from relevo.system.chance import Chance
from relevo.system.clock import Clock

log = structlog.get_logger()

REPORT_EVERY = 10.0
"""Seconds."""
_POST_TIMEOUT = timedelta(seconds=15)
_AT_ONCE = 10
GONE, HOPELESS = "endpoint_gone", "failed_too_long"


class Reporter:
    """Runs until stopped. `gates` and `node` are those of the couriers."""

    gates: Callable[[], Mapping[Destination, Gate]]
    node: Callable[[], str]

    def __init__(
        self,
        *,
        database: Database,
        catalog: Catalog,
        http: HttpClient,
        clock: Clock,
        chance: Chance,
        key: bytes,
        disable_after: timedelta | None,
    ) -> None:
        self._database, self._catalog, self._http = database, catalog, http
        self._clock, self._chance, self._key = clock, chance, key
        self._disable_after = disable_after
        self._told: dict[EndpointId, State] = {}
        self.news, self._to_post = asyncio.Event(), asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Posting has a loop of its own: whoever is slow to take notices must not hold reports up."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._again(self.report, self.news))
            both.create_task(self._again(self.post_due, self._to_post))

    async def _again(self, work: Callable[[], Awaitable[None]], news: asyncio.Event) -> None:
        while not self._stopping:
            news.clear()
            try:
                await work()
            except Unavailable:
                log.warning("health.put_off", what=work.__name__)
            if not self._stopping:
                await sleep_or(self._clock, REPORT_EVERY, news)

    def stop(self) -> None:
        self._stopping = True
        self.news.set()
        self._to_post.set()

    # Reporting

    async def report(self) -> None:
        """Tell what was counted, and how endpoints stand, as far as there is anything to tell."""
        now, gates = self._clock.now(), self._judged()
        taken = {id_: gate.counted.take(now) for id_, gate in gates.items()}
        tallies = {(id_, at): tally for id_, slots in taken.items() for at, tally in slots.items()}
        async with self._database.read() as connection:
            ailing = await endpoint_health.ailing(connection)
        reports = {id_: self._report(gate, now) for id_, gate in gates.items()}
        reports = {id_: one for id_, one in reports.items() if self._is_news(id_, one, ailing)}
        if tallies or reports:
            async with self._database.write() as connection:
                await endpoint_health.save_tallies(connection, self.node(), tallies)
                changed = await self._fold(connection, reports)
            self._told |= {id_: one.state for id_, one in reports.items()}
            await self._follow(changed)

    def _judged(self) -> dict[EndpointId, Gate]:
        return {
            EndpointId(destination.id): gate
            for destination, gate in self.gates().items()
            if gate.limits.is_judged
        }

    def _report(self, gate: Gate, now: datetime) -> Report:
        seen = gate.counted
        return Report(
            node=self.node(),
            state=gate.health.state,
            at=now,
            succeeded_at=seen.succeeded_at,
            failed_at=seen.failed_at,
            failure=seen.failure,
        )

    def _is_news(self, id_: EndpointId, report: Report, ailing: set[EndpointId]) -> bool:
        """Of one that is well, and was before, there is nothing to tell but to those who say otherwise."""
        knows = report.succeeded_at is not None or report.failed_at is not None
        was = self._told.get(id_, State.HEALTHY)
        return knows and (id_ in ailing or report.state is not State.HEALTHY or report.state is not was)

    async def _fold(
        self, connection: Connection, reports: Mapping[EndpointId, Report]
    ) -> dict[EndpointId, tuple[Standing, Happening | None]]:
        await endpoint_health.make_rows(connection, reports)
        before = await endpoint_health.standings(connection, reports, lock=True)
        changed: dict[EndpointId, tuple[Standing, Happening | None]] = {}
        for id_, standing in sorted(before.items()):
            after = standings.fold(standing, reports[id_])
            happening = standings.happened(standing, after)
            await endpoint_health.save(connection, id_, after)
            if happening is not None:
                await self._add_notice(connection, id_, happening, after.failure)
            changed[id_] = (after, happening)
        return changed

    async def _follow(self, changed: Mapping[EndpointId, tuple[Standing, Happening | None]]) -> None:
        for id_, (standing, happening) in changed.items():
            if happening is not None:
                self._to_post.set()
                _tell(id_, happening, standing.failure)
            if standings.is_hopeless(standing, self._disable_after):
                await self.disable(id_, HOPELESS)

    async def disable(self, id_: EndpointId, reason: str) -> None:
        """Post there no more, until a person enables it again. Twice is once."""
        async with self._database.write() as connection:
            is_new = await endpoint_health.disable(connection, id_, reason)
            if is_new:
                await directory.touch(connection)
                await self._add_notice(connection, id_, Happening.DISABLED, reason)
        await self._catalog.refresh(at_once=True)
        if is_new:
            self._to_post.set()
            _tell(id_, Happening.DISABLED, reason)

    async def _add_notice(
        self, connection: Connection, id_: EndpointId, happening: Happening, reason: str
    ) -> None:
        endpoint = self._catalog.directory.endpoints.get(id_)
        if endpoint is None:
            return
        now = self._clock.now()
        notice = Notice(
            workspace_id=endpoint.workspace_id,
            endpoint_id=id_,
            type=happening,
            webhook_id=self._chance.webhook_id(),
            body=_body(endpoint, happening, reason, now),
            created_at=now,
            due_at=now if self._url_for(endpoint) else None,
        )
        await endpoint_health.add_notice(connection, notice)

    # Posting

    async def post_due(self) -> None:
        """Post the notices that are due, each by one process."""
        now = self._clock.now()
        async with self._database.read() as connection:
            due = await endpoint_health.due_notices(connection, now, _AT_ONCE)
        for one in due:
            async with self._database.write() as connection:
                is_mine = await endpoint_health.take_notice(connection, one, now, 2 * _POST_TIMEOUT)
            if is_mine:
                await self._post(one)

    async def _post(self, one: Notice) -> None:
        workspace = self._catalog.directory.workspaces.get(one.workspace_id)
        url = workspace.operations_url if workspace is not None else ""
        is_taken = not url or await self._is_taken(one, url)
        made = one.attempts_made + 1
        is_over = is_taken or made > len(WEBHOOK_SCHEDULE)
        wait = None if is_over else WEBHOOK_SCHEDULE[made - 1] * self._chance.jitter()
        async with self._database.write() as connection:
            await endpoint_health.put_back(connection, one.id, made, self._clock.now(), wait)

    async def _is_taken(self, one: Notice, url: str) -> bool:
        secret = signing.derived_secret(self._key, f"{one.workspace_id} {url}")
        headers = {
            "content-type": "application/json",
            **signing.headers([secret], one.webhook_id, self._clock.now(), one.body),
            "relevo-event": one.type.value,
        }
        result = await self._http.request("POST", url, headers, one.body, _POST_TIMEOUT)
        outcome = read_answer(result, self._clock) if isinstance(result, Answer) else result
        is_taken = isinstance(outcome, Accepted)
        log.info("notice.posted", notice=one.id, event_type=one.type.value, is_taken=is_taken)
        return is_taken

    def _url_for(self, endpoint: Endpoint) -> str:
        workspace = self._catalog.directory.workspaces.get(endpoint.workspace_id)
        return workspace.operations_url if workspace is not None else ""


class _Told(msgspec.Struct, frozen=True):
    """What is posted."""

    type: str
    at: datetime
    workspace_id: int
    endpoint_id: int
    endpoint: str
    url: str
    reason: str


def _body(endpoint: Endpoint, happening: Happening, reason: str, now: datetime) -> bytes:
    told = _Told(
        type=happening.value,
        at=now,
        workspace_id=endpoint.workspace_id,
        endpoint_id=endpoint.id,
        endpoint=endpoint.name,
        url=endpoint.url,
        reason="" if happening is Happening.RECOVERED else reason,
    )
    return msgspec.json.encode(told)


def _tell(id_: EndpointId, happening: Happening, reason: str) -> None:
    write = log.info if happening is Happening.RECOVERED else log.warning
    write(happening.value, endpoint=id_, reason=reason)
    counter(ENDPOINT_NOTICES, happening.value).inc()
