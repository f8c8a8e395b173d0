"""Whatever people and couriers do with a lane, and however they meet: it has one head, and goes on."""

from __future__ import annotations

import asyncio
import contextlib
import random  # noqa: TID251 – seeded
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relevo.domain.conversations import Conversation
from relevo.domain.deliveries import (
    Accepted,
    Attempt,
    Delivery,
    Destination,
    Done,
    Lane,
    Outcome,
    Park,
    Refused,
    RetryAt,
    Verdict,
)
from relevo.domain.ids import ChannelId, ConversationId, DeliveryId, FlowId, WorkspaceId
from relevo.domain.subscribers import Subscriber
from relevo.store import conversations, deliveries, interventions, nodes, tables
from relevo.store.database import AnyRow, Database, Transient
from relevo.store.deliveries import Settlement, lane_of
from relevo.store.interventions import Carried
from relevo.testing.chance import FakeChance
from relevo.testing.clock import FakeClock, let_others_run

WORKSPACE = WorkspaceId(1)
DESK = Destination("endpoint", 1)
NODES = ("node a", "node b")
TALKS = (1, 2)
MOST = 30
"""Deliveries in one story."""


class Lanes:
    """Lanes in a database, without anything above the store: each step is a transaction that some part of
    Relevo makes."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, FakeClock()
        self.chance = FakeChance(clock=self.clock)
        self.seqs: defaultdict[int, int] = defaultdict(int)
        self.carried: dict[str, dict[DeliveryId, Delivery]] = {node: {} for node in NODES}
        self.first_seen: defaultdict[int, list[int]] = defaultdict(list)
        self.put_back: set[int] = set()
        self.last_id = 0

    async def begin(self) -> None:
        async with self.database.write() as connection:
            for table in (tables.interventions, tables.attempts, tables.deliveries, tables.conversations):
                await connection.execute(table.delete())
            await connection.execute(tables.nodes.delete())
            talks = [self._conversation(number) for number in TALKS]
            await conversations.insert_new(connection, talks)
            for node in NODES:
                await nodes.register(connection, node, self.clock.now(), timedelta(days=9))

    def _conversation(self, number: int) -> Conversation:
        return Conversation(
            id=ConversationId(number),
            workspace_id=WORKSPACE,
            flow_id=FlowId(1001),
            channel_id=ChannelId(1),
            subscriber=Subscriber(user_id=str(number), created_at=self.clock.now()),
        )

    # What the engine does

    async def say(self, talk: int, node: str) -> None:
        """A batch with one new delivery, carried by the node's couriers if it is a head."""
        async with self.database.write() as connection:
            await conversations.load_and_lock(connection, [ConversationId(talk)], [])
            self.seqs[talk] += 1
            self.last_id += 1
            one = self._delivery(talk)
            await pass_by()
            busy = deliveries.busy_lanes(await deliveries.lock_heads(connection, [], [ConversationId(talk)]))
            await pass_by()
            head = None if one.lane in busy else one
            row = one if head is None else _due(one, self.clock)
            await deliveries.insert_new(connection, [row], [one.id] if head else [], node)
        if head is not None:
            self.carried[node][one.id] = one

    def _delivery(self, talk: int) -> Delivery:
        return Delivery(
            id=DeliveryId(self.last_id),
            workspace_id=WORKSPACE,
            conversation_id=ConversationId(talk),
            destination=DESK,
            event_type="message.received",
            webhook_id=f"msg_{self.last_id}",
            seq=self.seqs[talk],
            epoch=1,
            body=b"{}",
            created_at=self.clock.now(),
        )

    async def attempt(self, node: str, verdict: Verdict) -> None:
        """The node's courier makes an attempt at one of its heads, and settles it."""
        mine = self.carried[node]
        if not mine:
            return
        one = mine.pop(next(iter(mine)))
        self.first_seen[one.conversation_id].append(one.seq)
        await pass_by()
        made = self._attempt(one, verdict)
        async with self.database.write() as connection:
            settlement = Settlement(delivery=one, attempt=made)
            locked = await deliveries.lock_heads(connection, [one.id], [])
            _, heads = await deliveries.settle(connection, [settlement], locked, node=node)
            await pass_by()
        for head in heads.values():
            mine[head.id] = head

    def _attempt(self, one: Delivery, verdict: Verdict) -> Attempt:
        outcome: Outcome = Accepted(200) if isinstance(verdict, Done) else Refused(500)
        if isinstance(verdict, RetryAt):
            verdict = RetryAt(self.clock.now() + timedelta(seconds=5))
        return Attempt(
            delivery_id=one.id,
            number=one.attempts_made + 1,
            started_at=self.clock.now(),
            took=timedelta(milliseconds=3),
            outcome=outcome,
            verdict=verdict,
        )

    async def claim(self, node: str) -> None:
        self.clock.advance(timedelta(seconds=6))
        async with self.database.write() as connection:
            found = await deliveries.claim_due(connection, DESK, node=node, now=self.clock.now(), limit=5)
            await pass_by()
        self.carried[node] |= {one.id: one for one in found}

    async def let_go(self, node: str) -> None:
        mine = self.carried[node]
        async with self.database.write() as connection:
            await deliveries.release(connection, [*mine], node)
        mine.clear()

    # What people do

    async def redeliver(self, which: int) -> None:
        self.put_back.add(which)
        async with self.database.write() as connection:
            await interventions.redeliver(connection, DeliveryId(which), self.clock.now())
            await pass_by()

    async def replay(self, talk: int) -> None:
        """A whole conversation from its beginning."""
        async with self.database.write() as connection:
            rows = await interventions.put_back(
                connection, [ConversationId(talk)], [], now=self.clock.now(), limit=MOST
            )
            self.put_back |= {row.id for row in rows}
            await pass_by()

    async def skip(self, which: int) -> None:
        if which > self.last_id or not await self._exists(which):
            return
        async with self.database.write() as connection:
            with contextlib.suppress(Carried):
                await interventions.skip(connection, DeliveryId(which), reason="x", now=self.clock.now())
            await pass_by()

    async def _exists(self, which: int) -> bool:
        async with self.database.read() as connection:
            return await deliveries.find(connection, DeliveryId(which)) is not None

    # What must be true

    async def check(self) -> None:
        """One head in each lane that is not empty; nothing but heads is due or claimed; and before the head
        waits nothing but what somebody put back while the head was carried."""
        for lane in (await self.waiting()).values():
            heads = [row for row in lane if row.due_at is not None]
            assert len(heads) == 1, [(row.seq, row.due_at, row.claimed_by) for row in lane]
            assert all(row.claimed_by is None for row in lane if row.due_at is None)
            assert {row.id for row in lane if row.seq < heads[0].seq} <= self.put_back

    async def waiting(self) -> dict[Lane, list[AnyRow]]:
        rows = tables.deliveries.c
        query = tables.deliveries.select().where(rows.state == "waiting").order_by(rows.seq)
        lanes: defaultdict[Lane, list[AnyRow]] = defaultdict(list)
        async with self.database.read() as connection:
            for row in (await connection.execute(query)).all():
                lanes[lane_of(row)].append(row)
        return lanes

    async def drain(self) -> None:
        """Everything that waits is delivered, by whomever."""
        for _ in range(3 * MOST):
            for node in NODES:
                await self.claim(node)
                while self.carried[node]:
                    await self.attempt(node, Done())
            if not await self.waiting():
                return
        raise AssertionError("something waits for ever")


def _due(one: Delivery, clock: FakeClock) -> Delivery:
    return msgspec.structs.replace(one, due_at=clock.now())


async def pass_by() -> None:
    """Nothing, unless the test lets others go first."""
    if _chance is not None:
        await let_others_run(_chance.randint(0, 3))


_chance: random.Random | None = None

verdicts = st.sampled_from([Done(), Done(), RetryAt(FakeClock().now()), Park("schedule_exhausted")])
numbers = st.integers(1, 12)
steps = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(TALKS), st.sampled_from(NODES)),
    st.tuples(st.just("say"), st.just(1), st.sampled_from(NODES)),
    st.tuples(st.just("attempt"), st.sampled_from(NODES), verdicts),
    st.tuples(st.just("claim"), st.sampled_from(NODES)),
    st.tuples(st.just("let_go"), st.sampled_from(NODES)),
    st.tuples(st.just("redeliver"), numbers),
    st.tuples(st.just("replay"), st.sampled_from(TALKS)),
    st.tuples(st.just("skip"), numbers),
)
stories = st.lists(steps, min_size=3, max_size=MOST)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories)
def test_after_every_step_each_lane_has_one_head_and_in_the_end_nothing_waits(
    swept_database_url: str, story: list[tuple[Any, ...]]
) -> None:
    async def tell() -> None:
        database = Database(swept_database_url)
        lanes = Lanes(database)
        await lanes.begin()
        try:
            for what, *how in story:
                await getattr(lanes, what)(*how)
                await lanes.check()
            await lanes.drain()
        finally:
            await database.close()

    asyncio.run(tell())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories)
def test_those_that_were_never_delivered_arrive_first_by_seq(
    swept_database_url: str, story: list[tuple[Any, ...]]
) -> None:
    """Nobody parks or skips here: then nothing overtakes, whatever is redelivered in between."""

    async def tell() -> Lanes:
        database = Database(swept_database_url)
        lanes = Lanes(database)
        await lanes.begin()
        try:
            for what, *how in story:
                if what != "skip":
                    calm = [Done() if isinstance(one, Park) else one for one in how]
                    await getattr(lanes, what)(*calm)
            await lanes.drain()
        finally:
            await database.close()
        return lanes

    lanes = asyncio.run(tell())
    for talk, seen in lanes.first_seen.items():
        assert list(dict.fromkeys(seen)) == list(range(1, lanes.seqs[talk] + 1))


@pytest.mark.parametrize("seed", range(12))
async def test_whoever_meets_in_a_lane_it_keeps_one_head(database: Database, seed: int) -> None:
    """Engines, couriers and people at once: on PostgreSQL their transactions overlap."""
    global _chance
    lanes, _chance = Lanes(database), random.Random(seed)
    await lanes.begin()
    try:
        async with asyncio.TaskGroup() as everybody:
            for node in NODES:
                everybody.create_task(_engine(lanes, node, random.Random(f"{seed} {node}")))
            everybody.create_task(_people(lanes, random.Random(f"{seed} people")))
            everybody.create_task(_people(lanes, random.Random(f"{seed} more people")))
    finally:
        _chance = None
    await lanes.check()
    await lanes.drain()


async def _engine(lanes: Lanes, node: str, chance: random.Random) -> None:
    for _ in range(40):
        what = chance.choice(["say", "say", "attempt", "attempt", "attempt", "claim", "let_go"])
        match what:
            case "say":
                await _again(lanes.say, chance.choice(TALKS), node)
            case "attempt":
                verdict = chance.choice([Done(), Done(), RetryAt(lanes.clock.now()), Park("x")])
                await _again(lanes.attempt, node, verdict)
            case _:
                await _again(getattr(lanes, what), node)
        await pass_by()
        await lanes.check()


async def _people(lanes: Lanes, chance: random.Random) -> None:
    for _ in range(40):
        which = chance.randint(1, max(lanes.last_id, 1))
        match chance.choice(["redeliver", "replay", "skip"]):
            case "redeliver":
                await _again(lanes.redeliver, which)
            case "replay":
                await _again(lanes.replay, chance.choice(TALKS))
            case _:
                await _again(lanes.skip, which)
        await pass_by()


async def _again(work: Callable[..., Awaitable[None]], *how: Any) -> None:
    """PostgreSQL may break one of two that wait for each other off; both databases may be busy."""
    for _ in range(5):
        try:
            return await work(*how)
        except Transient:
            continue
    raise AssertionError(f"{work.__name__} never came through")
