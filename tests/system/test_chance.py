"""Real chance and fake chance keep the same promises; fake chance repeats itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from relevo.system.chance import Chance, ObjectIds, SystemChance
from relevo.testing.chance import FakeChance
from relevo.testing.clock import NOON, FakeClock

NOON_IN_HEX = f"{int(NOON.timestamp() * 1000):012x}"

MAKERS: dict[str, Callable[[FakeClock], Chance]] = {
    "system": SystemChance,
    "fake": lambda clock: FakeChance(1, clock=clock),
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[[FakeClock], Chance]:
    return MAKERS[str(request.param)]


def test_jitter_stays_within_a_fifth_and_varies(make: Callable[[FakeClock], Chance]) -> None:
    chance = make(FakeClock())
    factors = [chance.jitter() for _ in range(1000)]

    assert all(0.8 <= factor <= 1.2 for factor in factors)
    assert min(factors) < 0.85
    assert max(factors) > 1.15


@pytest.mark.parametrize(("nbytes", "length"), [(16, 22), (32, 43)])
def test_a_token_is_url_safe_and_never_comes_twice(
    make: Callable[[FakeClock], Chance], nbytes: int, length: int
) -> None:
    chance = make(FakeClock())
    tokens = {chance.token(nbytes) for _ in range(1000)}

    assert len(tokens) == 1000
    assert all(re.fullmatch(rf"[\w-]{{{length}}}", token) for token in tokens)


def test_an_object_id_is_24_hex_digits_and_begins_with_the_time(make: Callable[[FakeClock], Chance]) -> None:
    object_id = make(FakeClock()).object_id()

    assert re.fullmatch("[0-9a-f]{24}", object_id)
    assert object_id.startswith(NOON_IN_HEX)


def test_a_webhook_id_is_an_object_id_with_a_prefix(make: Callable[[FakeClock], Chance]) -> None:
    assert re.fullmatch("msg_[0-9a-f]{24}", make(FakeClock()).webhook_id())


def test_later_object_ids_sort_after_earlier_ones(make: Callable[[FakeClock], Chance]) -> None:
    clock = FakeClock()
    chance = make(clock)
    ids = []
    for _ in range(100):
        ids += [chance.object_id() for _ in range(10)]
        clock.advance(timedelta(milliseconds=1))

    assert ids == sorted(set(ids))
    assert len(ids) == 1000


def test_object_ids_grow_even_when_the_clock_is_set_back(make: Callable[[FakeClock], Chance]) -> None:
    clock = FakeClock()
    chance = make(clock)
    before = chance.object_id()
    clock.advance(timedelta(days=-1))

    assert chance.object_id() > before


def test_object_ids_grow_across_the_end_of_the_lower_bytes() -> None:
    ids = ObjectIds(FakeClock(), start=0xFFFF)

    assert ids.next() == f"{NOON_IN_HEX}000000010000"


def test_two_processes_started_in_the_same_instant_draw_different_ids() -> None:
    clock = FakeClock()
    one, other = SystemChance(clock), SystemChance(clock)

    assert {one.object_id() for _ in range(100)}.isdisjoint(other.object_id() for _ in range(100))


def test_fake_chance_repeats_itself_for_the_same_seed_only() -> None:
    assert drawn(FakeChance(7)) == drawn(FakeChance(7))
    assert drawn(FakeChance(7)) != drawn(FakeChance(8))


def drawn(chance: Chance) -> list[object]:
    return [chance.jitter(), chance.token(), chance.object_id(), chance.webhook_id()]
