"""What a dead endpoint costs: itself little, its lanes nothing, and the others nothing at all."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.couriers import gates
from relevo.couriers.gates import Gate, Limits
from relevo.domain import health
from relevo.domain.deliveries import Accepted, Destination, Refused, Unreachable
from relevo.domain.health import Recovering, State
from relevo.domain.ids import ConversationId
from relevo.store import deliveries, directory, tables
from relevo.store.database import Database
from relevo.testing.chance import FakeChance
from relevo.testing.clock import FakeClock, let_others_run
from relevo.testing.fake_http import Asked, Reply, reply
from tests.couriers.carrying import Carrying, carrying, endpoint_of
from tests.couriers.test_couriers import content

SOON = timedelta(milliseconds=700)


class Platform:
    """Is there or not."""

    def __init__(self, *, is_there: bool = False) -> None:
        self.is_there = is_there
        self.taken: defaultdict[str, list[str]] = defaultdict(list)
        self.asked: Counter[str] = Counter()

    def __call__(self, asked: Asked) -> Reply:
        who = msgspec.json.decode(asked.body)["meta"]["user_ns"]
        self.asked[who] += 1
        if not self.is_there:
            return Unreachable("connect")
        self.taken[who].append(content(asked))
        return reply()


async def say_to_agents(here: Carrying, users: int, *texts: str) -> None:
    for user in range(users):
        await here.world.says("agent", user_id=f"u{user}")
    for text in texts:
        await asyncio.gather(*(here.world.says(text, user_id=f"u{user}") for user in range(users)))
        await here.settle_down()


def gate_of(here: Carrying) -> Gate:
    return here.couriers._gates[endpoint_of(here.world)]


async def test_a_dead_endpoint_is_left_alone_but_for_one_probe_at_a_time(database: Database) -> None:
    platform = Platform()
    async with carrying(database, platform) as here:
        await say_to_agents(here, 20, "one")
        assert gate_of(here).health.state is State.OPEN
        before = len(here.http.requests)

        for _ in range(10):
            await here.later(SOON)

        assert len(here.http.requests) == before + 10


async def test_its_lanes_lose_no_retries_and_their_order_while_it_is_dead(database: Database) -> None:
    platform = Platform()
    async with carrying(database, platform) as here:
        await say_to_agents(here, 12, "one", "two", "three")
        for _ in range(60):
            await here.later(timedelta(minutes=1))
        rows = await here.rows()
        assert {row.state for row in rows} == {"waiting"}
        assert max(row.attempts_made - row.attempts_before for row in rows) == 1
        made = [row.attempts_made for row in rows if row.due_at]
        assert max(made) - min(made) <= 2  # probes go round the lanes

        platform.is_there = True
        await here.later(timedelta(seconds=7))

        assert [row.state for row in await here.rows()] == ["done"] * 36
        assert all(texts == ["one", "two", "three"] for texts in platform.taken.values())


async def test_what_it_was_told_too_late_it_is_told_at_once_when_it_is_back(database: Database) -> None:
    """Even lanes whose own retry is due in hours: they failed because nobody was there."""
    platform = Platform()
    async with carrying(database, platform) as here:
        await say_to_agents(here, 4, "one")  # too few to say that it is dead
        for _ in range(4):
            await here.later(timedelta(minutes=11))
        assert min(row.due_at for row in await here.rows()) > here.world.clock.now() + timedelta(minutes=5)
        await say_to_agents(here, 5, "two")
        await here.world.says("agent", user_id="new")
        await here.world.says("two", user_id="new")
        await here.settle_down()
        assert gate_of(here).health.state is State.OPEN

        platform.is_there = True
        await here.later(SOON)

        assert {row.state for row in await here.rows()} == {"done"}


async def test_one_poisoned_conversation_delays_nobody(database: Database) -> None:
    def answer(asked: Asked) -> Reply:
        return reply(500 if content(asked) == "poison" else 200)

    async with carrying(database, answer) as here:
        await say_to_agents(here, 30, "fine")
        await here.world.says("poison", user_id="u0")
        for _ in range(6):
            await here.later(timedelta(minutes=1))
            await here.world.says("more", user_id="u1")
            await here.settle_down()

        assert gate_of(here).health.state is State.HEALTHY
        assert [row.state for row in await here.rows()].count("waiting") == 1


async def test_poison_alone_keeps_a_newcomer_waiting_for_two_probes_at_most(database: Database) -> None:
    """Where nothing but poison came for long, the circuit is open. Whoever comes then is a probe soon."""

    def answer(asked: Asked) -> Reply:
        return reply(500 if content(asked) == "poison" else 200)

    async with carrying(database, answer) as here:
        await say_to_agents(here, 8, "poison")
        for _ in range(100):
            await here.later(timedelta(seconds=6))
        here.world.clock.advance(timedelta(milliseconds=1))  # after the last probe
        await here.world.says("agent", user_id="new")
        await here.world.says("fine", user_id="new")

        for _ in range(2):
            await here.later(timedelta(seconds=6))

        assert "fine" in [content(asked) for asked in here.posted()]


async def test_a_dead_endpoint_keeps_no_other_waiting(database: Database) -> None:
    """Thousands may wait for the dead one: to those of others, the way does not lead past them."""

    def answer(asked: Asked) -> Reply:
        return Unreachable("connect") if "desk" in asked.url else reply()

    async with carrying(database, answer) as here:
        await say_to_agents(here, 20, "one")
        async with here.world.database.write() as connection:
            other = endpoint_of(here.world).id + 1
            news = {"destination_id": other}
            heads = tables.deliveries.update().where(tables.deliveries.c.due_at.is_not(None))
            await connection.execute(heads.where(tables.deliveries.c.attempts_made == 0).values(news))

        await here.settle_down()

        assert {row.reason for row in await here.rows() if row.destination_id == other} == {
            "endpoint_removed"
        }


async def test_a_dead_endpoint_that_is_disabled_parks_what_waits(database: Database) -> None:
    async with carrying(database, Platform()) as here:
        await say_to_agents(here, 20, "one")
        async with here.world.database.write() as connection:
            await directory.disable_endpoint(connection, here.world.company.endpoint.id, "by Olga")
        await here.world.catalog.refresh(at_once=True)

        for _ in range(8):
            await here.later(timedelta(seconds=7))

        assert {row.state for row in await here.rows()} == {"parked"}


async def test_410_to_a_probe_disables_the_endpoint(database: Database) -> None:
    answers = [Unreachable("connect")] * 5

    def answer(_: Asked) -> Reply:
        return answers.pop() if answers else reply(410)

    async with carrying(database, answer) as here:
        await say_to_agents(here, 5, "one")
        await here.later(SOON)

        assert here.world.catalog.directory.endpoints[here.world.company.endpoint.id].disabled_reason
        assert [row.state for row in await here.rows()].count("given_up") == 1


async def test_of_a_probe_that_was_made_for_days_the_latest_attempts_are_shown(database: Database) -> None:
    async with carrying(database, Platform()) as here:
        await say_to_agents(here, 5, "one")
        for _ in range(20):
            await here.later(SOON)
        row = max(await here.rows(), key=lambda row: row.attempts_made)

        async with database.read() as connection:
            shown = await deliveries.attempts_of(connection, row.id, 2)

        assert [one.number for one in shown] == [row.attempts_made - 1, row.attempts_made]


async def test_a_claimed_lane_that_may_not_go_on_is_free_for_others(database: Database) -> None:
    async with carrying(database, Platform()) as here:
        await say_to_agents(here, 20, "one")
        async with here.world.database.read() as connection:
            found = await connection.execute(tables.deliveries.select())
        assert {row.claimed_by for row in found.all() if row.state == "waiting"} == {None}


async def test_who_looks_for_lanes_looks_again_within_a_second(database: Database) -> None:
    """And at the very moment at which a probe may be made."""
    async with carrying(database, Platform()) as here:
        assert await here.couriers._until_next_due() == 1.0
        await say_to_agents(here, 20, "one")
        gate = gate_of(here)
        wait = gate.next_probe_at - here.world.clock.monotonic()
        assert await here.couriers._until_next_due() == pytest.approx(wait)

        here.world.clock.advance(SOON)
        assert await gate.enter() is not None  # the probe is on its way
        assert await here.couriers._until_next_due() <= 1.0


async def test_due_destinations_are_found_one_by_one(database: Database) -> None:
    async with carrying(database, Platform()) as here:
        here.couriers._stopping = True
        await say_to_agents(here, 3, "one")
        now = here.world.clock.now()
        async with here.world.database.write() as connection:
            for user, kind, id_ in ((1, "channel", 4), (2, "endpoint", 99), (3, "media", 0)):
                row = tables.deliveries.update().where(tables.deliveries.c.conversation_id == user)
                news = {"destination_kind": kind, "destination_id": id_}
                await connection.execute(row.values(news))
            found = await deliveries.due_destinations(connection, now=now)
            before = await deliveries.due_destinations(connection, now=now - timedelta(seconds=1))
            await connection.execute(tables.deliveries.update().values(claimed_by=here.couriers.node))
            claimed = await deliveries.due_destinations(connection, now=now)
        here.couriers._stopping = False

        assert len({row.conversation_id for row in await here.rows("media")}) == 1
        assert sorted(found) == [
            Destination("channel", 4),
            Destination("endpoint", 99),
            Destination("media", 0),
        ]
        assert before == claimed == []


# The gate alone


def make_gate(**limits: Any) -> tuple[Gate, FakeClock, list[str]]:
    clock, looks = FakeClock(), []
    chance = FakeChance(clock=clock)
    gate = Gate(Limits(**{"is_judged": True, **limits}), clock, chance, lambda: looks.append("look"))
    return gate, clock, looks


async def fail(gate: Gate, lanes: int) -> None:
    for lane in range(lanes):
        begun_in = await gate.enter()
        assert begun_in is not None
        gate.note(Refused(500), ConversationId(lane), begun_in)
        gate.leave(begun_in)


async def test_no_more_attempts_are_let_through_at_a_time_than_the_limit() -> None:
    gate, _, _ = make_gate(in_flight=2)
    entering = [asyncio.create_task(gate.enter()) for _ in range(5)]
    await let_others_run()
    assert [task.done() for task in entering] == [True, True, False, False, False]

    gate.leave(0)
    await let_others_run()

    assert [task.done() for task in entering] == [True, True, True, False, False]
    gate.close()
    assert await asyncio.gather(*entering) == [0, 0, 0, None, None]


async def test_a_turn_that_was_granted_to_somebody_who_is_gone_is_passed_on() -> None:
    gate, _, _ = make_gate(in_flight=1)
    await gate.enter()
    gone, other = (asyncio.create_task(gate.enter()) for _ in range(2))
    await let_others_run()
    gate.leave(0)
    gone.cancel()

    await let_others_run()

    assert other.done()


async def test_no_more_are_begun_in_a_second_than_the_limit() -> None:
    gate, clock, _ = make_gate(a_second=4)
    begun: list[float] = []

    async def attempt() -> None:
        begun_in = await gate.enter()
        assert begun_in is not None
        begun.append(clock.monotonic())
        gate.leave(begun_in)

    attempts = [asyncio.create_task(attempt()) for _ in range(9)]
    await clock.run(timedelta(seconds=2))
    await asyncio.gather(*attempts)

    assert begun == [number / 4 for number in range(9)]


async def test_whoever_waits_is_turned_away_when_the_circuit_opens() -> None:
    gate, _, _ = make_gate(in_flight=5)
    begun = [await gate.enter() for _ in range(5)]
    waiting = [asyncio.create_task(gate.enter()) for _ in range(3)]
    await let_others_run()
    for lane, begun_in in enumerate(begun):
        assert begun_in is not None
        gate.note(Refused(500), ConversationId(lane), begun_in)

    assert await asyncio.gather(*waiting) == [None] * 3
    assert not gate.reserve()


async def test_a_probe_is_one_lane_and_one_attempt() -> None:
    gate, clock, _ = make_gate()
    await fail(gate, health.LANES_TO_OPEN)
    assert await gate.enter() is None
    clock.advance(SOON)

    assert [gate.reserve(), gate.reserve()] == [True, False]
    assert await gate.enter() is not None
    assert await gate.enter() is None


async def test_attempts_that_hang_since_before_do_not_hold_the_ramp_up() -> None:
    gate, clock, _ = make_gate(in_flight=50)
    hanging = [await gate.enter() for _ in range(40)]
    await fail(gate, health.LANES_TO_OPEN)
    clock.advance(SOON)
    probe = await gate.enter()
    assert probe is not None
    gate.note(Accepted(200), ConversationId(1), probe)
    gate.leave(probe)

    let_in = [await asyncio.wait_for(gate.enter(), 1) for _ in range(health.FIRST_ALLOWED)]
    third = asyncio.create_task(gate.enter())
    await let_others_run()

    assert None not in let_in
    assert not third.done()
    for begun_in in hanging:
        assert begun_in is not None
        gate.leave(begun_in)
    await let_others_run()
    assert not third.done()
    gate.close()


async def test_attempts_that_hang_since_before_count_for_the_limit_of_the_endpoint() -> None:
    gate, clock, _ = make_gate(in_flight=6)
    hanging = await gate.enter()
    await fail(gate, health.LANES_TO_OPEN)
    clock.advance(SOON)
    for _ in range(6):
        begun_in = await gate.enter()
        assert begun_in is not None
        gate.note(Accepted(200), ConversationId(1), begun_in)
        gate.leave(begun_in)
    assert gate.health.state is State.HEALTHY

    entering = [asyncio.create_task(gate.enter()) for _ in range(6)]
    await let_others_run()

    assert [task.done() for task in entering] == [True] * 5 + [False]
    assert hanging is not None
    gate.leave(hanging)
    await let_others_run()
    assert entering[5].done()


async def test_places_grow_with_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "PLACES", 16)
    gate, clock, looks = make_gate()
    await fail(gate, health.LANES_TO_OPEN)
    clock.advance(SOON)
    begun_in = await gate.enter()
    rooms: list[int] = []
    while not rooms or isinstance(gate.health.circuit, Recovering):
        assert begun_in is not None
        gate.note(Accepted(200), ConversationId(1), begun_in)
        rooms.append(gate.room)
        gate.note_more()

    assert rooms[:4] == [8, 12, 16, 16]
    assert looks


async def test_a_process_without_a_share_carries_nothing() -> None:
    gate, _, looks = make_gate(in_flight=1)
    await gate.enter()
    waiting = asyncio.create_task(gate.enter())
    await let_others_run()

    gate.limit(Limits(in_flight=0))

    assert await waiting is None
    assert not gate.reserve()
    gate.limit(Limits(in_flight=1))
    assert gate.reserve()
    assert looks == ["look"]
