"""Two numbers about each of many names, known to one process or to several."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relevo.system.notes import Notes, OwnNotes, SharedNotes

KEY = b"a key that only we have"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    SharedNotes.make(path)
    return path


@pytest.fixture(params=["own", "shared"])
def notes(request: pytest.FixtureRequest, file: Path) -> Iterator[Notes]:
    if request.param == "own":
        yield OwnNotes()
        return
    with closing(SharedNotes(file, KEY)) as shared:
        yield shared


def test_what_was_written_is_read(notes: Notes) -> None:
    with notes:
        assert notes.read("ana") is None
        notes.write("ana", (0.1, 1e9 + 0.25))
        notes.write("bea", (-3.5, 7.0))
        notes.write("ana", (0.2, 1e9 + 0.5))

        assert notes.read("ana") == (0.2, 1e9 + 0.5)
        assert notes.read("bea") == (-3.5, 7.0)
        assert notes.read("cleo") is None


@pytest.mark.parametrize("name", ["", "ünïcödé", "\ud800", "x" * 100_000])
def test_a_name_may_be_anything(notes: Notes, name: str) -> None:
    with notes:
        notes.write(name, (1, 2))
        assert notes.read(name) == (1, 2)


def test_thousands_of_names_are_kept_apart(notes: Notes) -> None:
    with notes:
        for number in range(3000):
            notes.write(str(number), (number, 1.0))
        found = [notes.read(str(number)) for number in range(3000)]

    assert found == [(number, 1.0) for number in range(3000)]


def test_who_was_written_longest_ago_gives_way(file: Path) -> None:
    """Seventy thousand names find no room among 65,536: each row forgets its oldest, and never its newest."""
    with closing(SharedNotes(file, KEY)) as notes, notes:
        for at in range(70_000):
            notes.write(str(at), (at, float(at)))
            if at % 1000 == 0:
                notes.write("often", (at, float(at)))
        oldest = sum(notes.read(str(at)) is not None for at in range(2000))
        newest = sum(notes.read(str(at)) is not None for at in range(68_000, 70_000))

        assert notes.read("often") == (69_000, 69_000.0)
    assert newest == 2000
    assert oldest < 1200


def test_another_key_has_other_places(file: Path) -> None:
    with closing(SharedNotes(file, KEY)) as ours, closing(SharedNotes(file, b"other")) as others:
        ours.write("ana", (1, 2))

        assert others.read("ana") is None


def test_processes_that_count_at_once_lose_nothing(file: Path) -> None:
    count = f"""
from pathlib import Path
from relevo.system.notes import SharedNotes
notes = SharedNotes(Path({str(file)!r}), {KEY!r})
for _ in range(5000):
    with notes:
        many, _ = notes.read("ana") or (0.0, 0.0)
        notes.write("ana", (many + 1, 1.0))
"""
    both = [subprocess.Popen([sys.executable, "-c", count]) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]

    with closing(SharedNotes(file, KEY)) as notes, notes:
        assert notes.read("ana") == (10_000, 1.0)


def test_a_lock_is_taken_from_who_is_killed(file: Path) -> None:
    held = f"""
import os, signal
from pathlib import Path
from relevo.system.notes import SharedNotes
with SharedNotes(Path({str(file)!r}), {KEY!r}):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", held], check=False, timeout=60).returncode == -9

    with closing(SharedNotes(file, KEY)) as notes, notes:
        notes.write("ana", (1, 2))
