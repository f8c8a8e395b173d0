"""The couriers of one process: which lanes it carries, how many at once, and what it records.

A lane is carried by one task, one delivery at a time. In memory there is only the head of each
lane that is carried now; everything else waits in the database. Places are limited for each
destination, so that a dead one cannot take those of the others.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Protocol

import structlog

from relevo.couriers.attempts import Courier, Tried, outcome_name, status_of
from relevo.domain import retries
from relevo.domain.deliveries import (
    Accepted,
    Attempt,
    Delivery,
    Destination,
    Done,
    GiveUp,
    Park,
    RetryAt,
    Unreachable,
    Verdict,
)
from relevo.domain.errors import Unavailable
from relevo.domain.events import ByConversation, ReceiptCame
from relevo.domain.ids import EndpointId
from relevo.domain.messages import MessageStatus
from relevo.engine.batches import Settled
from relevo.engine.hub import Hub, WireSeen
from relevo.engine.materials import Whispering
from relevo.engine.timers import sleep_or
from relevo.metrics import ATTEMPTS, DELIVERIES, DELIVERY_SECONDS, LANES, counter, histogram
from relevo.store import deliveries, nodes
from relevo.store.database import Database
from relevo.store.deliveries import Settlement
from relevo.system.chance import Chance
from relevo.system.clock import Clock
from relevo.system.verbosity import shows_debug

log = structlog.get_logger()

IN_FLIGHT = 200
"""Attempts at one destination at the same time."""
PLACES = 1024
"""Lanes to one destination that a process carries at the same time."""
_FEW = PLACES * 3 // 4
"""As few as this, when lanes found no place before: time to look for them."""
ALL_PLACES = 4096
LOOK_AT_LEAST_EVERY = 1.0
"""Seconds between looks for due deliveries: a net below the paths that need no looking."""
LEASE = timedelta(seconds=10)
_RENEW_EVERY = 3.0
_WHISPERS = 64
_CLAIM = 500
_RECORD_AGAIN_AFTER = 1.0


class Recorder(Protocol):
    """Where outcomes are recorded: the engine."""

    async def settle(self, settlement: Settlement) -> Settled: ...


class Couriers:
    """Carries lanes. Make it, give it the engine as `recorder`, `start` it, `run` it."""

    recorder: Recorder

    def __init__(
        self,
        *,
        couriers: Mapping[str, Courier],
        database: Database,
        hub: Hub,
        clock: Clock,
        chance: Chance,
        disable_endpoint: Callable[[EndpointId, str], Awaitable[None]],
        whisper: Callable[[Whispering], Awaitable[None]],
        alone: bool,
    ) -> None:
        self.node = f"node_{chance.object_id()}"
        self._former: list[str] = []
        self._couriers, self._database, self._hub = couriers, database, hub
        self._clock, self._chance, self._alone = clock, chance, alone
        self._disable_endpoint, self._whisper = disable_endpoint, whisper
        self._places: defaultdict[Destination, int] = defaultdict(int)
        self._turned_away: set[Destination] = set()
        self._taken = 0
        self._gates: defaultdict[Destination, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(IN_FLIGHT)
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._whispers: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._lease_until = float("-inf")
        self._stopping = False

    # Places: what the engine asks

    def reserve(self, destination: Destination) -> bool:
        """Keep a place for one more lane to a destination; False when there is none."""
        full = self._places.get(destination, 0) >= PLACES or self._taken >= ALL_PLACES
        if full or self._stopping or not self._is_alive():
            self._turned_away.add(destination)
            return False
        self._places[destination] += 1
        self._taken += 1
        return True

    def unreserve(self, destination: Destination) -> None:
        """Give a place back."""
        self._taken -= 1
        self._places[destination] -= 1
        if self._places[destination] == _FEW and destination in self._turned_away:
            self._turned_away.discard(destination)
            self._wake.set()
        if not self._places[destination]:
            del self._places[destination]
            self._gates.pop(destination, None)

    def carry(self, delivery: Delivery) -> None:
        """Carry a lane from this delivery on; a place must have been reserved."""
        task = asyncio.get_running_loop().create_task(self._carry_lane(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def whisper(self, whispering: Whispering) -> None:
        """Tell an endpoint something at once or never."""
        if len(self._whispers) < _WHISPERS:
            task = asyncio.ensure_future(self._whisper(whispering))
            self._whispers.add(task)
            task.add_done_callback(self._whispers.discard)

    # One lane

    async def _carry_lane(self, head: Delivery) -> None:
        """Deliver the lane from its head until it is empty, waits for a retry, or is no longer ours."""
        LANES.inc()
        following: Delivery | None = head
        try:
            while following is not None and not self._stopping and self._is_alive():
                async with self._gates[head.destination]:
                    attempt = await self._attempt(following)
                following = await self._record(following, attempt)
        except Exception:
            log.exception("lane.failed", delivery=head.id, conversation=head.conversation_id)
        finally:
            LANES.dec()
            self.unreserve(head.destination)
        if following is not None:
            await self._let_go(following)

    async def _let_go(self, delivery: Delivery) -> None:
        """Free a claim that we do not follow up, so that anybody may carry the delivery."""
        try:
            async with self._database.write() as connection:
                await deliveries.release(connection, [delivery.id], self.node)
        except Unavailable:
            log.warning("claim.not_released", delivery=delivery.id)  # freed when this process ends

    async def _attempt(self, delivery: Delivery) -> Attempt:
        """Make one attempt and decide what it means."""
        started_at, started = self._clock.now(), self._clock.monotonic()
        courier = self._couriers[delivery.destination.kind]
        try:
            tried = await courier.attempt(delivery)
        except Exception:
            log.exception("attempt.failed", delivery=delivery.id)
            tried = Tried(Unreachable("fault"))
        took = timedelta(seconds=self._clock.monotonic() - started)
        made = delivery.attempts_made + 1
        verdict = tried.park or retries.decide(
            tried.outcome,
            attempts_made=made - delivery.attempts_before,
            schedule=courier.schedule,
            now=self._clock.now(),
            jitter=self._chance.jitter(),
        )
        return Attempt(
            delivery_id=delivery.id,
            number=made,
            started_at=started_at,
            took=took,
            outcome=tried.outcome,
            verdict=verdict,
            exchange=tried.exchange,
        )

    async def _record(self, delivery: Delivery, attempt: Attempt) -> Delivery | None:
        """Record an attempt, however long the database takes to take it; the lane's next delivery."""
        settlement = Settlement(delivery=delivery, attempt=attempt, event=_receipt(delivery, attempt))
        settled = await self._settle(settlement)
        self._tell(delivery, attempt, ours=settled.ours)
        if isinstance(attempt.verdict, GiveUp) and attempt.verdict.disable:
            await self._disable_endpoint(EndpointId(delivery.destination.id), attempt.verdict.reason)
        return settled.next

    async def _settle(self, settlement: Settlement) -> Settled:
        while True:
            try:
                return await self.recorder.settle(settlement)
            except Unavailable:
                await self._clock.sleep(_RECORD_AGAIN_AFTER)

    def _tell(self, delivery: Delivery, attempt: Attempt, *, ours: bool) -> None:
        """One wide line, the counts, and the open pages."""
        kind, outcome = delivery.destination.kind, outcome_name(attempt.outcome)
        if not isinstance(attempt.outcome, Accepted) or shows_debug():
            _log(delivery, attempt, ours=ours)
        counter(ATTEMPTS, kind, outcome).inc()
        if not isinstance(attempt.verdict, RetryAt):
            counter(DELIVERIES, kind, _STATE[type(attempt.verdict)]).inc()
        if isinstance(attempt.verdict, Done):
            ended = attempt.started_at + attempt.took
            histogram(DELIVERY_SECONDS, kind).observe((ended - delivery.created_at).total_seconds())
        self._hub.publish([WireSeen(delivery.workspace_id, delivery.conversation_id, (delivery, attempt))])

    # Looking for work

    async def run(self) -> None:
        """Claim what is due until stopped."""
        while not self._stopping:
            try:
                more = await self.claim_due()
                pause = 0.0 if more else await self._until_next_due()
            except Unavailable:
                pause = LOOK_AT_LEAST_EVERY
            if pause:
                await sleep_or(self._clock, pause, self._wake)

    async def claim_due(self) -> bool:
        """Carry due lanes that nobody alive carries; True when there may be more."""
        self._wake.clear()
        room = min(ALL_PLACES - self._taken, _CLAIM)
        if room <= 0 or not self._is_alive():
            return False
        full = [one for one, places in self._places.items() if places >= PLACES]
        now = self._clock.now()
        async with self._database.read() as connection:
            if not await deliveries.any_due(connection, now=now, not_to=full):
                return False
        async with self._database.write() as connection:
            found = await deliveries.claim_due(connection, node=self.node, now=now, limit=room, not_to=full)
        refused = [one for one in found if not self.reserve(one.destination)]
        for one in found:
            if one not in refused:
                self.carry(one)
        if refused:
            async with self._database.write() as connection:
                await deliveries.release(connection, [one.id for one in refused], self.node)
        return len(found) == room and not refused

    async def _until_next_due(self) -> float:
        now = self._clock.now()
        async with self._database.read() as connection:
            at = await deliveries.next_due_at(connection, now)
        if at is None:
            return LOOK_AT_LEAST_EVERY
        return min(LOOK_AT_LEAST_EVERY, max((at - now).total_seconds(), 0.001))

    # Being alive

    async def start(self) -> None:
        """Register this process; alone on its database, it ends the leases of dead predecessors."""
        asked = self._clock.monotonic()
        now = self._clock.now()
        async with self._database.write() as connection:
            if self._alone:
                await nodes.bury_others(connection, self.node)
            await nodes.register(connection, self.node, now, now + LEASE)
        self._lease_from(asked)

    async def keep_alive(self) -> None:
        """Renew the lease until stopped."""
        while not self._stopping:
            await self._clock.sleep(_RENEW_EVERY)
            try:
                await self._renew()
            except Unavailable:
                log.warning("lease.not_renewed", node=self.node)

    def lose_claims(self) -> None:
        """Go on under another name, from the next renewal on: what the old one has claimed is free then,
        and outcomes of what is in flight are refused."""
        log.warning("claims.lost", node=self.node)
        self._former.append(self.node)
        self.node = f"node_{self._chance.object_id()}"
        self._lease_until = float("-inf")

    async def _renew(self) -> None:
        asked = self._clock.monotonic()
        now = self._clock.now()
        async with self._database.write() as connection:
            for former in self._former:
                await nodes.leave(connection, former)
            renewed = await nodes.renew(connection, self.node, now + LEASE)
            if not renewed:
                await nodes.register(connection, self.node, now, now + LEASE)
            await nodes.sweep(connection, now - 60 * LEASE)
        self._former.clear()
        self._lease_from(asked)

    def _lease_from(self, asked: float) -> None:
        """The lease runs from when it was asked for, not from when the database had answered."""
        self._lease_until = asked + LEASE.total_seconds()

    def _is_alive(self) -> bool:
        """Whether our lease certainly still runs: without it, others may carry what we claimed."""
        return self._alone or self._clock.monotonic() < self._lease_until

    @property
    def lanes(self) -> int:
        """How many lanes are carried now."""
        return len(self._tasks)

    async def until_idle(self) -> None:
        """Wait until no lane is carried. One that is given up for a retry later is not."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self, grace: timedelta) -> None:
        """Start no new attempts, let those in flight end within `grace`, and free all claims."""
        self._stopping = True
        self._wake.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace.total_seconds())
        for task in [*self._tasks, *self._whispers]:
            task.cancel()

    async def leave(self) -> None:
        """End the lease: whatever is still claimed is free for others at once."""
        async with self._database.write() as connection:
            await nodes.leave(connection, self.node)


def _log(delivery: Delivery, attempt: Attempt, *, ours: bool) -> None:
    write = log.debug if isinstance(attempt.outcome, Accepted) else log.info
    write(
        f"{_ATTEMPTED[delivery.destination.kind]}.attempted",
        delivery=delivery.id,
        conversation=delivery.conversation_id,
        destination=delivery.destination.id,
        attempt=attempt.number,
        outcome=outcome_name(attempt.outcome),
        status=status_of(attempt.outcome),
        took_ms=round(attempt.took.total_seconds() * 1000),
        decision=type(attempt.verdict).__name__.lower() if ours else "claim_lost",
    )


_ATTEMPTED = {"endpoint": "webhook", "channel": "channel", "media": "media"}
_STATE: Mapping[type[Verdict], str] = {Done: "done", Park: "parked", GiveUp: "given_up"}


def _receipt(delivery: Delivery, attempt: Attempt) -> ReceiptCame | None:
    """What the conversation must know of a message that was brought to the customer, or could not be."""
    if delivery.destination.kind != "channel" or delivery.message_id is None:
        return None
    if isinstance(attempt.verdict, RetryAt):
        return None
    sent = isinstance(attempt.outcome, Accepted)
    reason = "" if isinstance(attempt.verdict, Done) else attempt.verdict.reason
    return ReceiptCame(
        to=ByConversation(delivery.conversation_id),
        status=MessageStatus.SENT if sent else MessageStatus.FAILED,
        message_ids=(delivery.message_id,),
        new_mid=attempt.outcome.mid if isinstance(attempt.outcome, Accepted) else "",
        error=reason,
    )
