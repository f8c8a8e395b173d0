"""The secret that Relevo makes for itself."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from relevo.system.secret_file import make, read_or_make


def test_the_first_reading_makes_a_secret_and_the_next_one_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"

    made = read_or_make(path)

    assert re.fullmatch("[0-9a-f]{64}", made)
    assert read_or_make(path) == made


def test_only_its_owner_may_read_it_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    read_or_make(tmp_path / "secret.key")

    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("mine\n")

    assert read_or_make(tmp_path / "secret.key") == "mine"


def test_who_comes_second_leaves_the_first_secret_and_nothing_else(tmp_path: Path) -> None:
    first = read_or_make(tmp_path / "secret.key")

    make(tmp_path / "secret.key")

    assert read_or_make(tmp_path / "secret.key") == first
    assert len(list(tmp_path.iterdir())) == 1


def test_all_who_start_at_once_get_the_same_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(read_or_make, [path] * 32))

    assert secrets == {path.read_text().strip()}


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")

    with pytest.raises(OSError, match="data"):
        read_or_make(tmp_path / "data" / "secret.key")
