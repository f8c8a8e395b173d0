"""`make simulate`: many seeds, with progress; or one seed with its story."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import nullcontext

from simulation.bugs import BUGS
from simulation.many import a_folder, run_many, run_one, seeds_until_found
from simulation.run import Outcome


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one, and its story")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--bugs", action="store_true", help="put mistakes in; the seeds until found")
    parser.add_argument("--bug", choices=BUGS, help="only this one; with --seed, too")
    given = parser.parse_args()
    if given.bugs:
        return _find_bugs([given.bug] if given.bug else list(BUGS), given.seeds)
    if given.seed is None:
        return _many(range(given.first, given.first + given.seeds), given.processes)
    with a_folder(), BUGS[given.bug]() if given.bug else nullcontext():
        return _tell(run_one(given.seed))


def _find_bugs(bugs: list[str], most: int) -> int:
    missed = 0
    with a_folder():
        for bug in bugs:
            seeds = seeds_until_found(bug, most)
            missed += seeds is None
            print(f"{bug:40} {seeds or f'not in {most}'}", flush=True)
    return missed > 0


def _tell(outcome: Outcome) -> int:
    print("\n".join(outcome.story))
    print(outcome.plan)
    print(f"{outcome.steps} steps, {outcome.seconds:.0f} s of virtual time, digest {outcome.digest:08x}")
    for problem in outcome.problems:
        print(f"WRONG: {problem}")
    return bool(outcome.problems)


def _many(seeds: range, processes: int) -> int:
    started, failed = time.monotonic(), 0
    for done, outcome in enumerate(run_many(seeds, processes), 1):
        if outcome.problems:
            failed += 1
            print(f"WRONG: {outcome.problems[0]}; again: python -m simulation --seed {outcome.plan.seed}")
        if done % 100 == 0 or done == len(seeds):
            rate = done / (time.monotonic() - started)
            print(f"{done} of {len(seeds)} seeds, {failed} failed, {rate:.1f} a second", flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
