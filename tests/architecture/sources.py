"""What the tests of the code's own shape read: the files of this project, as git knows them."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@cache
def project_files() -> list[Path]:
    """Every file that is, or would be, committed."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError) as missing:
        pytest.skip(f"not a git checkout: {missing}")
    return [path for name in sorted(listed.split("\0")) if name and (path := ROOT / name).is_file()]


def python_files(*folders: str) -> list[Path]:
    wanted = tuple(ROOT / folder for folder in folders)
    return [
        path
        for path in project_files()
        if path.suffix == ".py" and any(path.is_relative_to(folder) for folder in wanted)
    ]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))
