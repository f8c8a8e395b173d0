"""The couriers of one process: which lanes it carries, how many at once, and what it records.

A lane is carried by one task, one delivery at a time. In memory there is only the head of each
lane that is carried now; everything else waits in the database. Each destination has a gate
(`couriers.gates`), so that a dead one cannot take the places of the others, and is not hammered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec
import structlog

from relevo.couriers.attempts import Courier, Tried, outcome_name, status_of
from relevo.couriers.call import failed
from relevo.couriers.crew import Crew
from relevo.couriers.gates import Gate
from relevo.couriers.limiting import Share, WhatLimits, unlimited
from relevo.couriers.outages import unheard
from relevo.domain import retries
from relevo.domain.calls import CallFailed, CallResult
from relevo.domain.deliveries import (
    Accepted,
    Attempt,
    Delivery,
    Destination,
    Done,
    GiveUp,
    Outcome,
    Park,
    RetryAt,
    Unreachable,
    Verdict,
)
from relevo.domain.errors import Unavailable
from relevo.domain.events import ByConversation, CallAnswered, FileSettled, ReceiptCame
from relevo.domain.ids import DeliveryId, EndpointId
from relevo.domain.messages import MessageStatus
from relevo.engine.batches import Settled
from relevo.engine.hub import Hub, WireSeen
from relevo.engine.materials import ChannelWhispering, Whispering
from relevo.engine.timers import sleep_or
from relevo.metrics import (
    ATTEMPTS,
    CALLS,
    DELIVERIES,
    DELIVERY_SECONDS,
    ENDPOINT_PROBES,
    LANES,
    counter,
    histogram,
    shows,
)
from relevo.store import deliveries, nodes
from relevo.store.database import Database
from relevo.store.deliveries import Settlement
from relevo.system.chance import Chance
from relevo.system.clock import Clock
from relevo.system.verbosity import shows_debug

log = structlog.get_logger()

ALL_PLACES = 4096
"""Lanes that a process carries at the same time."""
LOOK_AT_LEAST_EVERY = 1.0
"""Seconds between looks for due deliveries: a net below the paths that need no looking."""
_LOOK_AT_MOST_EVERY = 0.02
"""Seconds, unless there is more to claim: retries of many lanes come one by one."""
LEASE = timedelta(seconds=10)
_RENEW_EVERY = 3.0
_SET_BACK = timedelta(seconds=2)
"""More than a clock is slowed down by when it is kept in time."""
_WHISPERS = 64
_CLAIM = 500
_RECORD_AGAIN_AFTER = 1.0

T = TypeVar("T")


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
        whisper: Callable[[Whispering | ChannelWhispering], Awaitable[None]],
        alone: bool,
        limits: WhatLimits = unlimited,
        tell_health: Callable[[], None] = lambda: None,
    ) -> None:
        self.node = f"node_{chance.object_id()}"
        self._former: list[str] = []
        self._couriers, self._database, self._hub = couriers, database, hub
        self._clock, self._chance, self._alone = clock, chance, alone
        self._disable_endpoint, self._whisper = disable_endpoint, whisper
        self._limits, self._share, self._tell_health = limits, Share(), tell_health
        self._gates: dict[Destination, Gate] = {}
        self._taken = 0
        shows(LANES, lambda: self._taken)
        self._to_free: list[DeliveryId] = []
        self._crew = Crew()
        self._whispers: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._lease_until = float("-inf")
        self._zero_was = self._zero()
        self._stopping = False

    # Places: what the engine asks

    def reserve(self, destination: Destination) -> bool:
        """Keep a place for one more lane to a destination; False when there is none."""
        gate = self._gate(destination)
        if self._taken >= ALL_PLACES or self._stopping or not self._is_alive():
            gate.note_more()
            return False
        if not gate.reserve():
            return False
        self._taken += 1
        return True

    def is_down(self, destination: Destination) -> bool:
        """Whether nothing has come through to a destination for some time, as far as this process knows."""
        gate = self._gates.get(destination)
        return gate is not None and gate.is_down

    def unreserve(self, destination: Destination) -> None:
        """Give a place back."""
        self._taken -= 1
        self._gates[destination].unreserve()

    def carry(self, delivery: Delivery) -> None:
        """Carry a lane from this delivery on; a place must have been reserved."""
        self._crew.do(self._carry_lane(delivery))

    def _gate(self, destination: Destination) -> Gate:
        gate = self._gates.get(destination)
        if gate is None:
            limits = self._limits(destination, self._share)
            gate = Gate(limits, self._clock, self._chance, self._wake.set, self._tell_health)
            self._gates[destination] = gate
        return gate

    def whisper(self, whispering: Whispering | ChannelWhispering) -> None:
        """Tell an endpoint, or show a customer, something at once or never."""
        if len(self._whispers) < _WHISPERS:
            task = asyncio.ensure_future(self._whisper(whispering))
            self._whispers.add(task)
            task.add_done_callback(self._whispers.discard)

    # One lane

    async def _carry_lane(self, head: Delivery) -> None:
        """Deliver the lane from its head until it is empty, waits for a retry, or may not go on."""
        gate = self._gates[head.destination]
        following: Delivery | None = head
        try:
            while following is not None and self._may_go_on():
                begun_in = await gate.enter(is_patient=following.is_patient)
                if begun_in is None:
                    break
                try:
                    settlement = await self._attempt(following, gate, begun_in)
                finally:
                    gate.leave(begun_in)
                following = await self._record(settlement)
        except Exception:
            log.exception("lane.failed", delivery=head.id, conversation=head.conversation_id)
        finally:
            self.unreserve(head.destination)
        if following is not None:
            self._let_go(following)

    def _may_go_on(self) -> bool:
        return not self._stopping and self._is_alive()

    def _let_go(self, delivery: Delivery) -> None:
        """Free a claim that we do not follow up, so that anybody may carry the delivery."""
        self._to_free.append(delivery.id)
        if len(self._to_free) == 1:
            self._crew.do(self._free())

    async def _free(self) -> None:
        """Many lanes are let go at once when a circuit opens: they share transactions."""
        await self._clock.sleep(0)
        ids, self._to_free = self._to_free, []
        try:
            await self._until_stored(lambda: self._release(ids))
        except Exception:
            log.exception("claims.not_freed", deliveries=len(ids))
            self.lose_claims()

    async def _release(self, ids: Collection[DeliveryId]) -> None:
        """What is left out here holds its lane for as long as this process lives."""
        async with self._database.write() as connection:
            await deliveries.release(connection, ids, self.node)

    async def _attempt(self, delivery: Delivery, gate: Gate, begun_in: int) -> Settlement:
        """Make one attempt and decide what it means."""
        started_at, started = self._clock.now(), self._clock.monotonic()
        courier = self._couriers[delivery.destination.kind]
        try:
            tried = await courier.attempt(delivery)
        except Exception:
            log.exception("attempt.failed", delivery=delivery.id)
            tried = Tried(Unreachable("fault"))
        took = timedelta(seconds=self._clock.monotonic() - started)
        if tried.cost > 1:
            gate.charge(tried.cost - 1)
        was_open = gate.is_open
        is_probe = gate.note(tried.outcome, delivery.conversation_id, begun_in)
        if gate.limits.is_judged:
            gate.counted.note(tried.outcome, started_at, took)
        if is_probe or (was_open and not gate.is_open):
            counter(ENDPOINT_PROBES, outcome_name(tried.outcome)).inc()
        attempt = Attempt(
            delivery_id=delivery.id,
            number=delivery.attempts_made + 1,
            started_at=started_at,
            took=took,
            outcome=tried.outcome,
            verdict=self._decide(delivery, tried, courier.schedule, is_probe=is_probe),
            exchange=tried.exchange,
        )
        if is_probe:
            delivery = msgspec.structs.replace(delivery, attempts_before=delivery.attempts_before + 1)
        event = _news(delivery, attempt, tried) or unheard(delivery, attempt, is_down=gate.is_down)
        return Settlement(delivery=delivery, attempt=attempt, event=event, body=tried.body)

    def _decide(
        self, delivery: Delivery, tried: Tried, schedule: Sequence[timedelta], *, is_probe: bool
    ) -> Verdict:
        return tried.verdict or retries.decide(
            tried.outcome,
            attempts_made=delivery.attempts_made + 1 - delivery.attempts_before,
            schedule=schedule if tried.schedule is None else tried.schedule,
            now=self._clock.now(),
            jitter=self._chance.jitter(),
            is_probe=is_probe,
            patience=tried.patience,
        )

    async def _record(self, settlement: Settlement) -> Delivery | None:
        """Record an attempt, however long the database takes to take it; the lane's next delivery."""
        delivery, verdict = settlement.delivery, settlement.attempt.verdict
        settled = await self._until_stored(lambda: self.recorder.settle(settlement))
        self._tell(delivery, settlement.attempt, ours=settled.ours)
        if isinstance(verdict, GiveUp) and verdict.disable:
            endpoint_id = EndpointId(delivery.destination.id)
            await self._until_stored(lambda: self._disable_endpoint(endpoint_id, verdict.reason))
        return settled.next

    async def _until_stored(self, work: Callable[[], Awaitable[T]]) -> T:
        """Have something stored, however long the database takes to take it."""
        while True:
            try:
                return await work()
            except Unavailable:
                await self._clock.sleep(_RECORD_AGAIN_AFTER)

    def _tell(self, delivery: Delivery, attempt: Attempt, *, ours: bool) -> None:
        """One wide line, the counts, and the open pages."""
        kind, outcome = delivery.destination.kind, outcome_name(attempt.outcome)
        if not isinstance(attempt.outcome, Accepted) or attempt.outcome.note or shows_debug():
            _log(delivery, attempt, ours=ours)
        counter(ATTEMPTS, kind, outcome).inc()
        if not isinstance(attempt.verdict, RetryAt):
            counter(DELIVERIES, kind, _STATE[type(attempt.verdict)]).inc()
        if isinstance(attempt.verdict, Done):
            ended = attempt.started_at + attempt.took
            histogram(DELIVERY_SECONDS, kind).observe((ended - delivery.created_at).total_seconds())
        if self._hub.has_listeners:
            self._hub.publish(
                [WireSeen(delivery.workspace_id, delivery.conversation_id, (delivery, attempt))]
            )

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

    def look(self) -> None:
        """Look for due lanes now: somebody says that there are some."""
        self._wake.set()

    async def claim_due(self) -> bool:
        """Carry due lanes that nobody alive carries; True when there may be more."""
        self._wake.clear()
        for destination, gate in self._gates.items():
            gate.limit(self._limits(destination, self._share))
        if not self._may_go_on():
            return False
        await self._bring_forward()
        async with self._database.read() as connection:
            due = await deliveries.due_destinations(connection, now=self._clock.now())
        wanted, probed = self._wanted(due), [one for one, gate in self._gates.items() if gate.wants_probe]
        found = await self._surely_claim(wanted, probed) if wanted or probed else []
        refused = [one for one in found if not self.reserve(one.destination)]
        for one in found:
            self._let_go(one) if one in refused else self.carry(one)
        return self._may_be_more(due, wanted, found) and not refused

    async def _bring_forward(self) -> None:
        """Whoever waits for a retry because an endpoint was dead need not wait once it is back."""
        for destination, gate in self._gates.items():
            if gate.was_let_go:
                async with self._database.write() as connection:
                    await deliveries.bring_forward(connection, destination, self._clock.now())
                gate.was_let_go = False

    def _may_be_more(
        self, due: Sequence[Destination], wanted: Mapping[Destination, int], found: Sequence[Delivery]
    ) -> bool:
        """Whether to look again at once. Where there is no place, the gate says when to look."""
        counts = Counter(one.destination for one in found)
        is_more = False
        for one in due:
            if counts[one] >= wanted.get(one, 0):
                self._gate(one).note_more()
                is_more |= one in wanted and self._gate(one).room > 0
        return is_more

    def _wanted(self, due: Sequence[Destination]) -> dict[Destination, int]:
        """How many lanes to claim for each destination: what is free is shared among them."""
        room = min(ALL_PLACES - self._taken, _CLAIM)
        share = -(-room // max(len(due), 1))
        wanted = {one: min(self._gate(one).room, share) for one in due if not self._gate(one).is_open}
        return {one: limit for one, limit in wanted.items() if limit > 0}

    async def _surely_claim(
        self, wanted: Mapping[Destination, int], probed: Sequence[Destination]
    ) -> list[Delivery]:
        try:
            return await self._claim(wanted, probed)
        except Unavailable:
            if not self._alone:
                self.lose_claims()  # it may have been committed: PostgreSQL's answer may be lost
            raise

    async def _claim(
        self, wanted: Mapping[Destination, int], probed: Sequence[Destination]
    ) -> list[Delivery]:
        now, found = self._clock.now(), []
        async with self._database.write() as connection:
            for destination, limit in wanted.items():
                found += await deliveries.claim_due(
                    connection, destination, node=self.node, now=now, limit=limit
                )
            for destination in probed:
                found += await deliveries.claim_for_probe(
                    connection,
                    destination,
                    node=self.node,
                    now=now,
                    newest=self._gates[destination].wants_newest,
                )
        return found

    async def _until_next_due(self) -> float:
        now = self._clock.now()
        async with self._database.read() as connection:
            at = await deliveries.next_due_at(connection, now)
        probes = [one.next_probe_at - self._clock.monotonic() for one in self._gates.values()]
        waits = [wait for wait in probes if wait > 0]
        if at is not None:
            waits.append((at - now).total_seconds())
        return max(min(LOOK_AT_LEAST_EVERY, *waits), _LOOK_AT_MOST_EVERY) if waits else LOOK_AT_LEAST_EVERY

    # Being alive

    async def start(self) -> None:
        """Register this process; alone on its database, it ends the leases of dead predecessors."""
        asked = self._clock.monotonic()
        now = self._clock.now()
        async with self._database.write() as connection:
            if self._alone:
                await nodes.bury_others(connection, self.node)
            await nodes.register(connection, self.node, now, LEASE)
            self._note_others(await nodes.alive(connection, now))
        self._lease_from(asked)

    async def keep_alive(self) -> None:
        """Renew the lease until stopped."""
        while not self._stopping:
            await self._clock.sleep(_RENEW_EVERY)
            try:
                await self._renew()
                await self._follow_clock()
            except Unavailable:
                log.warning("lease.not_renewed", node=self.node)

    async def _follow_clock(self) -> None:
        """When somebody has set the clock back, what waits for its time would wait so much longer."""
        zero = self._zero()
        back = self._zero_was - zero
        if back > _SET_BACK:
            log.warning("clock.set_back", by_seconds=round(back.total_seconds()))
            async with self._database.write() as connection:
                await deliveries.have_earlier(connection, back, after=self._clock.now())
        self._zero_was = zero

    def _zero(self) -> datetime:
        """What time it was, as the clock says now, when monotonic time began."""
        return self._clock.now() - timedelta(seconds=self._clock.monotonic())

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
            renewed = await nodes.renew(connection, self.node, now, LEASE)
            if not renewed:
                await nodes.register(connection, self.node, now, LEASE)
            await nodes.sweep(connection, now, after=60 * LEASE)
            self._note_others(await nodes.alive(connection, now))
        self._former.clear()
        self._lease_from(asked)

    def _note_others(self, alive: Sequence[str]) -> None:
        """The limits of an endpoint are shared among the processes that carry."""
        if self.node in alive:
            self._share = Share(alive.index(self.node), len(alive))

    def _lease_from(self, asked: float) -> None:
        """The lease runs from when it was asked for, not from when the database had answered."""
        self._lease_until = asked + LEASE.total_seconds()

    def _is_alive(self) -> bool:
        """Whether our lease certainly still runs: without it, others may carry what we claimed."""
        return self._alone or self._clock.monotonic() < self._lease_until

    @property
    def gates(self) -> Mapping[Destination, Gate]:
        """The ways to all destinations that were posted to."""
        return self._gates

    @property
    def lanes(self) -> int:
        """How many lanes are carried now."""
        return self._crew.busy

    async def until_idle(self) -> None:
        """Wait until no lane is carried. One that is given up for a retry later is not."""
        await self._crew.until_done()

    async def stop(self, grace: timedelta) -> None:
        """Start no new attempts, let those in flight end within `grace`, and free all claims."""
        self._stopping = True
        self._wake.set()
        for gate in self._gates.values():
            gate.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.until_idle(), grace.total_seconds())
        self._crew.cancel()
        for whisper in [*self._whispers]:
            whisper.cancel()

    async def leave(self) -> None:
        """End the lease: whatever is still claimed is free for others at once."""
        async with self._database.write() as connection:
            await nodes.leave(connection, self.node)


def _log(delivery: Delivery, attempt: Attempt, *, ours: bool) -> None:
    plain = isinstance(attempt.outcome, Accepted) and not attempt.outcome.note
    write = log.debug if plain else log.info
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
        **_note(attempt.outcome),
    )


def _note(outcome: Outcome) -> dict[str, str]:
    return {"note": outcome.note} if isinstance(outcome, Accepted) and outcome.note else {}


_ATTEMPTED = {"endpoint": "webhook", "channel": "channel", "media": "media", "call": "call", "email": "email"}
_STATE: Mapping[type[Verdict], str] = {Done: "done", Park: "parked", GiveUp: "given_up"}


def _news(
    delivery: Delivery, attempt: Attempt, tried: Tried
) -> ReceiptCame | FileSettled | CallAnswered | None:
    """What the conversation must know of an attempt that was the last."""
    match delivery.destination.kind:
        case "channel":
            return _receipt(delivery, attempt)
        case "media":
            return _file_settled(delivery, attempt, tried)
        case "call":
            return _call_answered(delivery, attempt, tried)
        case _:
            return None


def _receipt(delivery: Delivery, attempt: Attempt) -> ReceiptCame | None:
    """What the conversation must know of a message that was brought to the customer, or could not be."""
    if delivery.message_id is None or isinstance(attempt.verdict, RetryAt):
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


def _file_settled(delivery: Delivery, attempt: Attempt, tried: Tried) -> FileSettled | None:
    """What the conversation must know of a customer's file: it is here, or will not come."""
    if isinstance(attempt.verdict, RetryAt):
        return None
    if isinstance(attempt.verdict, Done) or delivery.message_id is None:
        return tried.news if isinstance(tried.news, FileSettled) else None
    to = ByConversation(delivery.conversation_id)
    return FileSettled(to=to, message_id=delivery.message_id, problem=_why(attempt.outcome))


def _call_answered(delivery: Delivery, attempt: Attempt, tried: Tried) -> CallAnswered | None:
    """What the flow that waits for a call must know: every call has an end, also by a fault of ours."""
    if isinstance(attempt.verdict, RetryAt):
        return None
    told = tried.news if isinstance(tried.news, CallAnswered) else failed(delivery, "stopped")
    counter(CALLS, delivery.event_type, _result_name(told.result)).inc()
    return told


def _result_name(result: CallResult) -> str:
    return result.kind if isinstance(result, CallFailed) else "answered"


def _why(outcome: Outcome) -> str:
    status = status_of(outcome)
    return f"the vendor answered {status}" if isinstance(status, int) else str(status)
