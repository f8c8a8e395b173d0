"""A platform is down: whoever waits for an agent there is told, in their own conversation.

Whoever writes during the outage is told by the decision about their message (`Gate.is_down`), and one whose
delivery fails alone by its outcome (`unheard`). This is for those who wrote just before the circuit opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from relevo.couriers.gates import Gate
from relevo.domain.deliveries import Attempt, Delivery, Destination, Done, RetryAt
from relevo.domain.errors import RelevoError, Unavailable
from relevo.domain.events import AnyEvent, ByConversation, PlatformUnreachable
from relevo.domain.ids import EndpointId
from relevo.engine.timers import sleep_or
from relevo.store import deliveries
from relevo.store.database import Database
from relevo.system.clock import Clock

log = structlog.get_logger()

LATE_AFTER = timedelta(seconds=30)
"""A delivery that has failed for so long is late enough for the customer to be told."""
_LOOK_AGAIN_AFTER = 60.0
_LOOK_BACK = timedelta(seconds=60)
_AT_ONCE = 50


def unheard(delivery: Delivery, attempt: Attempt, *, is_down: bool) -> PlatformUnreachable | None:
    """What the conversation must know of an attempt that failed: that the platform does not hear it."""
    if delivery.destination.kind != "endpoint" or isinstance(attempt.verdict, Done):
        return None
    late = attempt.started_at - delivery.created_at >= LATE_AFTER
    if isinstance(attempt.verdict, RetryAt) and not (late or is_down):
        return None
    endpoint_id = EndpointId(delivery.destination.id)
    return PlatformUnreachable(to=ByConversation(delivery.conversation_id), endpoint_id=endpoint_id)


class Outages:
    """Runs until stopped. `gates` are those of the couriers, `submit` is the engine's."""

    gates: Callable[[], Mapping[Destination, Gate]]
    submit: Callable[[AnyEvent], Awaitable[object]]

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._told: dict[Destination, int] = {}
        self.news = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        while not self._stopping:
            self.news.clear()
            try:
                wait = await self.tell()
            except Unavailable:
                wait = 1.0
            if not self._stopping:
                await sleep_or(self._clock, wait, self.news)

    def stop(self) -> None:
        self._stopping = True
        self.news.set()

    async def tell(self) -> float:
        """Tell of each outage that is not told yet; seconds until the next may have to be."""
        wait = _LOOK_AGAIN_AFTER
        for destination, gate in list(self.gates().items()):
            if not gate.is_open or self._told.get(destination) == gate.health.changes:
                continue
            if gate.is_down:
                await self._tell_customers(destination)
                self._told[destination] = gate.health.changes
            else:
                wait = min(wait, max(gate.down_in, 0.01))
        return wait

    async def _tell_customers(self, destination: Destination) -> None:
        async with self._database.read() as connection:
            since = self._clock.now() - _LOOK_BACK
            waiting = await deliveries.waiting_for_agents(connection, destination, since=since)
        log.info("outage.told", endpoint=destination.id, conversations=len(waiting))
        endpoint_id = EndpointId(destination.id)
        events = [PlatformUnreachable(to=ByConversation(id_), endpoint_id=endpoint_id) for id_ in waiting]
        for start in range(0, len(events), _AT_ONCE):
            await asyncio.gather(*(self._submit(event) for event in events[start : start + _AT_ONCE]))

    async def _submit(self, event: PlatformUnreachable) -> None:
        """Whoever cannot be told now is when they write again, or when their delivery fails once more."""
        try:
            await self.submit(event)
        except RelevoError as error:
            log.warning("outage.not_told", to=repr(event.to), code=error.code)
