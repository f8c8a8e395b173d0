"""`make fuzz`: a million requests at every channel's `verify` and `parse`, led by what they reach (atheris).

The short form of the same, with Hypothesis, is in the suite that every channel passes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from fuzz.inputs import SUITES

KEPT = Path(".fuzz")
"""Inputs that reached something new, and those that broke something; the next run begins with them."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("channels", nargs="*", default=[*SUITES], metavar="CHANNEL", help=", ".join(SUITES))
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for each channel")
    given = parser.parse_args()
    broken = [name for name in given.channels if not _went_well(name, given.inputs)]
    if broken:
        sys.exit(f"Broken: {', '.join(broken)}. The inputs are in {KEPT}.")


def _went_well(name: str, inputs: int) -> bool:
    """In a process of its own: the fuzzer ends the one that it runs in."""
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    arguments = [name, str(folder), f"-runs={inputs}", f"-artifact_prefix={folder}-", "-print_final_stats=1"]
    with (KEPT / f"{name}.log").open("w") as log:
        ended = subprocess.run([sys.executable, "-m", "fuzz.one", *arguments], stderr=log, stdout=log)
    took = time.perf_counter() - began
    words = f"{inputs:,} inputs in {took:.0f} s" if ended.returncode == 0 else f"broke; see {log.name}"
    print(f"{name}: {words}", flush=True)
    return ended.returncode == 0


if __name__ == "__main__":
    main()
