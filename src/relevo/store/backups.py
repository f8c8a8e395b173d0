"""A copy of a SQLite database that is in use, as of one moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


class CannotCopy(Exception):
    """There is nothing to copy, or something is where the copy should go."""


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database while others write to it; the copy is one file, checked. Raises `CannotCopy`."""
    if not source.exists():
        raise CannotCopy(f"There is no database at {source} yet.")
    if target.exists():
        raise CannotCopy(f"{target} is there already; nothing is overwritten. Choose another name.")
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as copy,
    ):
        reading.backup(copy)  # in one step: a copy in several begins anew at each write
        copy.execute("PRAGMA journal_mode = DELETE")
        (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise CannotCopy(f"The copy at {target} is damaged, and so is the database: {found}")
