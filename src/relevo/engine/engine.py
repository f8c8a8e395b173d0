"""`submit` and the commit loop: whatever is waiting when a commit ends goes into the next one.

That is group commit: the more there is to do, the larger the batches, and the less each event
costs. There is one loop in a process, and nothing else writes conversations or lanes.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import structlog

from relevo.domain.errors import Busy, DecisionFailed, RelevoError, Unavailable
from relevo.domain.events import AnyEvent, ReceiptCame
from relevo.domain.ids import FlowId
from relevo.domain.vocabulary import Names
from relevo.engine.batches import Batch, Carriers, Result, Settled
from relevo.engine.catalog import Catalog
from relevo.engine.hub import Hub, Notice
from relevo.engine.materials import Workshop
from relevo.metrics import COMMIT_SECONDS, COMMIT_SIZE, DECISIONS, MESSAGES, counter
from relevo.store import nodes, notices
from relevo.store.database import Database, StoreFault, Taken, Transient
from relevo.store.deliveries import Settlement
from relevo.store.ids import IdBlocks, IdsUsedUp
from relevo.system.chance import Chance
from relevo.system.clock import Clock

log = structlog.get_logger()

MAX_BATCH = 256
MAX_WAITING = 10_000
"""Events that may wait for a commit; beyond that `submit` answers `Busy`."""
_TRIES = 4
_PAUSE_BETWEEN_TRIES = 0.05  # seconds, times the try

T = TypeVar("T")


class _Waiting(msgspec.Struct, Generic[T]):
    """Somebody waits for an answer."""

    item: Any
    answer: asyncio.Future[T]


class Others(Protocol):
    """The other processes on the same database, as the engine sees them."""

    def told(self, notices: Iterable[Notice], *, leaves_work: bool) -> list[str]:
        """What a commit has to tell them; asked within its transaction."""
        ...


class Namer(Protocol):
    """Who makes the rows of tags and fields that were named for the first time."""

    def note(self, flow_id: FlowId, names: Names) -> None: ...


class Engine:
    """The one door through which everything that happens comes in."""

    def __init__(
        self,
        *,
        database: Database,
        catalog: Catalog,
        workshop: Workshop,
        ids: IdBlocks,
        carriers: Carriers,
        hub: Hub,
        clock: Clock,
        chance: Chance,
        others: Others | None = None,
        namer: Namer | None = None,
    ) -> None:
        self._others, self._namer = others, namer
        self._database, self._catalog, self._workshop = database, catalog, workshop
        self._ids, self._carriers, self._hub = ids, carriers, hub
        self._clock, self._chance = clock, chance
        self._events: deque[_Waiting[Result]] = deque()
        self._settlements: deque[_Waiting[Settled]] = deque()
        self._news = asyncio.Event()
        self._stopping = False
        self.next_wake_at: datetime | None = None
        """The earliest deadline that a commit has set since the timers last looked."""
        self.deadline_set = asyncio.Event()

    async def submit(self, event: AnyEvent) -> Result:
        """Have something happen. Answers after it is committed, and only then.

        Raises: `Busy` or `Unavailable` (nothing was accepted), `NotFound`, `IdempotencyKeyReused`,
        `DecisionFailed` (a fault of ours: recorded, not applied).
        """
        if self._stopping or len(self._events) >= MAX_WAITING:
            raise Busy
        return await self._ask(self._events, event)

    async def settle(self, settlement: Settlement) -> Settled:
        """Record an attempt. Raises `Unavailable` when it could not be recorded: try again."""
        return await self._ask(self._settlements, settlement)

    def _ask(self, queue: deque[_Waiting[T]], item: Any) -> asyncio.Future[T]:
        """Cancelled with its caller; what was asked for is committed all the same."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        queue.append(_Waiting(item, answer))
        self._news.set()
        return answer

    @property
    def waiting(self) -> int:
        """How many events and outcomes wait for a commit."""
        return len(self._events) + len(self._settlements)

    async def run(self) -> None:
        """Commit until `stop`; what was waiting then is still committed."""
        while not (self._stopping and not self.waiting):
            if not self.waiting:
                self._news.clear()
                await self._news.wait()
            # Whoever is ready to ask for something now comes along: without this, the first to ask
            # had a commit of its own, and all the others the next.
            await self._clock.sleep(0)
            await self._commit_next()

    def stop(self) -> None:
        self._stopping = True
        self._news.set()

    # One batch

    async def _commit_next(self) -> None:
        events = _take(self._events, MAX_BATCH)
        settlements = _take(self._settlements, MAX_BATCH)
        if events or settlements:
            await self._commit(events, settlements)

    async def _commit(self, events: list[_Waiting[Result]], settlements: list[_Waiting[Settled]]) -> None:
        """Commit together what can be; alone what cannot; and answer everybody."""
        started = self._clock.monotonic()
        try:
            batch = await self._try(events, settlements)
        except Unavailable as fault:
            log.warning("commit.unavailable", events=len(events), cause=fault.facts.get("cause"))
            _refuse([*events, *settlements], fault)
        except StoreFault as fault:
            await self._isolate(events, settlements, fault)
        except Exception as fault:
            log.exception("commit.failed", events=len(events))
            _refuse([*events, *settlements], DecisionFailed(fault=type(fault).__name__))
        else:
            self._finish(batch, events, settlements)
            COMMIT_SIZE.observe(len(events) + len(settlements))
            COMMIT_SECONDS.observe(self._clock.monotonic() - started)

    async def _isolate(
        self, events: list[_Waiting[Result]], settlements: list[_Waiting[Settled]], fault: StoreFault
    ) -> None:
        """The database refused the batch: one of it is bad. Commit each alone to find which."""
        if len(events) + len(settlements) == 1:
            if settlements and (nameless := _without_mid(settlements[0].item)):
                settlements[0].item = nameless
                await self._commit([], settlements)
                return
            log.error("event.refused_by_database", fault=type(fault).__name__, event_type=_kind(events))
            _refuse([*events, *settlements], DecisionFailed(fault=type(fault).__name__))
            return
        for event in events:
            await self._commit([event], [])
        for settlement in settlements:
            await self._commit([], [settlement])

    async def _try(self, events: list[_Waiting[Result]], settlements: list[_Waiting[Settled]]) -> Batch:
        """Commit a batch, again after a deadlock or a lost connection, or when another process was faster."""
        per_event = 8
        brought = sum(1 for one in settlements if one.item.event is not None)
        for number in range(1, _TRIES + 1):
            await self._prepare(len(events) + brought, per_event)
            batch = self._batch([one.item for one in events], [one.item for one in settlements])
            try:
                await self._transact(batch)
                return batch
            except BaseException as fault:
                if isinstance(fault, Transient) and await self._was_committed(batch):
                    return batch
                batch.release()
                if isinstance(fault, IdsUsedUp):
                    per_event *= 8
                elif not isinstance(fault, (Transient, Taken)) or number == _TRIES:
                    raise
                elif isinstance(fault, Transient):
                    await self._clock.sleep(_PAUSE_BETWEEN_TRIES * number)
        raise Unavailable(cause="ids")

    async def _prepare(self, events: int, per_event: int) -> None:
        """All that must be there before the transaction: nothing in it may wait for anything else.

        `events` counts those that outcomes bring along, too: in a process that only carries, there is no
        other.
        """
        if events:
            await self._catalog.refresh()
            await self._ids.reserve("conversations", events)
            await self._ids.reserve("messages", events * per_event)
            await self._ids.reserve("deliveries", events * per_event * 2)

    def _batch(self, events: Sequence[AnyEvent], settlements: Sequence[Settlement]) -> Batch:
        return Batch(
            events,
            settlements,
            catalog=self._catalog,
            workshop=self._workshop,
            ids=self._ids,
            carriers=self._carriers,
            now=self._clock.now(),
            commit_id=self._chance.object_id(),
            log_fault=_log_fault,
        )

    async def _transact(self, batch: Batch) -> None:
        async with self._database.write() as connection:
            await batch.run(connection)
            if not self._database.is_sqlite:
                await nodes.mark_commit(connection, batch.commit_id, self._clock.now())
            if self._others is not None:
                told = self._others.told(batch.notices(), leaves_work=batch.leaves_work)
                await notices.tell(connection, told)

    async def _was_committed(self, batch: Batch) -> bool:
        """Whether the commit went through and only its answer was lost (PostgreSQL).

        Raises `Unavailable` when nobody can tell: then what it may have claimed in our name is not ours.
        """
        if self._database.is_sqlite:
            return False
        for number in range(1, _TRIES + 1):
            try:
                async with self._database.write() as connection:
                    await nodes.try_mark(connection, batch.commit_id, self._clock.now())
                return False
            except Taken:
                return True
            except Transient:
                await self._clock.sleep(_PAUSE_BETWEEN_TRIES * number)
            except Unavailable:
                break
        self._carriers.lose_claims()
        raise Unavailable(cause="nobody can tell whether it was committed")

    def _finish(
        self, batch: Batch, events: list[_Waiting[Result]], settlements: list[_Waiting[Settled]]
    ) -> None:
        """The commit is durable: answer, carry, tell."""
        decided: Counter[tuple[str, str]] = Counter()
        for waiting, result in zip(events, batch.results, strict=False):
            _answer(waiting, result)
            decided[type(waiting.item).__name__, _ending(result)] += 1
        for (kind, ending), number in decided.items():
            counter(DECISIONS, kind, ending).inc(number)
        for settlement, settled in zip(settlements, batch.settled, strict=True):
            _answer(settlement, settled)
        for delivery in batch.reserved:
            self._carriers.carry(delivery)
        for whispering in batch.whispers:
            self._carriers.whisper(whispering)
        for type_, number in batch.messages_by_type.items():
            counter(MESSAGES, type_).inc(number)
        self._hub.publish(batch.notices())
        self._note_deadline(batch.earliest_deadline)
        if self._namer is not None:
            for flow_id, names in batch.new_names.items():
                self._namer.note(flow_id, names)

    def _note_deadline(self, at: datetime | None) -> None:
        if at is not None and (self.next_wake_at is None or at < self.next_wake_at):
            self.next_wake_at = at
            self.deadline_set.set()


def _without_mid(settlement: Settlement) -> Settlement | None:
    """A vendor may give the same id twice. That it took the message is recorded all the same: it would
    be sent again, and again."""
    if not isinstance(settlement.event, ReceiptCame) or not settlement.event.new_mid:
        return None
    event = msgspec.structs.replace(settlement.event, new_mid="")
    return msgspec.structs.replace(settlement, event=event)


def _take(queue: deque[_Waiting[T]], most: int) -> list[_Waiting[T]]:
    return [queue.popleft() for _ in range(min(most, len(queue)))]


def _answer(waiting: _Waiting[Any], result: object) -> None:
    if waiting.answer.done():
        return
    if isinstance(result, RelevoError):
        waiting.answer.set_exception(result)
    else:
        waiting.answer.set_result(result)


def _refuse(all_waiting: Sequence[_Waiting[Any]], fault: RelevoError) -> None:
    for waiting in all_waiting:
        _answer(waiting, fault)


def _kind(events: Sequence[_Waiting[Result]]) -> str:
    return type(events[0].item).__name__ if events else "outcome"


def _ending(result: Result | RelevoError) -> str:
    if isinstance(result, RelevoError):
        return result.code
    return "duplicate" if result.duplicate else "applied"


def _log_fault(event: AnyEvent, fault: Exception) -> None:
    log.error("event.failed", event_type=type(event).__name__, to=repr(event.to), exc_info=fault)
