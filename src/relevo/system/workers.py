"""What the workers of one `relevo serve` share: a folder with what they count and know of callers."""

from __future__ import annotations

import os
import select
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from prometheus_client import values
from prometheus_client.multiprocess import mark_process_dead

from relevo.system.notes import SharedNotes

_MEMORY = Path("/dev/shm")
"""Where files are in memory only: a disk would hold up whoever counts. Without it, any folder will do."""
NOTES = "notes"
"""The file in it for what they know of callers."""


@contextmanager
def shared_folder() -> Iterator[Path]:
    """For the process that keeps the workers up."""
    where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="relevo-", dir=where, ignore_cleanup_errors=True) as folder:
        SharedNotes.make(Path(folder) / NOTES)
        yield Path(folder)


@contextmanager
def taking_part(folder: Path, worker: int) -> Iterator[None]:
    """Go on counting where the worker with this number ended before. To be entered before `relevo.metrics` is
    imported: a metric finds its place when it is made. Whoever is still there when the process above, which
    holds our standard input, is not, removes the folder."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: worker)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if _has_ended(sys.stdin):
            shutil.rmtree(folder, ignore_errors=True)


def _has_ended(stream: TextIO) -> bool:
    """Whether there is something to read where nobody writes: the end."""
    readable, _, _ = select.select([stream], [], [], 0)
    return bool(readable)


def forget_levels(folder: Path, worker: int) -> None:
    """Of one that has ended: nothing waits there any more. What it counted stays."""
    mark_process_dead(worker, str(folder))  # type: ignore[no-untyped-call]
