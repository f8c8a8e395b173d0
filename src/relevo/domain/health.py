"""Whether an endpoint is well, judged by what its attempts come to, and how much may be asked of it.

Each process judges for itself. It counts *lanes*: one conversation that fails again and again says
something about that conversation, and only several that fail, with no success between them, say that
nobody is there. Instants are seconds of a clock that only goes forward.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import assert_never

import msgspec

from relevo.domain.deliveries import Accepted, Forbidden, Outcome, Refused, Rejected, Unreachable
from relevo.domain.ids import ConversationId

LANES_TO_OPEN = 5
"""So many lanes failed, and nothing succeeded meanwhile: nobody is there."""

PROBE_SOONEST, PROBE_LATEST = 0.5, 5.0
"""Seconds between probes, at least and at most."""
PROBES_AN_OUTAGE = 60
"""A probe waits for this part of the outage so far: what is late by a sixtieth is late by little."""
LONGEST_ASKED_WAIT = 60.0
"""Seconds. A `Retry-After` may put a probe off, but not for longer."""

FIRST_ALLOWED = 2
"""Attempts at a time when a probe has succeeded; each success allows one more."""

RECENT = 50
"""Attempts that are looked at to say *failing*."""
MANY_FAILED = 5
"""Of the recent ones: one in ten."""
LANES_TO_FAIL = 2
WELL_AGAIN_AFTER = 20
"""Successes in a row."""

_RECENT_BITS = (1 << RECENT) - 1
_WELL_AGAIN_BITS = (1 << WELL_AGAIN_AFTER) - 1


class State(StrEnum):
    """What people are shown of an endpoint."""

    HEALTHY = "healthy"
    FAILING = "failing"  # attempts fail more often than they should, or it is just being let go again
    OPEN = "open"  # nothing is attempted but probes
    DISABLED = "disabled"  # nothing is posted until a person enables it


class Closed(msgspec.Struct, frozen=True):
    """Attempts are made."""


class Open(msgspec.Struct, frozen=True):
    """None are made, but one at a time to see whether somebody is there again."""

    probe_at: float
    probes: int = 0
    is_probing: bool = False


class Recovering(msgspec.Struct, frozen=True):
    """A probe has succeeded: `allowed` attempts are made at a time, more with each that succeeds."""

    allowed: int


Circuit = Closed | Open | Recovering

_CLOSED = Closed()
_NONE: frozenset[ConversationId] = frozenset()


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What one process knows of an endpoint."""

    circuit: Circuit = _CLOSED
    changed_at: float = 0.0
    """When the circuit was opened, or let go again."""
    changes: int = 0
    """How often it was. An attempt that was begun before the latest says nothing against it now."""
    in_a_row: frozenset[ConversationId] = _NONE
    """Whose attempts have failed since the last success."""
    recent: int = 0
    """The latest attempts as bits, the last one lowest; 1 is a failure."""
    failed_lately: frozenset[ConversationId] = _NONE
    """Some of those whose attempts are among the recent failures."""
    is_failing: bool = False

    @property
    def state(self) -> State:
        if isinstance(self.circuit, Open):
            return State.OPEN
        is_failing = self.is_failing or isinstance(self.circuit, Recovering)
        return State.FAILING if is_failing else State.HEALTHY


WELL = Health()


def is_success(outcome: Outcome) -> bool | None:
    """What an outcome says of the endpoint; None when it says nothing: no request was made, or a fault
    of ours broke it."""
    match outcome:
        case Accepted():
            return True
        case Unreachable(reason="fault") | Rejected():
            return None
        case Refused() | Unreachable() | Forbidden():
            return False
        case _:
            assert_never(outcome)


def is_no_news(health: Health, outcome: Outcome) -> bool:
    """Whether nothing changes by this outcome: a success where all is well, as nearly always."""
    return isinstance(outcome, Accepted) and not health.recent and isinstance(health.circuit, Closed)


def after(
    health: Health,
    outcome: Outcome,
    conversation: ConversationId,
    *,
    begun_in: int,
    now: float,
    most: int,
    jitter: float,
) -> Health:
    """What is known after an attempt. `begun_in`: what `changes` was when it began. `most`: how many may
    be made at a time when all is well."""
    succeeded = is_success(outcome)
    if succeeded:
        return _after_success(health, now, most)
    if succeeded is None:
        return _after_probe(health, outcome, begun_in, now, jitter)
    if isinstance(health.circuit, Open):
        return _after_probe(health, outcome, begun_in, now, jitter)
    return _after_failure(health, outcome, conversation, begun_in, now, jitter)


def may_attempt(health: Health, now: float) -> bool:
    """Whether an attempt may be made now, the number of those under way aside."""
    circuit = health.circuit
    return not isinstance(circuit, Open) or (not circuit.is_probing and now >= circuit.probe_at)


def begun(health: Health) -> Health:
    """An attempt is being made, and it was allowed: on an open circuit it is the probe."""
    circuit = health.circuit
    if not isinstance(circuit, Open):
        return health
    probing = Open(circuit.probe_at, circuit.probes + 1, is_probing=True)
    return msgspec.structs.replace(health, circuit=probing)


def allowed(health: Health, most: int) -> int:
    """How many attempts may be made at a time."""
    match health.circuit:
        case Closed():
            return most
        case Open():
            return min(1, most)
        case Recovering(allowed=ramp):
            return min(ramp, most)
        case _:
            assert_never(health.circuit)


def _after_success(health: Health, now: float, most: int) -> Health:
    match health.circuit:
        case Closed():
            return _noted(health, _NONE, failed=0) if health.recent else health
        case Open():
            return Health(circuit=Recovering(FIRST_ALLOWED), changed_at=now, changes=health.changes + 1)
        case Recovering(allowed=ramp):
            circuit = _CLOSED if ramp + 1 >= most else Recovering(ramp + 1)
            return _noted(msgspec.structs.replace(health, circuit=circuit), _NONE, failed=0)
        case _:
            assert_never(health.circuit)


def _after_probe(health: Health, outcome: Outcome, begun_in: int, now: float, jitter: float) -> Health:
    """After one that failed or told nothing; any other attempt that ends now was begun before."""
    circuit = health.circuit
    if not isinstance(circuit, Open) or not circuit.is_probing or begun_in < health.changes:
        return health
    wait = max(probe_wait(now - health.changed_at) * jitter, _asked_wait(outcome))
    return msgspec.structs.replace(health, circuit=Open(now + wait, circuit.probes))


def probe_wait(outage: float) -> float:
    """Seconds until the next probe, when it has been dead for so many."""
    return min(max(outage / PROBES_AN_OUTAGE, PROBE_SOONEST), PROBE_LATEST)


def _asked_wait(outcome: Outcome) -> float:
    asked = outcome.retry_after if isinstance(outcome, Refused) else None
    return min((asked or timedelta()).total_seconds(), LONGEST_ASKED_WAIT)


def _after_failure(
    health: Health,
    outcome: Outcome,
    conversation: ConversationId,
    begun_in: int,
    now: float,
    jitter: float,
) -> Health:
    if begun_in < health.changes:
        return health
    in_a_row = health.in_a_row | {conversation}
    if len(in_a_row) < LANES_TO_OPEN:
        return _noted(health, in_a_row, failed=1)
    wait = max(PROBE_SOONEST * jitter, _asked_wait(outcome))
    return Health(circuit=Open(now + wait), changed_at=now, changes=health.changes + 1)


def _noted(health: Health, in_a_row: frozenset[ConversationId], *, failed: int) -> Health:
    """With one more recent attempt."""
    recent = (health.recent << 1 | failed) & _RECENT_BITS
    is_well = not recent & _WELL_AGAIN_BITS and (health.is_failing or not recent)
    if is_well:
        return msgspec.structs.replace(
            health, in_a_row=in_a_row, recent=0, failed_lately=_NONE, is_failing=False
        )
    lately = health.failed_lately
    if len(lately) < LANES_TO_FAIL:
        lately |= in_a_row
    many = recent.bit_count() >= MANY_FAILED and len(lately) >= LANES_TO_FAIL
    return msgspec.structs.replace(
        health, in_a_row=in_a_row, recent=recent, failed_lately=lately, is_failing=health.is_failing or many
    )
