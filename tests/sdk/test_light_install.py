"""`relevo-sdk` is the SDK without the server: what it needs is what it says, and nothing more."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "packaging" / "sdk"
NEEDED = ("msgspec", "pyreqwest")

SEEN = """
import asyncio, sys
sys.path[:0] = sys.argv[1:3]
from relevo.sdk import Client, InMemorySeen, Receiver, SQLiteSeen, SyncClient, Unreachable
import relevo.sdk.adapters
Receiver("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", store=SQLiteSeen(":memory:"))
assert "pyreqwest" not in sys.modules, "the receiver alone needs only msgspec"
try:
    with SyncClient("http://127.0.0.1:1", "token", attempts=1) as client:
        client.me()
except Unreachable:
    print("unreachable")
print(*sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=PACKAGE, check=True, capture_output=True)
    return next(folder.glob("relevo_sdk-*.whl"))


def test_it_works_where_nothing_else_of_relevo_or_for_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    (tmp_path / "needed").mkdir()
    for name in NEEDED:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations
        (tmp_path / "needed" / name).symlink_to(spec.submodule_search_locations[0])

    paths = [str(tmp_path / "installed"), str(tmp_path / "needed")]
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SEEN, *paths], check=True, capture_output=True, text=True
    )

    assert run.stdout.split() == ["unreachable", "__main__", "msgspec", "pyreqwest", "relevo"]


def test_it_holds_the_sdk_and_nothing_else(wheel: Path) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]

    assert all(name.startswith("relevo/sdk/") for name in names)
    assert {name.removeprefix("relevo/sdk/") for name in names} >= {"client.py", "receiver.py", "adapters.py"}


def test_it_is_of_the_version_of_the_server_and_asks_for_the_same() -> None:
    small, whole = (
        tomllib.loads((folder / "pyproject.toml").read_text())["project"] for folder in (PACKAGE, ROOT)
    )

    assert small["version"] == whole["version"]
    assert set(small["dependencies"]) <= set(whole["dependencies"])
