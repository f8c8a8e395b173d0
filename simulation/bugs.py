"""Mistakes to make on purpose, to see that the simulation finds them: `python -m simulation --bugs`.

Each takes the place of something in the product while it is entered. Most have been made before, here or
in servers of this kind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Any
from unittest.mock import patch

import msgspec
from sqlalchemy import Select, func, select

from relevo.couriers.couriers import Couriers
from relevo.domain import deciding
from relevo.domain.deciding import answering, passing, speaking, walking
from relevo.domain.deliveries import Delivery
from relevo.domain.errors import Unavailable
from relevo.domain.events import CallAnswered
from relevo.domain.messages import MessageType
from relevo.engine import engine as engines
from relevo.engine.batches import Batch, Settled
from relevo.engine.engine import Engine
from relevo.store import deliveries, messages, nodes, tables
from relevo.store.statements import Query


def fencing_is_skipped() -> AbstractContextManager[Any]:
    """The outcome of a claim that was lost is taken for ours."""
    real = deliveries.settle

    async def settle(connection: Any, settlements: Any, locked: Iterable[Any], *, node: str) -> Any:
        believed = [row._replace(claimed_by=node) for row in locked]
        return await real(connection, settlements, believed, node=node)

    return patch.object(deliveries, "settle", settle)


def the_last_becomes_head() -> AbstractContextManager[Any]:
    """When a head is done, the youngest of the lane follows instead of the oldest."""
    rows, lanes, in_lane = deliveries._rows, deliveries._lanes, deliveries._in_lane
    last = select(func.max(rows.seq)).where(in_lane).correlate(lanes).scalar_subquery()
    query: Select[Any] = select(tables.deliveries).join_from(
        lanes, tables.deliveries, in_lane & (rows.seq == last)
    )
    return patch.object(deliveries, "_FIRST_WAITING", Query(query))


def busy_lanes_are_forgotten() -> AbstractContextManager[Any]:
    """A new delivery becomes a head beside the one that its lane has."""
    return patch.object(deliveries, "busy_lanes", lambda _: set())


def answers_come_before_the_commit() -> AbstractContextManager[Any]:
    """Whoever asked is answered when all is written, and not yet committed."""
    real = Engine._try

    async def try_(self: Any, events: Any, settlements: Any) -> Batch:
        self.early = events
        return await real(self, events, settlements)

    async def transact(self: Any, batch: Batch) -> None:
        async with self._database.write() as connection:
            await batch.run(connection)
            if not self._database.is_sqlite:
                await nodes.mark_commit(connection, batch.commit_id, self._clock.now())
            for waiting, result in zip(self.early, batch.results, strict=False):
                engines._answer(waiting, result)

    return _all(patch.object(Engine, "_try", try_), patch.object(Engine, "_transact", transact))


def an_outcome_is_dropped() -> AbstractContextManager[Any]:
    """What came of an attempt is forgotten when the database cannot take it at once."""

    async def once(_self: Any, work: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await work()
        except Unavailable:
            return Settled(ours=True)

    return patch.object(Couriers, "_until_stored", once)


def a_claim_is_kept() -> AbstractContextManager[Any]:
    """A claim that is not followed up is not freed when the database is away at that moment."""
    real = Couriers._release

    async def release(self: Any, ids: Collection[Any]) -> None:
        with suppress(Unavailable):
            await real(self, ids)

    return patch.object(Couriers, "_release", release)


def a_lost_answer_is_a_lost_commit() -> AbstractContextManager[Any]:
    """A commit whose answer was lost is thought not to have happened."""

    async def no(_self: Any, _batch: Batch) -> bool:
        return False

    return patch.object(Engine, "_was_committed", no)


def outcomes_bring_no_ids() -> AbstractContextManager[Any]:
    """A batch of outcomes alone has no ids for what they bring along."""
    real = Engine._prepare

    async def prepare(self: Any, events: int, per_event: int) -> None:
        if self.takes_events:
            await real(self, events, per_event)

    real_try = Engine._try

    async def try_(self: Any, events: Any, settlements: Any) -> Batch:
        self.takes_events = bool(events)
        return await real_try(self, events, settlements)

    return _all(patch.object(Engine, "_try", try_), patch.object(Engine, "_prepare", prepare))


def mids_are_not_looked_up() -> AbstractContextManager[Any]:
    """A message that a vendor sends again is taken for a new one."""

    async def none(_connection: Any, _mids: Any) -> Mapping[Any, Any]:
        return {}

    return patch.object(messages, "known_mids", none)


def timers_do_not_ask_who_has_control() -> AbstractContextManager[Any]:
    """A step of the flow that waited goes on though an agent has taken over."""

    def say(draft: Any, content: Any) -> None:
        speaking.speak(draft, MessageType.OUT, content)

    return _all(patch.object(passing, "may_go_on", lambda *_: True), patch.object(walking, "say", say))


def an_answer_is_taken_for_another_calls() -> AbstractContextManager[Any]:
    """Whatever call an answer is of, the run hears it that waits for one."""
    real = answering.call_answered

    def hear(draft: Any, event: CallAnswered) -> None:
        run = draft.state.run
        if run is not None and run.waiting.for_ == "call":
            event = msgspec.structs.replace(event, number=run.waiting.call)
        real(draft, event)

    return patch.object(deciding, "call_answered", hear)


def answers_do_not_ask_who_has_control() -> AbstractContextManager[Any]:
    """The answer to a call is heard though an agent has taken over, or the bot has begun something else."""

    def say(draft: Any, content: Any) -> None:
        speaking.speak(draft, MessageType.OUT, content)

    return _all(patch.object(answering, "may_go_on", lambda *_: True), patch.object(walking, "say", say))


def branches_do_not_ask_who_is_there() -> AbstractContextManager[Any]:
    """What a flow says because nobody has come is said though somebody has."""
    return patch.object(walking, "_somebody_is_there", lambda _: False)


def what_was_not_committed_is_carried() -> AbstractContextManager[Any]:
    """A delivery is carried at once although its batch was not committed."""
    real = Batch.release

    def release(self: Batch) -> None:
        reserved: list[Delivery] = list(self.reserved)
        real(self)
        for one in reserved:
            if self._carriers.reserve(one.destination):
                self._carriers.carry(one)

    return patch.object(Batch, "release", release)


def _all(*patches: AbstractContextManager[Any]) -> AbstractContextManager[Any]:
    stack = ExitStack()
    for one in patches:
        stack.enter_context(one)
    return stack


BUGS: Mapping[str, Callable[[], AbstractContextManager[Any]]] = {
    one.__name__: one
    for one in (
        fencing_is_skipped,
        the_last_becomes_head,
        busy_lanes_are_forgotten,
        answers_come_before_the_commit,
        an_outcome_is_dropped,
        a_claim_is_kept,
        a_lost_answer_is_a_lost_commit,
        outcomes_bring_no_ids,
        mids_are_not_looked_up,
        branches_do_not_ask_who_is_there,
        timers_do_not_ask_who_has_control,
        an_answer_is_taken_for_another_calls,
        answers_do_not_ask_who_has_control,
        what_was_not_committed_is_carried,
    )
}
