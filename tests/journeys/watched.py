"""`relevo` as anybody starts it; what its API answers goes to the file that ANSWERS names.

python -m tests.journeys.watched demo
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from relevo import bootstrap
from relevo.cli import main
from relevo.web.app import create_app
from tests.web.api.watching import Given, Watched

ANSWERS = "ANSWERS"


def kept(file: Path) -> Iterator[Given]:
    """What was answered."""
    return (msgspec.json.decode(line, type=Given) for line in file.read_bytes().splitlines())


def _watched(*services: Any, **about: Any) -> Watched:
    file = Path(os.environ[ANSWERS])

    def keep(given: Given) -> None:
        with file.open("ab") as answers:
            answers.write(msgspec.json.encode(given) + b"\n")

    file.touch()
    return Watched(create_app(*services, **about), keep)


if __name__ == "__main__":
    vars(bootstrap)["create_app"] = _watched
    main(prog_name="relevo")
