"""Some dozens of seeds of the simulation (`make simulate` runs ten thousand), and that it can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulation.bugs import BUGS
from simulation.many import a_folder, run_one
from simulation.plan import make_plan

ROOT = Path(__file__).parents[2]
SEEDS = 30
FOUND_BY = {
    "the_last_becomes_head": 1,
    "busy_lanes_are_forgotten": 1,
}
"""Bugs that are found quickly, by a seed that finds them. (`python -m simulation --bugs` tries all.)"""


@pytest.fixture(scope="module", autouse=True)
def folder() -> Iterator[None]:
    with a_folder():
        yield


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_every_promise_is_kept(seed: int) -> None:
    outcome = run_one(seed)

    assert not outcome.problems, f"python -m simulation --seed {seed}\n" + "\n".join(outcome.problems)


@pytest.mark.parametrize("bug", FOUND_BY)
def test_a_bug_is_found(bug: str) -> None:
    with BUGS[bug]():
        outcome = run_one(FOUND_BY[bug])

    assert outcome.problems


def test_a_seed_replays_to_the_last_line_of_its_story() -> None:
    first, second = run_one(2), run_one(2)

    assert first.story
    assert first.story == second.story


def test_a_seed_replays_in_another_process() -> None:
    """Where objects lie elsewhere in memory, and texts have other hashes."""
    command = [sys.executable, "-m", "simulation", "--seed", "2"]
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=True
    )

    assert f"digest {run_one(2).digest:08x}" in done.stdout


def test_seeds_are_of_both_kinds_and_every_fault_is_in_some() -> None:
    plans = [make_plan(seed) for seed in range(1, SEEDS + 1)]

    assert {plan.kind for plan in plans} == {"sqlite", "postgresql"}
    for name in plans[0].rates.__struct_fields__:
        assert any(getattr(plan.rates, name) > 0 for plan in plans), name
