"""What a seed stands for: how large the installation is, and how often each thing goes wrong in it.

Most kinds of fault are left out of most runs: some bugs are only found where one kind is frequent, and
others only where another is absent.
"""

from __future__ import annotations

import random
from typing import Literal

import msgspec

Kind = Literal["sqlite", "postgresql"]


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Probabilities: of a fault at one statement, commit, request, or step."""

    broken: float  # a statement breaks the transaction off; the same one may succeed at once
    unavailable: float  # a statement finds the database gone
    refused: float  # a statement of a batch is refused
    commit_broken: float  # a commit does not happen
    commit_unheard: float  # a commit happens, and its answer is lost
    commit_late: float  # a commit's answer is lost, and it happens afterwards
    slow: float  # a statement takes its time
    unreachable: float  # a request does not arrive
    unheard: float  # a request arrives and is taken, its answer is lost
    failing: float  # a request is answered 500, or 503 with Retry-After
    gone: float  # a request is answered 410
    tardy: float  # a request takes seconds
    crash: float  # a process ends at this step
    freeze: float  # a process stands still at this step
    step_clock: float  # a process's clock is set at this step
    cancel: float  # somebody who has asked goes away


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Times are in (virtual) seconds."""

    seed: int
    kind: Kind
    processes: int
    customers: int
    messages: int
    pause: float  # the most that a customer waits between two messages
    shuffle: float
    outages: tuple[tuple[str, float, float], ...]  # who is down (database, platform, vendor), from, to
    rates: Rates


FAULTS_FOR = 20.0
"""Seconds after which nothing goes wrong any more."""


def make_plan(seed: int) -> Plan:
    chance = random.Random(f"plan {seed}")
    kind: Kind = chance.choice(("sqlite", "postgresql"))
    return Plan(
        seed=seed,
        kind=kind,
        processes=1 if kind == "sqlite" else chance.choice((2, 2, 3)),
        customers=chance.randint(1, 5),
        messages=chance.randint(2, 8),
        pause=chance.choice((0.0, 0.5, 5.0)),
        shuffle=chance.choice((0.0, 0.5, 1.0)),
        outages=tuple(_outage(chance) for _ in range(chance.choice((0, 0, 1, 2)))),
        rates=_rates(chance, kind),
    )


def _outage(chance: random.Random) -> tuple[str, float, float]:
    start = chance.uniform(0, FAULTS_FOR)
    end = min(FAULTS_FOR, start + chance.choice((1, 5, 15)))
    return chance.choice(("database", "platform", "vendor")), start, end


def _rates(chance: random.Random, kind: Kind) -> Rates:
    def sometimes(most: float) -> float:
        return most * 10 ** -chance.uniform(0, 2) if chance.random() < 0.4 else 0.0

    answers_get_lost = kind == "postgresql"
    return Rates(
        broken=sometimes(0.2),
        unavailable=sometimes(0.1),
        refused=sometimes(0.1),
        commit_broken=sometimes(0.3),
        commit_unheard=sometimes(0.3) * answers_get_lost,
        commit_late=sometimes(0.2) * answers_get_lost,
        slow=sometimes(0.5),
        unreachable=sometimes(0.5),
        unheard=sometimes(0.5),
        failing=sometimes(0.5),
        gone=sometimes(0.01),
        tardy=sometimes(0.3),
        crash=sometimes(0.003),
        freeze=sometimes(0.004) * answers_get_lost,
        step_clock=sometimes(0.001),
        cancel=sometimes(0.3),
    )
