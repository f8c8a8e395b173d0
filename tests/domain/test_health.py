"""Judging an endpoint by what its attempts come to."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain import health
from relevo.domain.deliveries import Accepted, Forbidden, Outcome, Refused, Rejected, Unreachable
from relevo.domain.health import WELL, Closed, Health, Open, Recovering, State
from relevo.domain.ids import ConversationId

OK, ILL = Accepted(200), Refused(500)
MOST = 200


def after(
    one: Health, outcome: Outcome, lane: int = 1, *, now: float = 0.0, begun_in: int | None = None
) -> Health:
    return health.after(
        one,
        outcome,
        ConversationId(lane),
        begun_in=one.changes if begun_in is None else begun_in,
        now=now,
        most=MOST,
        jitter=1.0,
    )


def opened(*, now: float = 0.0, outcome: Outcome = ILL) -> Health:
    one = WELL
    for lane in range(health.LANES_TO_OPEN):
        one = after(one, outcome, lane, now=now)
    return one


def probed(one: Health, outcome: Outcome, *, now: float) -> Health:
    return after(health.begun(one), outcome, now=now)


def test_several_lanes_that_fail_in_a_row_open_the_circuit() -> None:
    one = opened(now=10.0)

    assert one.state is State.OPEN
    assert not health.may_attempt(one, 10.4)
    assert health.may_attempt(one, 10.5)


@given(st.lists(st.just(ILL), max_size=200))
def test_one_poisoned_conversation_never_opens_it(failures: list[Outcome]) -> None:
    one = WELL
    for outcome in failures:
        one = after(one, outcome, lane=7)

    assert isinstance(one.circuit, Closed)
    assert one.state is State.HEALTHY


@given(st.lists(st.integers(1, health.LANES_TO_OPEN - 1), max_size=30))
def test_a_success_between_them_keeps_it_closed(rows: list[int]) -> None:
    one = WELL
    for failures in rows:
        for lane in range(failures):
            one = after(one, ILL, lane)
        one = after(one, OK, 99)

    assert isinstance(one.circuit, Closed)


def test_one_in_ten_that_fails_is_failing_and_twenty_successes_are_well() -> None:
    one = WELL
    for number in range(41):
        one = after(one, ILL if number % 10 == 0 else OK, number)
    assert one.state is State.FAILING
    assert isinstance(one.circuit, Closed)

    for _ in range(19):
        one = after(one, OK)
    assert one.state is State.FAILING
    assert after(one, OK).state is State.HEALTHY


@pytest.mark.parametrize("outcome", [Unreachable("fault"), Rejected("endpoint_removed")], ids=repr)
def test_what_was_not_asked_says_nothing(outcome: Outcome) -> None:
    assert opened(outcome=outcome) is WELL


@pytest.mark.parametrize("outcome", [Unreachable("connect"), Forbidden("10.0.0.1", "private")], ids=repr)
def test_whoever_cannot_be_reached_is_not_there(outcome: Outcome) -> None:
    assert opened(outcome=outcome).state is State.OPEN


def test_only_one_probe_is_made_at_a_time() -> None:
    one = health.begun(opened())

    assert not health.may_attempt(one, 1000.0)
    assert health.may_attempt(probed(one, ILL, now=1.0), 1.5)


@pytest.mark.parametrize(("outage", "wait"), [(1, 0.5), (60, 1.0), (180, 3.0), (300, 5.0), (86_400, 5.0)])
def test_probes_are_quick_at_first_and_never_far_apart(outage: float, wait: float) -> None:
    one = probed(opened(), ILL, now=outage)

    assert isinstance(one.circuit, Open)
    assert one.circuit.probe_at == outage + wait


def test_a_probe_that_told_nothing_is_over_as_well() -> None:
    one = probed(opened(), Rejected("channel_removed"), now=1.0)

    assert health.may_attempt(one, 2.0)


@pytest.mark.parametrize(("asked", "wait"), [(20, 20.0), (86_400, health.LONGEST_ASKED_WAIT)])
def test_retry_after_puts_a_probe_off_but_not_for_long(asked: int, wait: float) -> None:
    busy = Refused(503, retry_after=timedelta(seconds=asked))

    for one, now in ((opened(outcome=busy), 0.0), (probed(opened(), busy, now=1.0), 1.0)):
        assert isinstance(one.circuit, Open)
        assert one.circuit.probe_at == now + wait


def test_it_is_let_go_smoothly() -> None:
    one = probed(opened(), OK, now=1.0)
    assert health.allowed(one, MOST) == health.FIRST_ALLOWED
    assert one.state is State.FAILING

    ramp = []
    while isinstance(one.circuit, Recovering):
        ramp.append(health.allowed(one, MOST))
        one = after(one, OK)

    assert ramp == list(range(health.FIRST_ALLOWED, MOST))
    assert health.allowed(one, MOST) == MOST
    assert one.state is State.HEALTHY


def test_what_was_begun_before_the_probe_does_not_close_the_way_again() -> None:
    one = probed(opened(), OK, now=1.0)
    for lane in range(50):
        one = after(one, Unreachable("timeout"), lane, begun_in=0)

    assert isinstance(one.circuit, Recovering)


def test_what_was_begun_before_it_opened_is_not_taken_for_the_probe() -> None:
    one = health.begun(opened())

    assert after(one, ILL, begun_in=0) is one


def test_a_late_success_shows_that_somebody_is_there() -> None:
    assert isinstance(after(opened(), OK, begun_in=0).circuit, Recovering)


def test_whoever_falls_again_while_let_go_is_left_alone_again() -> None:
    one = probed(opened(), OK, now=1.0)
    for lane in range(health.LANES_TO_OPEN):
        one = after(one, ILL, lane, now=2.0)

    assert one.state is State.OPEN
    assert not health.may_attempt(one, 2.4)


outcomes = st.sampled_from([OK, ILL, Unreachable("timeout"), Unreachable("fault"), Rejected("x")])
steps = st.tuples(outcomes, st.integers(0, 8), st.integers(0, 3), st.floats(0, 20))


@given(st.lists(steps, max_size=120))
def test_whatever_happens_it_can_be_attempted_again_soon(
    story: list[tuple[Outcome, int, int, float]],
) -> None:
    """No row of outcomes, in whatever order they come back, locks an endpoint away."""
    one, now = WELL, 0.0
    for outcome, lane, late_by, passed in story:
        now += passed
        begun_in = one.changes
        if health.may_attempt(one, now):
            one = health.begun(one)
        one = after(one, outcome, lane, now=now, begun_in=max(begun_in - late_by, 0))

    if isinstance(one.circuit, Open) and one.circuit.is_probing:
        one = after(one, ILL, now=now)
    assert health.may_attempt(one, now + health.PROBE_LATEST)
    assert 1 <= health.allowed(one, MOST) <= MOST


@given(st.lists(steps, max_size=60), st.integers(1, 5))
def test_a_limit_is_kept_in_every_state(story: list[tuple[Outcome, int, int, float]], limit: int) -> None:
    one = WELL
    for outcome, lane, _, passed in story:
        one = health.after(
            health.begun(one),
            outcome,
            ConversationId(lane),
            begun_in=one.changes,
            now=passed,
            most=limit,
            jitter=1.0,
        )
        assert health.allowed(one, limit) <= limit


def test_a_success_on_a_healthy_endpoint_costs_nothing() -> None:
    assert after(WELL, OK) is WELL


def test_health_is_a_value() -> None:
    with pytest.raises(AttributeError):
        opened().changes = 7  # type: ignore[misc]
    assert msgspec.structs.replace(WELL) == WELL
