"""`make schemathesis`: requests made from our own OpenAPI document, at a running server, in all phases that
Schemathesis has: examples, edges of parameters, chance, and what follows from one answer to the next.

The short form, in which all cases are the same each time, is among the tests of the API.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

import uvloop

from bench.__main__ import _postgresql
from bench.load import Load
from bench.processes import Server, receiver, relevo

SCHEMATHESIS = str(Path(sys.executable).parent / "schemathesis")
CHECKS = "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance"


def main() -> None:
    parser = argparse.ArgumentParser(prog="fuzz.surface", description=__doc__)
    parser.add_argument("--only", choices=["sqlite", "postgresql"], nargs="*")
    parser.add_argument("--examples", type=int, default=50, help="for each operation and phase")
    parser.add_argument("--seconds", type=int, default=900, help="for each database, at most")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    broken = [name for name in given.only or ["sqlite", "postgresql"] if not _went_well(name, given)]
    if broken:
        sys.exit(f"Schemathesis found something on {', '.join(broken)}; see above.")


def _went_well(database: str, given: argparse.Namespace) -> bool:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(_postgresql()) if database == "postgresql" else ""
        desk = stack.enter_context(receiver())
        server = stack.enter_context(relevo("surface", desk, folder, url))
        uvloop.run(_have_somebody(server))
        print(f"{database}, seed {given.seed}", flush=True)
        return subprocess.run(_command(server, given), check=False).returncode == 0


async def _have_somebody(server: Server) -> None:
    load = Load(server.target, users=3, connections=1, prefix="surface")
    await load.connect()
    await load.each_once(in_flight=1)


def _command(server: Server, given: argparse.Namespace) -> list[str]:
    base = server.target.url.partition("/hooks")[0]
    return [
        *(SCHEMATHESIS, "run", f"{base}/api/openapi.json", "--url", base, "--no-color"),
        *("-H", f"Authorization: Bearer {server.target.token}", "-c", CHECKS),
        *("--max-examples", str(given.examples), "--max-time", str(given.seconds)),
        *("--seed", str(given.seed), "--generation-database", "none"),
    ]


if __name__ == "__main__":
    main()
