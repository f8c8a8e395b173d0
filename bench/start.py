"""How long it takes from `relevo serve` to the first request answered, the first time and any other.

python -m bench.start --times 7
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.processes import RELEVO, free_port, get_json

GIVEN_UP_AFTER = 30.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.start", description=__doc__)
    parser.add_argument("--times", type=int, default=7, help="of each; the median counts")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start(folder / "compiled", folder / "data")  # Python compiles once
        again = [start(folder / "compiled", folder / "data") for _ in range(given.times)]
        first = [start(folder / "compiled", folder / f"data-{number}") for number in range(given.times)]
    for words, took in (("the first time", first), ("again", again)):
        print(f"{words}: median {median(took):.2f} s, least {min(took):.2f} s (goal: 1; good enough: 3)")


def start(compiled: Path, data: Path) -> float:
    """Seconds until `/readyz` is answered. `compiled`: where Python keeps what it has compiled."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled), "RELEVO_DATA_DIR": str(data)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    port = free_port()
    command = [RELEVO, "serve", "--port", str(port)]
    started = time.monotonic()
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            until_ready(f"http://127.0.0.1:{port}/readyz")
            return time.monotonic() - started
        finally:
            process.terminate()


def until_ready(url: str) -> None:
    until = time.monotonic() + GIVEN_UP_AFTER
    while time.monotonic() < until:
        try:
            get_json(url)
            return
        except OSError:
            time.sleep(0.005)
    raise SystemExit(f"{url} was not answered within {GIVEN_UP_AFTER} s")


if __name__ == "__main__":
    main()
