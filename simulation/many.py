"""Many seeds, in processes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import msgspec

from simulation.bugs import BUGS
from simulation.run import Outcome, simulate
from simulation.template import Template, make_template

_FOLDER = "SIMULATION_FOLDER"
_AT_ONCE = 10


def seeds_until_found(bug: str, most: int) -> int | None:
    """How many seeds it takes to find a bug that is put in; None: more than `most`."""
    with BUGS[bug]():
        return next((seed for seed in range(1, most + 1) if run_one(seed).problems), None)


def run_many(seeds: Iterable[int], processes: int) -> Iterator[Outcome]:
    """Run seeds, and give what became of each (without its story) as they end."""
    numbers = list(seeds)
    parts = [numbers[at : at + _AT_ONCE] for at in range(0, len(numbers), _AT_ONCE)]
    context = multiprocessing.get_context("spawn")
    with a_folder(), ProcessPoolExecutor(processes, mp_context=context) as pool:
        for done in as_completed([pool.submit(_run_part, part) for part in parts]):
            yield from done.result()


def run_one(seed: int) -> Outcome:
    """Run one seed; a folder must be there."""
    return simulate(seed, _template())


def _run_part(seeds: list[int]) -> list[Outcome]:
    return [msgspec.structs.replace(run_one(seed), story=[]) for seed in seeds]


@contextmanager
def a_folder() -> Iterator[None]:
    """Where the databases are; in memory where the system has such a folder."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=memory if memory.is_dir() else None) as folder:
        os.environ[_FOLDER] = folder
        yield


@cache
def _template() -> Template:
    folder = Path(os.environ[_FOLDER]) / str(os.getpid())
    folder.mkdir()
    made = make_template(folder)
    gc.freeze()  # what is there now need not be looked through after every run
    return made
