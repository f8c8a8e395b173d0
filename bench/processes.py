"""The processes of a run: started for it, on loopback, and ended with it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urljoin

import msgspec

from bench.load import Target

RELEVO = str(Path(sys.executable).parent / "relevo")
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

SCOPES = ("Manage Flow", "Manage Team", "Send Message")

CUSTOMERS = "/customers"
"""Where what customers are told is posted, at the same server as what they say."""

FLOW = """\
version: 1
flow: bench
start: begin
subflows:
  begin:
    - pause_bot
"""
WORKSPACE = """\
version: 1
workspace: Bench
endpoints:
{endpoints}
flows: [bench.flow.yaml]
channels:
{channels}
"""
ENDPOINT = """\
  - {{name: {name}, url: "{url}", secret: "{secret}", headers: {{X-Desk-Key: bench}}}}"""
CHANNEL = """\
  - {{name: {name}, type: apichat, flow: bench, webhook_url: "{customers}",
      live_chat: {{mode: webhook, endpoint: {name}}}}}"""


class Installation(msgspec.Struct, frozen=True):
    """Where Relevo is set up: its files, its port, and the environment of its processes."""

    folder: Path
    port: int
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def prepare(
    folder: Path, endpoints: Mapping[str, str], database_url: str = "", **settings: str
) -> Installation:
    """Write the files of a workspace that has for each endpoint (name → URL) a channel of the same name."""
    port = free_port()
    environment = {
        "RELEVO_DATA_DIR": str(folder / "data"),
        "RELEVO_ALLOWED_NETWORKS": "127.0.0.0/8",
        "RELEVO_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "RELEVO_LOG_LEVEL": "warning",
        **({"RELEVO_DATABASE_URL": database_url} if database_url else {}),
        **settings,
    }
    named = [
        {"name": name, "url": url, "customers": urljoin(url, CUSTOMERS), "secret": SECRET}
        for name, url in endpoints.items()
    ]
    workspace = WORKSPACE.format(
        endpoints="\n".join(ENDPOINT.format(**one) for one in named),
        channels="\n".join(CHANNEL.format(**one) for one in named),
    )
    (folder / "bench.flow.yaml").write_text(FLOW)
    (folder / "bench.yaml").write_text(workspace)
    return Installation(folder, port, environment)


class Server(msgspec.Struct, frozen=True):
    """A server under load: where its hooks go, and its process with those that it has started."""

    target: Target
    pid: int

    def cpu_seconds(self) -> float:
        """What they have used so far."""
        return sum(_cpu_seconds(pid) for pid in family(self.pid))

    def memory_mb(self) -> float:
        """The most memory that each of them has had (resident), in all."""
        return sum(_memory_mb(pid) for pid in family(self.pid))


def family(pid: int) -> list[int]:
    """A process, and those that it has started itself."""
    return [pid, *children(pid)]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@contextmanager
def receiver() -> Iterator[str]:
    """The platform's side; its base URL."""
    port = free_port()
    with _running("-m", "bench.receiver", "--port", str(port), "--secret", SECRET):
        url = f"http://127.0.0.1:{port}"
        _until_answers(f"{url}/report")
        yield url


@contextmanager
def floor(name: str, receiver_url: str, *, is_early: bool) -> Iterator[Server]:
    """The bare relay."""
    port = free_port()
    target = f"{receiver_url}/hook/{quote(name)}"
    given = ["--port", str(port), "--target", target, "--secret", SECRET, *(["--early"] if is_early else [])]
    with _running("-m", "bench.floor", *given) as process:
        _until_answers(f"http://127.0.0.1:{port}/")
        yield Server(Target(f"http://127.0.0.1:{port}/hook"), process.pid)


@contextmanager
def relevo(
    name: str, receiver_url: str, folder: Path, database_url: str = "", workers: int = 1
) -> Iterator[Server]:
    """Relevo, set up through its own commands."""
    here = prepare(folder, {"desk": f"{receiver_url}/hook/{quote(name)}"}, database_url)
    environment = {**os.environ, **here.environment}
    _command(environment, "apply", str(folder / "bench.yaml"))
    scopes = [part for scope in SCOPES for part in ("--scope", scope)]
    token = _command(environment, "token", "create", "--flow", "bench", *scopes).strip()
    (channel,) = json.loads(_command(environment, "channels", "--json"))
    serve = ("serve", "--port", str(here.port), "--workers", str(workers))
    with _running(RELEVO, *serve, environment=environment) as process:
        _until_answers(f"{here.url}/readyz")
        yield Server(Target(channel["hook_url"], token), process.pid)


def get_json(url: str, method: str = "GET") -> bytes:
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _command(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run([RELEVO, *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"relevo {' '.join(words)} failed:\n{done.stderr}")
    return done.stdout


@contextmanager
def _running(*words: str, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    command = words if words[0] == RELEVO else (sys.executable, *words)
    process = subprocess.Popen(command, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


def _until_answers(url: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            get_json(url)
            return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        if time.monotonic() > until:
            raise SystemExit(f"{url} did not answer within {seconds} s")
        time.sleep(0.05)
