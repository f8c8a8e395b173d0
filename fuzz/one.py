"""One channel under the fuzzer: `python -m fuzz.one CHANNEL FOLDER [options of libFuzzer]`."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["relevo.channels", "relevo.domain"]):
    from fuzz.inputs import SUITES, bent, seeds

LONGEST = 20_000


def main() -> None:
    name, folder, *options = sys.argv[1:]
    suite = SUITES[name]
    for seed in seeds(suite):
        (Path(folder) / sha256(seed).hexdigest()[:16]).write_bytes(seed)

    def take(body: bytes) -> None:
        suite.assert_polite(suite.request(body))

    atheris.Setup([sys.argv[0], folder, *options], take, custom_mutator=_mutate)
    atheris.Fuzz()


def _mutate(body: bytes, most: int, seed: int) -> bytes:
    """Half of the time by things that do not belong there, else by bytes, as libFuzzer has it."""
    random = Random(seed)
    other = bent(body, random) if random.random() < 0.5 else None
    if other is not None and len(other) <= min(most, LONGEST):
        return other
    changed: bytes = atheris.Mutate(body, most)
    return changed


if __name__ == "__main__":
    main()
