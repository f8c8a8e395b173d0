"""`make faults`: break things under load, and look whether anything is lost or overtaken."""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import signal
import sys
import time

import structlog

from faults.report import TITLE, Line
from faults.scenarios import NAMES, SHORT, play
from faults.scene import begun


def main() -> None:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="within a minute, as in `make test`")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=NAMES, help=", ".join(NAMES))
    parser.add_argument("--seed", type=int, help="for the random moments; printed, to do it again")
    given = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # however it ends, nothing of it is left
    started = time.monotonic()
    print(f"{'short' if given.short else 'long'} form, seed {seed}\n\n{TITLE}", flush=True)
    with begun(is_short=given.short, seed=seed) as run:
        lines = asyncio.run(play(run, given.only or (SHORT if given.short else NAMES), _tell))
    bad = [one.name for one in lines if not one.is_good]
    print(
        f"\n{len(lines)} scenarios in {time.monotonic() - started:.0f} s; failed: {', '.join(bad) or 'none'}"
    )
    sys.exit(1 if bad else 0)


def _tell(line: Line) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
